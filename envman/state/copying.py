"""Which containers are held while their volumes are copied, and which volumes are not whole: what a kill leaves behind.

The journal says in words what was interrupted; this is what the next command needs to put it right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.diagnostics import EnvmanError
from envman.state.record import Record

_FOLDER: Final = "copying"


@dataclass(frozen=True, slots=True)
class Copying:
    """A copy under way for ``environment`` (its key), to or from ``snapshot``.

    ``held`` are the IDs of containers that were paused or stopped for it, ``refilling`` the engine's names of volumes
    that may be neither what they were nor what they should become, ``safety`` the snapshot of what they were.
    ``stopping`` says that one of ``held`` may be being stopped: the engine ends that whatever becomes of envman.
    ``adopted`` is the Compose project whose volumes ``refilling`` are copies of; then there is no snapshot.
    """

    environment: str
    snapshot: str
    held: tuple[str, ...] = ()
    refilling: tuple[str, ...] = ()
    safety: str = ""
    source: str = ""
    stopping: bool = False
    adopted: str = ""


_RECORD: Final[Record[Copying]] = Record(
    Copying,
    "a snapshot or restore of this environment was interrupted: its containers may be paused, and a volume half "
    "restored; remove PATH, restore a snapshot that you know is good, and `docker unpause` what is still paused",
)


def read_copying(state: Path, environment: str) -> Copying | None:
    """Return the copy that was begun for ``environment`` and not finished, if any.

    Raises:
        EnvmanError: EV509.
    """
    return _RECORD.read(state / _FOLDER / f"{environment}.json")


def all_copying(state: Path) -> tuple[list[Copying], list[EnvmanError]]:
    """Return every copy that was begun and not finished, and EV509 for each record that is damaged."""
    found, damaged = [], []
    for path in sorted((state / _FOLDER).glob("*.json")):
        try:
            one = _RECORD.read(path)
        except EnvmanError as error:
            damaged.append(error)
        else:
            found += [one] if one is not None else []
    return found, damaged


def write_copying(state: Path, copying: Copying) -> None:
    """Keep ``copying``; before what it is about is done.

    Raises:
        EnvmanError: EV008.
    """
    _RECORD.write(state / _FOLDER / f"{copying.environment}.json", copying)


def forget_copying(state: Path, environment: str) -> None:
    """Remove the record of ``environment``."""
    (state / _FOLDER / f"{environment}.json").unlink(missing_ok=True)
