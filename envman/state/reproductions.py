"""What data a reproduction has, and which of its volumes hold data that no hook has cleaned yet: kept over a kill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from envman.state.atomic import write_whole
from envman.state.checkout import read_json

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


def read_reproduced(state: Path, environment: str) -> Reproduced | None:
    """Return what is known of the copy ``environment``, if it is one."""
    data = read_json(state / _FOLDER / f"{environment}.json")
    if not isinstance(data, dict) or not {"environment", "unclean", "data"} <= set(data):
        return None
    return Reproduced(str(data["environment"]), tuple(data["unclean"]), dict(data["data"]))


def write_reproduced(state: Path, reproduced: Reproduced) -> None:
    """Keep ``reproduced``; before the data that it is about is there.

    Raises:
        EnvmanError: EV008.
    """
    text = json.dumps(asdict(reproduced)) + "\n"
    write_whole(state / _FOLDER / f"{reproduced.environment}.json", text, mode=0o600, folder_mode=0o700)


def forget_reproduced(state: Path, environment: str) -> None:
    """Remove what is known of ``environment``: its volumes are gone."""
    (state / _FOLDER / f"{environment}.json").unlink(missing_ok=True)
