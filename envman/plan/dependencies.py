"""What Compose makes of references between services: what is there first, what restarts, what is shared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_SERVICE: Final = "service:"
# Attributes by which a service joins a namespace of another one's container.
NAMESPACES: Final = ("network_mode", "ipc", "pid")


def shared(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (attribute, other service) for each namespace that ``service`` joins and each ``volumes_from``."""
    for attribute in NAMESPACES:
        mode = str(service.get(attribute) or "")
        if mode.startswith(_SERVICE):
            yield attribute, mode.removeprefix(_SERVICE)
    for entry in service.get("volumes_from") or ():
        source = str(entry).partition(":")[0]
        if source != "container":
            yield "volumes_from", source


def dependencies(service: Mapping[str, Any]) -> dict[str, bool]:
    """Return the services that are there before ``service``, and whether it restarts when one of them is recreated.

    Source: compose-go, loader/normalize.go. What ``depends_on`` says of a service comes first.
    """
    explicit = service.get("depends_on") or {}
    found = {name: bool((entry or {}).get("restart")) for name, entry in explicit.items()}
    for attribute, other in shared(service):
        found.setdefault(other, attribute in NAMESPACES)
    for link in service.get("links") or ():
        found.setdefault(str(link).partition(":")[0], True)
    return found


def all_dependencies(services: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """Return all services that ``name`` depends on, directly or through others, the nearest first."""
    found: dict[str, None] = {}
    wave = [name]
    while wave:
        wave = [other for one in wave for other in dependencies(services[one]) if other in services]
        wave = [other for other in dict.fromkeys(wave) if other not in found]
        found.update(dict.fromkeys(wave))
    return list(found)


def providers(services: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return the services whose namespaces or volumes others of ``services`` share."""
    return frozenset(other for service in services.values() for _, other in shared(service))


def sharing_services(services: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return the services that share a namespace or volumes of another one's container, and those others."""
    return providers(services) | {name for name, service in services.items() if any(shared(service))}


def with_dependents(services: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> frozenset[str]:
    """Return ``names`` and all services that depend on one of them."""
    found = set(names)
    while more := {name for name, one in services.items() if name not in found and found & dependencies(one).keys()}:
        found |= more
    return frozenset(found)
