"""Which containers are held while their volumes are copied, and which volumes are not whole: what a kill leaves behind.

The journal says in words what was interrupted; this is what the next command needs to put it right.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Final

from envman.state.atomic import write_whole
from envman.state.checkout import read_json

_FOLDER: Final = "copying"


@dataclass(frozen=True, slots=True)
class Copying:
    """A copy under way for ``environment`` (its key), to or from ``snapshot``.

    ``held`` are the IDs of containers that were paused or stopped for it, ``refilling`` the engine's names of volumes
    that may be neither what they were nor what they should become, ``safety`` the snapshot of what they were.
    ``stopping`` says that one of ``held`` may be being stopped: the engine ends that whatever becomes of envman.
    """

    environment: str
    snapshot: str
    held: tuple[str, ...] = ()
    refilling: tuple[str, ...] = ()
    safety: str = ""
    source: str = ""
    stopping: bool = False


_KNOWN: Final = frozenset(one.name for one in fields(Copying))
# What older records have not is as its default says.
_NEEDED: Final = frozenset(one.name for one in fields(Copying) if one.default is MISSING)


def read_copying(state: Path, environment: str) -> Copying | None:
    """Return the copy that was begun for ``environment`` and not finished, if any."""
    return _read(state / _FOLDER / f"{environment}.json")


def all_copying(state: Path) -> list[Copying]:
    """Return every copy that was begun and not finished."""
    found = [_read(path) for path in sorted((state / _FOLDER).glob("*.json"))]
    return [one for one in found if one is not None]


def _read(path: Path) -> Copying | None:
    data = read_json(path)
    if not isinstance(data, dict) or not _NEEDED <= set(data) <= _KNOWN:
        return None
    lists = {name: tuple(data.get(name, ())) for name in ("held", "refilling")}
    return Copying(**{**data, **lists})


def write_copying(state: Path, copying: Copying) -> None:
    """Keep ``copying``; before what it is about is done.

    Raises:
        EnvmanError: EV008.
    """
    text = json.dumps(asdict(copying)) + "\n"
    write_whole(state / _FOLDER / f"{copying.environment}.json", text, mode=0o600, folder_mode=0o700)


def forget_copying(state: Path, environment: str) -> None:
    """Remove the record of ``environment``."""
    (state / _FOLDER / f"{environment}.json").unlink(missing_ok=True)
