"""What containers, networks and volumes were made from, so that a plan can say what has changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from envman.state.atomic import write_whole
from envman.state.checkout import read_json

_FOLDER: Final = "definitions"


@dataclass(frozen=True, slots=True)
class Definitions:
    """Services by content digest; networks and volumes by the engine's name."""

    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    networks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_definitions(state: Path, environment: str) -> Definitions:
    """Return what ``environment`` (its key) was brought up with; nothing where that is not known."""
    data = read_json(state / _FOLDER / f"{environment}.json")
    try:
        return Definitions(**data) if isinstance(data, dict) else Definitions()
    except TypeError:
        return Definitions()


def write_definitions(state: Path, environment: str, definitions: Definitions) -> None:
    """Keep ``definitions`` in place of what was there; before anything is created from them.

    Raises:
        EnvmanError: EV008.
    """
    text = json.dumps(asdict(definitions), separators=(",", ":"), ensure_ascii=False, default=str)
    write_whole(state / _FOLDER / f"{environment}.json", text + "\n", mode=0o600, folder_mode=0o700)
