"""The environment and instance that commands mean when none is named."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from envman.state.atomic import write_whole
from envman.state.checkout import read_json

_FILE: Final = "selection.json"


@dataclass(frozen=True, slots=True)
class Selection:
    """What ``envman use`` chose."""

    environment: str | None = None
    instance: str | None = None


def read_selection(state: Path) -> Selection:
    """Return what was chosen in this checkout."""
    data = read_json(state / _FILE)
    if not isinstance(data, dict):
        return Selection()
    return Selection(data.get("environment"), data.get("instance"))


def write_selection(state: Path, selection: Selection) -> None:
    """Remember ``selection`` for this checkout.

    Raises:
        EnvmanError: EV008.
    """
    write_whole(state / _FILE, json.dumps(asdict(selection), indent=2) + "\n")
