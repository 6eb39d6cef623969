"""Which services an operation is about."""

from __future__ import annotations

from collections.abc import Iterable

from envman.model.environment import Environment


def wanted_services(
    environment: Environment, services: Iterable[str] | None, profiles: frozenset[str] = frozenset()
) -> list[str]:
    """Return the services that ``up`` brings up, dependencies first.

    Without names these are all whose profiles are active; a service named on purpose counts as active, and so does
    what it depends on, as in Compose.
    """
    stack = environment.stack
    active = set(stack.profiles) | profiles
    if services is None:
        roots = [
            name
            for name, service in stack.services.items()
            if not service.profiles or "*" in active or active & set(service.profiles)
        ]
    else:
        roots = list(services)
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in order or name not in stack.services:
            return
        for other, dependency in (stack.services[name].depends_on or {}).items():
            if dependency.required is not False or other in roots:
                visit(other)
        order[name] = None

    for name in roots:
        visit(name)
    return list(order)


def is_one_shot(environment: Environment, name: str) -> bool:
    """Return whether another service waits until ``name`` has completed."""
    return any(
        other == name and dependency.condition == "service_completed_successfully"
        for service in environment.stack.services.values()
        for other, dependency in (service.depends_on or {}).items()
    )
