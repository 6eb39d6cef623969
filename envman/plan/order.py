"""In which order containers that exist already are started: from the labels that Compose left on them.

No blueprint is asked, so that a stack can be brought back as it was whatever its blueprint says by now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from envman.plan.observed import ContainerState

# SERVICE:CONDITION:RESTART, separated by commas. Source: Compose's pkg/api/labels.go, DependenciesLabel.
_LABEL: Final = "com.docker.compose.depends_on"
COMPLETED: Final = "service_completed_successfully"
HEALTHY: Final = "service_healthy"
UP: Final = frozenset({"running", "restarting", "paused"})


class Dependency(NamedTuple):
    """A service that has to be in ``condition`` first."""

    service: str
    condition: str


def dependencies(one: ContainerState) -> Iterator[Dependency]:
    """Yield what ``one`` was made to wait for."""
    for entry in one.labels.get(_LABEL, "").split(","):
        service, _, rest = entry.partition(":")
        if service:
            yield Dependency(service, rest.partition(":")[0])


def one_shots(containers: Iterable[ContainerState]) -> frozenset[str]:
    """Return the services that others wait for to complete: they are to end, and to end well."""
    return frozenset(
        dependency.service
        for one in containers
        for dependency in dependencies(one)
        if dependency.condition == COMPLETED
    )


def has_completed(one: ContainerState) -> bool:
    """Return whether a container has run to its end and ended well."""
    return one.state == "exited" and not one.exit_code and one.started_at is not None


def may_start(one: ContainerState, present: Mapping[str, list[ContainerState]]) -> bool:
    """Return whether all that ``one`` waits for is as it should be. ``present`` are the stack's containers by service.

    A service without containers (an optional dependency, or one scaled to none) is not waited for.
    """
    return all(
        _holds(dependency.condition, other)
        for dependency in dependencies(one)
        for other in present.get(dependency.service, ())
    )


def _holds(condition: str, other: ContainerState) -> bool:
    if condition == COMPLETED:
        return has_completed(other)
    if condition == HEALTHY:
        return other.state == "running" and other.health == "healthy"
    return other.state in UP or has_completed(other)


def stopping_order(containers: Iterable[ContainerState]) -> list[list[ContainerState]]:
    """Return ``containers`` in waves: what others depend on goes in a later one."""
    left = {one.id: one for one in containers}
    waves = []
    while left:
        needed = {dependency.service for one in left.values() for dependency in dependencies(one)}
        # Dependencies in a circle cannot come from Compose; they must not keep this loop from ending.
        wave = [one for one in left.values() if one.service not in needed] or list(left.values())
        waves.append(wave)
        for one in wave:
            del left[one.id]
    return waves


def with_dependents(containers: Iterable[ContainerState], identities: Collection[str]) -> list[ContainerState]:
    """Return those of ``containers`` that ``identities`` name, and all that depend on them."""
    left = list(containers)
    chosen = [one for one in left if one.id in identities]
    found = chosen
    while found:
        services = {one.service for one in chosen}
        left = [one for one in left if one not in chosen]
        found = [one for one in left if any(dependency.service in services for dependency in dependencies(one))]
        chosen = [*chosen, *found]
    return chosen
