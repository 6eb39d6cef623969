"""Taking turns on a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from envman.diagnostics import EnvmanError
from envman.operations.progress import Progress
from envman.operations.recovery import recover
from envman.operations.unfinished import unfinished, unfinished_rename
from envman.operations.workspace import Workspace
from envman.state.journal import SWITCH, forget, interrupted, interrupted_switch
from envman.state.lock import exclusive
from envman.state.renaming import read_renaming

# Commands that touch no container.
_HARMLESS: Final = frozenset({"build", "pull"})


@contextmanager
def take_turn(
    workspace: Workspace, what: str, progress: Progress, *, patience: float, recovers: bool = False
) -> Iterator[None]:
    """Hold the checkout while the body changes its stacks, and say first what an earlier run left unfinished.

    ``what`` is the command as it would be typed: ``envman COMMAND KEY``. ``recovers`` is for the one that deals with
    an interrupted switch itself.

    Raises:
        EnvmanError: EV506 where another envman holds it for longer than ``patience`` seconds, EV631 for a command on
            an environment whose switch was interrupted, EV017 for one whose rename was.
    """
    checkout = workspace.checkout
    if checkout.notice:
        progress.warning(checkout.notice)

    def waiting(holder: str) -> None:
        progress.notice(f"waiting for {holder}, which is at work on this checkout")

    # Both ways out of a killed switch wait for what its Compose still does. Any other command goes on beside it.
    inherited = what.split()[1:2] == [SWITCH]
    with exclusive(checkout.state, what, wait=patience, waiting=waiting, inherited=inherited):
        # What a killed snapshot holds goes on, whoever deals with the rest.
        recover(workspace, progress)
        if not recovers:
            _mind_switch(workspace, what, progress)
        _mind_rename(workspace, what)
        entry = interrupted(checkout.state)
        if entry is not None:
            progress.warning(f"{entry.describe()}; nothing is lost, and this command goes on from what is there")
            forget(checkout.state)
        yield


def _mind_switch(workspace: Workspace, what: str, progress: Progress) -> None:
    entry = interrupted_switch(workspace.checkout.state)
    if entry is None:
        return
    command, keys = _changes(what)
    if command == entry.operation or not keys.isdisjoint((entry.environment, entry.other)):
        raise EnvmanError(unfinished(entry))
    progress.warning(f"{entry.describe()}; `envman switch --resume` finishes it, `--abort` takes it back")


def _mind_rename(workspace: Workspace, what: str) -> None:
    found = read_renaming(workspace.checkout.state)
    command, keys = _changes(what)
    # A switch may stop or start whatever runs.
    if found is not None and command != "rename" and (command == SWITCH or any(map(found[0].concerns, keys))):
        raise EnvmanError(unfinished_rename(found[0]))


def _changes(what: str) -> tuple[str, set[str]]:
    """Return the command in ``what``, and the words behind it, among them the keys of what it changes."""
    command, *words = what.split()[1:]
    changes_nothing = command in _HARMLESS or (command, *words[:1]) == ("snapshot", "create")
    return command, set() if changes_nothing else set(words)
