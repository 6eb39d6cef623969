"""Looking ahead: what `up` would do, without doing any of it."""

from __future__ import annotations

from dataclasses import replace

from envman.diagnostics import Severity
from envman.model.environment import Environment
from envman.operations.obstacles import find_obstacles
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up
from envman.operations.prepare import Prepared, current_document, look, refuse_newer_attributes
from envman.operations.up import check_services
from envman.operations.workspace import Workspace
from envman.plan.plan import Plan


def preview(workspace: Workspace, environment: Environment, options: UpOptions) -> Plan:
    """Return the plan for bringing ``environment`` up. Nothing is written, allocated or generated.

    What others have that it needs is a warning in the workspace's report: it may be gone by then.

    Raises:
        EnvmanError: EV412 where Compose is too old for an attribute, EV5xx for what belongs to others.
    """
    check_services(environment, options.services)
    observed = look(workspace, environment)
    refuse_newer_attributes(workspace, environment)
    document = current_document(workspace, environment)
    prepared = Prepared(environment, document, observed, workspace.compose(environment, None))
    plan = plan_up(workspace, prepared, options)
    for one in find_obstacles(workspace, prepared, plan):
        workspace.report.add(replace(one, severity=Severity.WARNING))
    return plan
