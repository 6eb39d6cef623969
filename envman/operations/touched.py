"""Anonymous volumes that somebody would miss."""

from __future__ import annotations

from collections.abc import Sequence

from envman.engine.archive import Helpers
from envman.engine.untouched import is_untouched
from envman.model.environment import Environment
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed
from envman.plan.unnamed import Unnamed
from envman.state.copying import Copying, forget_copying, read_copying, write_copying


def touched(
    workspace: Workspace, environment: Environment, observed: Observed, unnamed: Sequence[Unnamed]
) -> list[Unnamed]:
    """Return those of ``unnamed`` that hold anything but what their images brought, each volume once."""
    once = list({one.volume: one for one in unnamed}.values())
    if not once:
        return []
    users = {(mount.name, mount.target): one for one in observed.containers for mount in one.mounts}
    state, key = workspace.checkout.state, environment.key
    earlier = read_copying(state, key)
    if earlier is None:
        # So that the next command removes a helper that a kill leaves behind.
        write_copying(state, Copying(key, ""))
    try:
        helpers = Helpers(workspace.engine, workspace.checkout.id)
        return [one for one in once if not _is_untouched(helpers, users.get((one.volume, one.target)), one)]
    finally:
        if earlier is None:
            forget_copying(state, key)


def _is_untouched(helpers: Helpers, user: ContainerState | None, one: Unnamed) -> bool:
    return user is not None and is_untouched(helpers, user.id, user.image_id, one.target)
