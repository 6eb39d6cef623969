"""Deleting snapshots."""

from __future__ import annotations

from collections.abc import Sequence

from envman.diagnostics.diagnostic import fail
from envman.operations.snapshots import catalogue, written
from envman.operations.workspace import Workspace
from envman.snapshot.shelf import Shelf
from envman.state.copying import read_copying


def outdated(workspace: Workspace, key: str, keep: int) -> list[str]:
    """Return the snapshots of an environment but for the newest ``keep``; the one that a restore needs stays too."""
    copying = read_copying(workspace.checkout.state, key)
    needed = {copying.safety, copying.snapshot} if copying is not None else set()
    names = [name for name, _ in catalogue(workspace, key)]
    return [name for name in names[: max(0, len(names) - keep)] if name not in needed]


def check_deletable(workspace: Workspace, shelf: Shelf, names: Sequence[str]) -> None:
    """Make sure that ``names`` are there and that nothing needs them.

    Raises:
        EnvmanError: EV640 for an unknown one, EV650 for one that an interrupted restore needs.
    """
    known = shelf.names()
    copying = read_copying(workspace.checkout.state, shelf.environment)
    for name in names:
        if name not in known:
            shelf.read(name)
        if copying is not None and copying.refilling and name == copying.safety:
            raise fail(
                "EV650",
                f"snapshot {name} is all that is left of {', '.join(copying.refilling)}: a restore was interrupted",
                help="finish the restore first; nothing was deleted",
            )


def delete(shelf: Shelf, names: Sequence[str]) -> None:
    """Delete snapshots ``names``; raises EnvmanError with EV645 where the disk refuses."""
    for name in names:
        with written(name):
            shelf.delete(name)
