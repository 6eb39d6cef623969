"""A plan as data, for programs."""

from __future__ import annotations

from typing import Any

from envman.output.diagnostics import place
from envman.plan.plan import Plan


def plan_data(plan: Plan) -> list[dict[str, Any]]:
    """Return each step with its causes (``text`` and ``place``, which may be null) and the data that it touches."""
    return [
        {
            "action": step.action.value,
            "kind": step.kind,
            "name": step.name,
            "causes": [{"text": cause.text, "place": place(cause.span)} for cause in step.causes],
            "data": list(step.data),
        }
        for step in plan.steps
    ]
