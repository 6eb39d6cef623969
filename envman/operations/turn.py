"""Taking turns on a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from envman.operations.progress import Progress
from envman.operations.recovery import recover
from envman.operations.workspace import Workspace
from envman.state.journal import forget, interrupted
from envman.state.lock import exclusive


@contextmanager
def take_turn(workspace: Workspace, what: str, progress: Progress, *, patience: float) -> Iterator[None]:
    """Hold the checkout while the body changes its stacks, and say first what an earlier run left unfinished.

    Raises:
        EnvmanError: EV506 where another envman holds it for longer than ``patience`` seconds.
    """
    checkout = workspace.checkout
    if checkout.notice:
        progress.notice(checkout.notice)

    def waiting(holder: str) -> None:
        progress.notice(f"waiting for {holder}, which is at work on this checkout")

    with exclusive(checkout.state, what, wait=patience, waiting=waiting):
        entry = interrupted(checkout.state)
        if entry is not None:
            progress.notice(f"{entry.describe()}; nothing is lost, and this command goes on from what is there")
            forget(checkout.state)
        recover(workspace, progress)
        yield
