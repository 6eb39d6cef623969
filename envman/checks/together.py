"""Rules over all environments of a project: they may be up at once."""

from __future__ import annotations

from envman.checks.ports import Claims, fixed_claims
from envman.diagnostics import Note, Report
from envman.model.environment import Environment


def check_together(environments: list[Environment], report: Report) -> None:
    """Add warnings for what keeps two of ``environments`` from running at the same time (EV302)."""
    claims = Claims()
    for environment in environments:
        for claim in fixed_claims(environment):
            first = claims.clash(claim, others=True)
            if first is not None:
                same = first.span == claim.span
                report.warning(
                    "EV302",
                    f"{first.environment} and {claim.environment} both publish "
                    f"host port {claim.port}/{claim.protocol}: "
                    "they cannot be up at once",
                    claim.span,
                    expected="a host port for each environment",
                    notes=() if same else (Note(f"{first.environment} publishes it here", first.span),),
                    help="write `published: auto`, or give one of them another port",
                )
            claims.add(claim)
