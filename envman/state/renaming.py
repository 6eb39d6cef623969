"""A rename that was begun: what it does, and how far it is. It stays until the rename has ended or was taken back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from envman.state.record import Record

COPYING: Final = "copying volumes"
MOVING: Final = "moving records and files"
REMOVING: Final = "removing the old containers"
_FILE: Final = "rename.json"


@dataclass(frozen=True, slots=True)
class CarriedVolume:
    """A volume and its copy under the ``new`` name, which is made with ``driver``, ``options`` and ``labels``.

    ``proof`` are the labels of the old one. ``alike`` says that its options lead both to one place, so that nothing is
    copied. ``image`` is what reads and fills it, ``size`` its bytes (-1: not known), ``copied`` that the copy is
    complete and was compared.
    """

    old: str
    new: str
    driver: str
    options: Mapping[str, str]
    labels: Mapping[str, str]
    proof: Mapping[str, str]
    image: str = ""
    alike: bool = False
    size: int = -1
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Renaming:
    """A rename of environment ``old`` to ``new``, or with ``whole`` of the project.

    ``project`` is the project's name before, ``to_project`` after. ``keys`` are the environments' keys, old and new;
    ``files`` those in the project, old and new name. ``running`` are the IDs of containers that ran, by old key.
    ``remove`` says that old volumes are removed in the end.
    """

    old: str
    new: str
    whole: bool
    project: str
    to_project: str
    keys: tuple[tuple[str, str], ...]
    volumes: tuple[CarriedVolume, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    running: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chosen: bool = False
    remove: bool = False
    step: str = COPYING

    @property
    def command(self) -> str:
        """The command that finishes it."""
        if self.whole:
            return f"envman rename --project {self.new} --from {self.old}"
        return f"envman rename {self.old} {self.new}"

    def concerns(self, key: str) -> bool:
        """Return whether the environment with ``key`` is one that is renamed."""
        return self.whole or any(key in pair for pair in self.keys)


_RECORD: Final[Record[Renaming]] = Record(
    Renaming,
    "a rename was interrupted, and it is not known of what; look at `envman status`, remove PATH, then rename again or "
    "remove the copies with `envman down`: the old volumes are all there",
)


def read_renaming(state: Path) -> tuple[Renaming, Path] | None:
    """Return the rename under way in the checkout with the state folder ``state``, and the folder of its record.

    That may be the state folder under another name of the project.

    Raises:
        EnvmanError: EV509.
    """
    identity = state.name.rpartition("-")[2]
    for path in sorted(Path(os.fspath(state.parent)).glob(f"*-{identity}/{_FILE}")):
        found = _RECORD.read(path)
        if found is not None:
            return found, path.parent
    return None


def write_renaming(state: Path, entry: Renaming) -> None:
    """Keep ``entry``; before what it is about is done.

    Raises:
        EnvmanError: EV008.
    """
    _RECORD.write(state / _FILE, entry)


def forget_renaming(state: Path) -> None:
    """Remove the record: the rename has ended, or was taken back."""
    (state / _FILE).unlink(missing_ok=True)
