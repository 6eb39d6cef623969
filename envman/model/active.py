"""Which services are active for a command, as Compose computes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envman.model.environment import Environment
from envman.model.references import service_references


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
    if services is None:
        roots = enabled_services(environment, profiles)
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


def enabled_services(environment: Environment, profiles: Iterable[str] = ()) -> list[str]:
    """Return the services that have no profile, or one that is active in the blueprint or among ``profiles``."""
    active = {*environment.stack.profiles, *profiles}
    return [name for name, service in environment.stack.services.items() if service.is_active(active)]


def _needed(environment: Environment, name: str, roots: Iterable[str]) -> Iterator[str]:
    for one in service_references(name, environment.stack.services[name]):
        if one.kind == "service" or (one.kind == "optional" and one.name in roots):
            yield one.name


def is_one_shot(environment: Environment, name: str) -> bool:
    """Return whether another service waits until ``name`` has completed."""
    return any(
        other == name and dependency.condition == "service_completed_successfully"
        for service in environment.stack.services.values()
        for other, dependency in (service.depends_on or {}).items()
    )
