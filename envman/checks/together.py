"""Rules over several environments of a project: they may be up at once, and they share what they inherit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envman.checks.ports import Claims, fixed_claims
from envman.checks.unused import unused_declarations
from envman.diagnostics import Diagnostic, Note, Report, Severity, Span
from envman.model.active import enabled_services
from envman.model.environment import Environment


def check_together(environments: Sequence[Environment], report: Report, *, whole: bool) -> None:
    """Add warnings for what keeps two of ``environments`` apart or from each other's data, to ``report``.

    ``whole`` says that they are all environments of the project, which is what can be said to use nothing (EV316).
    """
    report.extend(shared_host_ports(environments))
    report.extend(shared_names(environments))
    if whole:
        report.extend(unused_declarations(environments))


def shared_host_ports(environments: Sequence[Environment]) -> Iterator[Diagnostic]:
    """EV302: two environments that fix one host port cannot be up at once."""
    claims = Claims()
    for environment in environments:
        for claim in fixed_claims(environment.only(enabled_services(environment))):
            first = claims.clash(claim, others=True)
            if first is not None:
                same = first.span == claim.span
                yield Diagnostic(
                    "EV302",
                    f"{first.environment} and {claim.environment} both publish "
                    f"host port {claim.port}/{claim.protocol}: "
                    "they cannot be up at once",
                    claim.span,
                    "a host port for each environment",
                    () if same else (Note(f"{first.environment} publishes it here", first.span),),
                    "write `published: auto`, or give one of them another port",
                    severity=Severity.WARNING,
                )
            claims.add(claim)


def shared_names(environments: Sequence[Environment]) -> Iterator[Diagnostic]:
    """EV313: two environments that fix one name for a volume or network would use one and the same.

    A name that both inherit from one place is EV210's.
    """
    first: dict[tuple[str, str], tuple[Environment, Span]] = {}
    for environment in environments:
        for kind, name, span in _fixed_names(environment):
            other, place = first.setdefault((kind, name), (environment, span))
            if other is environment or place == span:
                continue
            yield Diagnostic(
                "EV313",
                f'{other.name} and {environment.name} both use the {kind} named "{name}"',
                span,
                f"a {kind} for each environment",
                (Note(f"{other.name} names it here", place),),
                "remove the fixed name, or write `shared: true` beside both if this is meant",
                severity=Severity.WARNING,
            )


def _fixed_names(environment: Environment) -> Iterator[tuple[str, str, Span]]:
    stack = environment.stack
    for section, entries in (("volumes", stack.volumes), ("networks", stack.networks)):
        for key, entry in entries.items():
            if entry is None or entry.shared:
                continue
            # An external network is how stacks are meant to meet; an external volume holds somebody's data.
            if entry.is_external and section == "networks":
                continue
            if entry.name is not None:
                yield section[:-1], entry.name, environment.span(section, key, "name")
            elif entry.is_external:
                yield section[:-1], key, environment.key_span(section, key)
