"""Taking over a stack whose checkout ID was lost."""

from __future__ import annotations

from envman import LABEL_PREFIX
from envman.model.environment import Environment
from envman.operations.progress import Progress
from envman.operations.workspace import Workspace
from envman.state.checkout import adopt_checkout


def take_over(workspace: Workspace, environment: Environment, progress: Progress) -> None:
    """Make the ID on the environment's existing containers, volumes and networks this checkout's own.

    Raises:
        EnvmanError: EV4xx for the engine, EV008 where the ID cannot be kept.
    """
    from envman.engine.observe import observe

    observed = observe(workspace.engine, [environment.compose_project], details=False)
    labels = [one.labels for kind in (observed.containers, observed.volumes, observed.networks) for one in kind]
    owners = {one.get(f"{LABEL_PREFIX}checkout") for one in labels} - {None, workspace.checkout.id}
    if len(owners) != 1:
        return
    owner = str(owners.pop())
    workspace.checkout = adopt_checkout(workspace.project.root, workspace.project.name, workspace.environ, owner)
    progress.notice(f"took over {environment.compose_project}: this checkout's ID is {owner} now")
