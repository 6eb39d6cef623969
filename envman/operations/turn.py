"""Taking turns on a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from envman.diagnostics import EnvmanError
from envman.operations.progress import Progress
from envman.operations.recovery import recover
from envman.operations.unfinished import unfinished
from envman.operations.workspace import Workspace
from envman.state.journal import SWITCH, forget, interrupted, interrupted_switch
from envman.state.lock import exclusive

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
            an environment whose switch was interrupted.
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
        entry = interrupted(checkout.state)
        if entry is not None:
            progress.warning(f"{entry.describe()}; nothing is lost, and this command goes on from what is there")
            forget(checkout.state)
        yield


def _mind_switch(workspace: Workspace, what: str, progress: Progress) -> None:
    entry = interrupted_switch(workspace.checkout.state)
    if entry is None:
        return
    _, command, key, *_ = (*what.split(), "", "")
    concerned = key in {entry.environment, entry.other} and command not in _HARMLESS
    if concerned or command == entry.operation:
        raise EnvmanError(unfinished(entry))
    progress.warning(f"{entry.describe()}; `envman switch --resume` finishes it, `--abort` takes it back")
