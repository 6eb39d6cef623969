"""External networks and volumes that are made because `--create-external` asks for it. They belong to nobody."""

from __future__ import annotations

from envman.operations.prepare import Prepared
from envman.operations.workspace import Workspace
from envman.plan.causes import Cause
from envman.plan.defined import engine_name
from envman.plan.externals import absent, externals
from envman.plan.obstacles import starting_services
from envman.plan.plan import Action, Plan, Step


def absent_externals(workspace: Workspace, prepared: Prepared, plan: Plan) -> list[Step]:
    """Return a step for each external network or volume that ``plan`` needs and the engine has not."""
    from envman.engine.occupied import find_occupied

    document = prepared.document
    wanted = [one for one in externals(prepared.environment, document, starting_services(plan)) if one.key]
    if not wanted:
        return []
    volumes = {one.name for one in wanted if one.kind == "volume"}
    occupied = find_occupied(workspace.engine, ports=False, containers=(), volumes=volumes, networks=True)
    return [
        Step(Action.CREATE, one.kind, one.key, (Cause("external and absent; --create-external", one.span),))
        for one in wanted
        if any(absent([one], occupied))
    ]


def create_externals(workspace: Workspace, prepared: Prepared, plan: Plan) -> None:
    """Create the external networks and volumes of ``plan``, without labels.

    Raises:
        EnvmanError: EV4xx for the engine.
    """
    from envman.engine.archive import create_volume

    document = prepared.document
    asked = {
        (step.kind, step.name)
        for step in plan.steps
        if step.action is Action.CREATE
        and step.kind in {"network", "volume"}
        and (document.data[f"{step.kind}s"].get(step.name) or {}).get("external")
    }
    # Looked at again: a switch comes here more than once.
    for step in absent_externals(workspace, prepared, plan) if asked else ():
        name = engine_name(document, f"{step.kind}s", step.name)
        if (step.kind, step.name) not in asked:
            continue
        if step.kind == "network":
            workspace.engine.post("/networks/create", {"Name": name, "Driver": "bridge"})
        else:
            create_volume(workspace.engine, name, driver=None, options={}, labels={})
