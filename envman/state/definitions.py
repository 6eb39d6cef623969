"""What containers, networks and volumes were made from, so that a plan can say what has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from envman.state.record import Record

_FOLDER: Final = "definitions"


@dataclass(frozen=True, slots=True)
class Definitions:
    """Services by content digest; networks and volumes by the engine's name.

    ``protected`` is what the blueprint said (None: not recorded), ``retain`` how volumes are kept that are not just
    ``keep``, by the engine's name: for when the blueprint is gone.
    """

    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    protected: bool | None = None
    retain: Mapping[str, str] = field(default_factory=dict)


_RECORD: Final[Record[Definitions]] = Record(
    Definitions, "remove PATH: plans cannot say why a service changes until the next `envman up`"
)


def read_definitions(state: Path, environment: str) -> Definitions:
    """Return what ``environment`` (its key) was brought up with; nothing where that is not known.

    Raises:
        EnvmanError: EV509.
    """
    return _RECORD.read(state / _FOLDER / f"{environment}.json") or Definitions()


def write_definitions(state: Path, environment: str, definitions: Definitions) -> None:
    """Keep ``definitions`` in place of what was there; before anything is created from them.

    Raises:
        EnvmanError: EV008.
    """
    _RECORD.write(state / _FOLDER / f"{environment}.json", definitions)


def forget_definitions(state: Path, environment: str) -> None:
    """Remove the record of ``environment``."""
    (state / _FOLDER / f"{environment}.json").unlink(missing_ok=True)
