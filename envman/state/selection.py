"""The environment and instance that commands mean when none is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.state.record import Record

_FILE: Final = "selection.json"


@dataclass(frozen=True, slots=True)
class Selection:
    """What ``envman use`` chose."""

    environment: str | None = None
    instance: str | None = None


_RECORD: Final[Record[Selection]] = Record(
    Selection, "remove PATH, and choose again with `envman use ENV`; until then name the environment"
)


def read_selection(state: Path) -> Selection:
    """Return what was chosen in this checkout.

    Raises:
        EnvmanError: EV509.
    """
    return _RECORD.read(state / _FILE) or Selection()


def write_selection(state: Path, selection: Selection) -> None:
    """Remember ``selection`` for this checkout.

    Raises:
        EnvmanError: EV008.
    """
    _RECORD.write(state / _FILE, selection)
