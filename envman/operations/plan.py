"""Looking ahead: what `up` would do, without doing any of it."""

from __future__ import annotations

from dataclasses import replace

from envman.diagnostics import Severity
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.operations.leaving import warn_of_unnamed
from envman.operations.obstacles import find_obstacles
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up
from envman.operations.prepare import Prepared, allocate, impossible, look, new_secrets, refuse_newer_attributes
from envman.operations.renaming import warn_of_older
from envman.operations.up import check_profiles, check_services
from envman.operations.workspace import Workspace
from envman.plan.plan import Plan
from envman.render.compose import render


def preview(workspace: Workspace, environment: Environment, options: UpOptions) -> Plan:
    """Return the plan for bringing ``environment`` up. Nothing is written, allocated or generated.

    What others have that it needs is a warning in the workspace's report: it may be gone by then.

    Raises:
        EnvmanError: EV412 where Compose is too old for an attribute, EV5xx for what belongs to others.
    """
    check_services(environment, options.services)
    check_profiles(environment, options.profiles)
    observed = look(workspace, environment)
    refuse_newer_attributes(workspace, environment)
    ports, moves = allocate(workspace, environment, observed)
    document = render(environment, workspace.facts(environment, ports=ports, online=True))
    prepared = Prepared(environment, document, observed, workspace.compose(environment, None))
    plan = plan_up(workspace, prepared, options)
    workspace.report.extend(warn_of_older(workspace, environment, observed))
    services = wanted_services(
        environment, options.services or None, frozenset(options.profiles), dependencies=options.dependencies
    )
    warn_of_unnamed(workspace, prepared, services)
    for one in (*impossible(workspace, environment.only(services)), *find_obstacles(workspace, prepared, plan)):
        workspace.report.add(replace(one, severity=Severity.WARNING))
    return Plan((*new_secrets(workspace, environment), *moves, *plan.steps))
