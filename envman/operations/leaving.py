"""Anonymous volumes that are about to be left behind: copied while something still leads to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from envman.model.environment import Environment
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up
from envman.operations.prepare import Prepared
from envman.operations.progress import Progress
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState
from envman.plan.plan import Action, Plan
from envman.plan.unnamed import Unnamed, orphaned, unnamed_data, unnamed_volumes

_FETCHING = (Action.BUILD, Action.PULL)


def warn_of_unnamed(workspace: Workspace, prepared: Prepared, services: Collection[str]) -> None:
    """Add a warning to the report for each of ``services`` that keeps data in a volume that no blueprint names.

    Images that the engine does not have say nothing.
    """
    from envman.engine.images import find_images

    document = prepared.document
    wanted = {name: image for name in services if (image := document.image(name))}
    present = find_images(workspace.engine, set(wanted.values()))
    for name, reference in wanted.items():
        if reference in present:
            found = unnamed_data(prepared.environment, name, document.services[name], present[reference])
            workspace.report.extend(found)


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
    return _save(workspace, prepared.environment, plan.left, deed, progress)


def save_orphaned(
    workspace: Workspace,
    environment: Environment,
    going: Collection[ContainerState],
    staying: Collection[ContainerState],
    deed: str,
    progress: Progress,
    *,
    named: bool = False,
) -> str | None:
    """Take a snapshot of the anonymous volumes to which nothing leads once ``going`` are removed; return its name.

    With ``named`` the environment's own volumes are in it too. None is returned where there is nothing to copy.

    Raises:
        EnvmanError: EV640 to EV653; nothing was removed then.
    """
    return _save(workspace, environment, orphaned(going, staying), deed, progress, named=named)


def _save(
    workspace: Workspace,
    environment: Environment,
    unnamed: Sequence[Unnamed],
    deed: str,
    progress: Progress,
    *,
    named: bool = False,
) -> str | None:
    if not unnamed and not named:
        return None
    from envman.operations.snapshots import before

    taken = before(workspace, environment, deed, progress, unnamed=unnamed, named=named)
    return taken.name if taken is not None else None
