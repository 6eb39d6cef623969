"""Which services an operation is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envman.model.environment import Environment


def wanted_services(
    environment: Environment,
    services: Iterable[str] | None,
    profiles: frozenset[str] = frozenset(),
    *,
    dependencies: bool = True,
) -> list[str]:
    """Return the services that ``up`` brings up, dependencies first.

    Without names these are all whose profiles are active; a service named on purpose counts as active, and so does
    what it depends on, as in Compose. Unless ``dependencies`` are wanted, services that are named come alone.
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
        if not dependencies:
            return list(dict.fromkeys(roots))
    order: dict[str, None] = {}
    for root in roots:
        # The chain from the root to here, and for each service on it what it still waits for.
        chain = {root: _needed(environment, root, roots)} if root in stack.services and root not in order else {}
        while chain:
            name = next(reversed(chain))
            other = next(chain[name], None)
            if other is None:
                order[name] = None
                del chain[name]
            elif other in stack.services and other not in order and other not in chain:
                chain[other] = _needed(environment, other, roots)
    return list(order)


def _needed(environment: Environment, name: str, roots: Iterable[str]) -> Iterator[str]:
    for other, dependency in (environment.stack.services[name].depends_on or {}).items():
        if dependency.required is not False or other in roots:
            yield other


def is_one_shot(environment: Environment, name: str) -> bool:
    """Return whether another service waits until ``name`` has completed."""
    return any(
        other == name and dependency.condition == "service_completed_successfully"
        for service in environment.stack.services.values()
        for other, dependency in (service.depends_on or {}).items()
    )
