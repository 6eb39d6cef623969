"""Anonymous volumes that a plan leaves behind: copied while something still leads to them."""

from __future__ import annotations

from dataclasses import replace

from envman.operations.options import UpOptions
from envman.operations.planning import plan_up
from envman.operations.prepare import Prepared
from envman.operations.progress import Progress
from envman.operations.workspace import Workspace
from envman.plan.plan import Action, Plan
from envman.plan.unnamed import unnamed_volumes

_FETCHING = (Action.BUILD, Action.PULL)


def save_leaving(
    workspace: Workspace, prepared: Prepared, plan: Plan, options: UpOptions, deed: str, progress: Progress
) -> str | None:
    """Take a snapshot of the anonymous volumes that carrying out ``plan`` leaves behind, and return its name.

    It is called once images are built and pulled: which volumes those want is known only then. None is returned where
    nothing is left behind, or ``options`` want no snapshot.

    Raises:
        EnvmanError: EV640 to EV653; nothing was recreated then.
    """
    if not options.snapshot or not any(unnamed_volumes(prepared.observed.containers)):
        return None
    if plan.services(*_FETCHING):
        plan = plan_up(workspace, prepared, replace(options, build=False, pull=False))
    if not plan.left:
        return None
    from envman.operations.snapshots import before

    taken = before(workspace, prepared.environment, deed, progress, unnamed=plan.left, named=False)
    return taken.name if taken is not None else None
