"""Looking ahead: what `up` would do, without doing any of it."""

from __future__ import annotations

from envman.model.environment import Environment
from envman.operations.prepare import Prepared, look, refuse_newer_attributes
from envman.operations.up import UpOptions, check_services, plan_up
from envman.operations.workspace import Workspace
from envman.plan.plan import Plan
from envman.render.compose import render
from envman.state.ports import read_ports


def preview(workspace: Workspace, environment: Environment, options: UpOptions) -> Plan:
    """Return the plan for bringing ``environment`` up. Nothing is written, allocated or generated.

    Raises:
        EnvmanError: EV412 where Compose is too old for an attribute, EV5xx for what belongs to others.
    """
    check_services(environment, options.services)
    observed = look(workspace, environment)
    refuse_newer_attributes(workspace, environment)
    recorded = read_ports(workspace.checkout.state).get(environment.key, {})
    offline = workspace.offline_document(environment)
    document = render(environment, workspace.facts(environment, ports=recorded, online=True)) if recorded else offline
    return plan_up(workspace, Prepared(environment, document, observed, workspace.compose(environment, None)), options)
