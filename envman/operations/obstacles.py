"""Before anything starts: what others have that a plan needs."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from envman.checks.ports import Claim
from envman.diagnostics import Diagnostic, EnvmanError
from envman.operations.bound import bound_by
from envman.operations.prepare import Prepared
from envman.operations.workspace import Workspace
from envman.plan.externals import absent, externals, placed_addresses, taken_addresses
from envman.plan.obstacles import container_names, created, obstacles, starting_claims, starting_services
from envman.plan.plan import Plan


def refuse_obstacles(workspace: Workspace, prepared: Prepared, plan: Plan, *, leaving: Collection[str] = ()) -> None:
    """Make sure that nothing is in the way of ``plan``. Compose projects in ``leaving`` stop before it begins.

    Raises:
        EnvmanError: with every EV505, EV520, EV522, EV525 and EV527 there is.
    """
    found = find_obstacles(workspace, prepared, plan, leaving=leaving)
    if found:
        raise EnvmanError(*found)


def find_obstacles(
    workspace: Workspace, prepared: Prepared, plan: Plan, *, leaving: Collection[str] = ()
) -> list[Diagnostic]:
    """Return what is in the way of ``plan``; the engine is asked only for what it is about."""
    from envman.engine.occupied import find_occupied, holders_now

    environment, document = prepared.environment, prepared.document
    starting = starting_services(plan)
    wanted = externals(environment, document, starting)
    placed = placed_addresses(environment, document, starting)
    made = {kind: created(plan, document, kind) for kind in ("network", "volume", "container")}
    occupied = find_occupied(
        workspace.engine,
        ports=bool(starting_claims(environment, plan)),
        containers=container_names(environment, plan),
        volumes={*made["volume"], *(one.name for one in wanted if one.kind == "volume")},
        networks=bool(made["network"]) or any(one.kind == "network" for one in wanted),
        joined={one.name for one in wanted if one.kind == "container"},
        addressed={network for network, _ in placed},
    )
    local = workspace.endpoint.is_local

    def bound(claim: Claim) -> str:
        if not local:
            return ""
        place = (claim.port, claim.host_ip, claim.protocol)
        published = partial(holders_now, workspace.engine, *place)
        return bound_by(*place, published=published, ours={environment.compose_project, *leaving})

    found = [
        *obstacles(environment, document, prepared.observed, plan, occupied, bound=bound, leaving=leaving),
        *absent([one for one in wanted if one.name not in made[one.kind]], occupied),
        *taken_addresses(prepared.observed, placed, occupied),
    ]
    return sorted(found, key=lambda one: one.place)
