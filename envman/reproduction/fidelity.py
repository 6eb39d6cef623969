"""What of a copy is the same as in production: each attribute compared on the running containers.

*Same* is only what was looked at on the engine and is as production's definition has it. *Substituted* is what differs
and is what a rule of the copy's made of it. All else is *unknown*: what differs and nobody declared, what the engine
decides by itself, what no engine tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envman.reproduction.draft import CUT_OFF, NO_WAY_OUT, Substitution
from envman.reproduction.report import Evidence, Fidelity, Finding, Status
from envman.reproduction.resources import of_resources
from envman.reproduction.services import of_service


def fidelity(environment: str, copy: str, source: str, evidence: Evidence) -> Fidelity:
    """Return the report on ``copy`` of ``environment``."""
    findings = [one for name in evidence.services for one in of_service(name, evidence)]
    for kind in ("networks", "volumes"):
        findings += of_resources(kind, evidence)
    findings += _declared_alone(evidence, findings)
    findings += evidence.extra
    order = {subject: index for index, subject in enumerate(dict.fromkeys(_whole(one) for one in findings))}
    return Fidelity(environment, copy, source, tuple(sorted(findings, key=lambda one: order[_whole(one)])))


def _whole(one: Finding) -> str:
    """Return the subject without the number of a container."""
    return one.subject.partition("[")[0]


def _declared_alone(evidence: Evidence, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the substitutions that no attribute showed: secrets' contents, endpoints, what was left out."""
    shown = {(_whole(one), one.attribute) for one in findings}
    running = {f"service {one.service}" for one in evidence.observed.containers}
    missing = {one.subject for one in findings if one.attribute == "definition" and one.status is Status.UNKNOWN}
    for one in evidence.substitutions:
        if one.subject in missing or (one.subject.startswith("service ") and one.subject not in running):
            continue  # nothing of it is there that could be another thing
        place = (one.subject, one.attribute or "definition")
        # Where an attribute was compared and came out alike, nothing is different in the end.
        if any(subject == one.subject and one.covers(subject, attribute) for subject, attribute in shown):
            continue
        shown.add(place)
        reachable = _ways_out(one, evidence) if one.now == CUT_OFF else []
        if reachable:
            why = f"{', '.join(reachable)} leads outside: it is not cut off"
            yield Finding(*place, Status.UNKNOWN, one.was, "not cut off", why=why)
        else:
            yield Finding(*place, Status.SUBSTITUTED, one.was, one.now, one.rule, one.why)


def _ways_out(one: Substitution, evidence: Evidence) -> list[str]:
    """Return the networks that a service's containers are on and that lead outside, or that nobody knows."""
    service = one.subject.partition(" ")[2]
    closed = {
        network.name
        for network in evidence.observed.networks
        if network.inspected.get("Internal") or NO_WAY_OUT.items() <= (network.inspected.get("Options") or {}).items()
    }
    attached = {
        name
        for container in evidence.observed.containers
        if container.service == service
        for name in (container.inspected.get("NetworkSettings") or {}).get("Networks") or {}
    }
    return sorted(attached - closed - {"none"})
