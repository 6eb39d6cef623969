"""What data a reproduction has, and which of its volumes hold data that no hook has cleaned yet: kept over a kill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from envman.state.record import Record

_FOLDER: Final = "reproductions"


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A copy called ``environment`` (its key).

    ``unclean`` are the engine's names of volumes that may hold data as it was in production, ``data`` says by volume in
    words where its content is from.
    """

    environment: str
    unclean: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)


_RECORD: Final[Record[Reproduced]] = Record(
    Reproduced,
    "its volumes may hold data of production that no hook has cleaned; remove them with `envman down ENV --volumes`, "
    "then PATH, and reproduce again",
)


def read_reproduced(state: Path, environment: str) -> Reproduced | None:
    """Return what is known of the copy ``environment``, if it is one.

    Raises:
        EnvmanError: EV509.
    """
    return _RECORD.read(state / _FOLDER / f"{environment}.json")


def write_reproduced(state: Path, reproduced: Reproduced) -> None:
    """Keep ``reproduced``; before the data that it is about is there.

    Raises:
        EnvmanError: EV008.
    """
    _RECORD.write(state / _FOLDER / f"{reproduced.environment}.json", reproduced)


def forget_reproduced(state: Path, environment: str) -> None:
    """Remove what is known of ``environment``: its volumes are gone."""
    (state / _FOLDER / f"{environment}.json").unlink(missing_ok=True)
