"""What a service waits for must be able to come true."""

from __future__ import annotations

from collections.abc import Iterator

from envman.diagnostics import Diagnostic, Note, Severity
from envman.model.environment import Environment
from envman.model.service import Service

_FOR_EVER = frozenset({"always", "unless-stopped", "any"})
# Docker never restarts a service with one of these policies.
_NEVER = frozenset({"no", "none"})


def unhealthy_dependencies(environment: Environment) -> Iterator[Diagnostic]:
    """EV308: waiting for the health of a service that has no health check waits for ever or fails."""
    services = environment.stack.services
    for name, service in services.items():
        for other, dependency in (service.depends_on or {}).items():
            if dependency.condition != "service_healthy" or other not in services:
                continue
            target = services[other]
            if target.healthcheck is not None and target.healthcheck.disabled:
                severity, why = Severity.ERROR, "has its health check disabled"
            elif target.healthcheck is None and target.build is None:
                severity, why = Severity.WARNING, "has no health check here; its image must bring one"
            else:
                continue
            yield Diagnostic(
                "EV308",
                f"{name} waits until {other} is healthy, but {other} {why}",
                environment.span("services", name, "depends_on", other, "condition"),
                "`service_started`, or a `healthcheck:` there",
                severity=severity,
            )


def endless_dependencies(environment: Environment) -> Iterator[Diagnostic]:
    """EV312: waiting for the end of a service that the engine starts again whenever it ends."""
    services = environment.stack.services
    for name, service in services.items():
        for other, dependency in (service.depends_on or {}).items():
            if dependency.condition != "service_completed_successfully" or other not in services:
                continue
            restart = restart_policy(services[other])
            if restart is not None and restart[0] in _FOR_EVER:
                yield Diagnostic(
                    "EV312",
                    f"{name} waits until {other} has completed, but {other} is restarted whenever it ends",
                    environment.span("services", name, "depends_on", other, "condition"),
                    "`service_started` or `service_healthy`, or a service that ends",
                    (Note("restarted because of", environment.span("services", other, *restart[1])),),
                    f"remove the restart policy of {other} if it is a job",
                    severity=Severity.WARNING,
                )


def unreachable_dependencies(environment: Environment) -> Iterator[Diagnostic]:
    """EV320: waiting for the health of a service, which is for talking to it, without a network in common.

    A service that is added to a parent is on the default network alone, where a child has moved all others to its own.
    """
    services = environment.stack.services
    for name, service in services.items():
        own = _networks(service)
        for other, dependency in (service.depends_on or {}).items():
            if dependency.condition != "service_healthy" or other not in services or own is None:
                continue
            others = _networks(services[other])
            if others is None or own & others:
                continue
            yield Diagnostic(
                "EV320",
                f"{name} waits until {other} is healthy, but they have no network in common",
                environment.span("services", name, "depends_on", other, "condition"),
                f"{name} on one of the networks of {other}: {', '.join(sorted(others))}",
                notes=(Note(f"{name} is on {', '.join(sorted(own)) or 'no network'}"),),
                severity=Severity.WARNING,
            )


def _networks(service: Service) -> frozenset[str] | None:
    """Return the networks that the service is attached to; None where something else decides that."""
    if service.network_mode is not None:
        return None
    return frozenset(service.networks or {"default"})


def lonely_one_shots(environment: Environment) -> Iterator[Diagnostic]:
    """EV306: a service that ends for good, and that no service waits for: `up` reports that it exited.

    Nothing in Compose says that a service is a one-shot. A service counts as one where its blueprint says never to
    restart it while other services are restarted, it has no ports and no health check, and no service depends on it.
    Daemons have `restart: on-failure` as well, and many stacks restart nothing.
    """
    services = environment.stack.services
    policies = [restart_policy(service) for service in services.values()]
    if not any(policy is not None and policy[0] not in _NEVER for policy in policies):
        return
    wanted = {other for service in services.values() for other in service.depends_on or ()}
    for name, service in services.items():
        restart = restart_policy(service)
        if restart is None or restart[0] not in _NEVER:
            continue
        serves = service.ports or service.expose or service.healthcheck is not None or service.provider is not None
        if name in wanted or service.profiles or serves:
            continue
        yield Diagnostic(
            "EV306",
            f"{name} looks like a one-shot, and no service waits until it has completed",
            environment.span("services", name, *restart[1]),
            "a profile, or a service that waits for it",
            help="put it behind a profile (`profiles: [jobs]`) and run it with `envman run`, or let another service "
            "wait for it with `service_completed_successfully`",
            severity=Severity.WARNING,
        )


def restart_policy(service: Service) -> tuple[str, tuple[str, ...]] | None:
    """Return what is written of restarting, and where below the service, or None."""
    policy = service.deploy.restart_policy if service.deploy is not None else None
    if policy is not None and policy.condition is not None:
        return policy.condition, ("deploy", "restart_policy", "condition")
    return None if service.restart is None else (service.restart, ("restart",))
