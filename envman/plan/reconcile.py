"""What is there against what should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from envman.model.environment import Environment
from envman.model.service import Service
from envman.plan.observed import ContainerState, Observed
from envman.plan.plan import Action, Plan, Step
from envman.render.document import Document

_UP: Final = frozenset({"running", "restarting"})


def reconcile(
    environment: Environment,
    document: Document,
    observed: Observed,
    *,
    services: Iterable[str] | None = None,
    missing_images: frozenset[str] = frozenset(),
    profiles: frozenset[str] = frozenset(),
) -> Plan:
    """Return what has to be done so that ``observed`` becomes ``document``.

    ``services`` limits the plan to those named and what they depend on. ``missing_images`` are references that the
    engine does not have. ``profiles`` are active beside the blueprint's own.
    """
    wanted = wanted_services(environment, services, profiles)
    steps = [
        *_resources(document, observed, "network", wanted),
        *_resources(document, observed, "volume", wanted),
    ]
    for name in wanted:
        service = environment.stack.services[name]
        steps.extend(_images(name, service, environment.image(name), missing_images))
        containers = [one for one in observed.containers if one.service == name and not one.oneoff]
        step = _service(name, service, document.digests[name], containers, is_one_shot(environment, name))
        if step is not None:
            steps.append(step)
    if services is None:
        steps.extend(_orphans(environment, observed))
    return Plan(tuple(steps))


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


def _images(name: str, service: Service, image: str | None, missing: frozenset[str]) -> Iterator[Step]:
    if image not in missing:
        return
    if service.build is not None:
        yield Step(Action.BUILD, "service", name, (f"image {image} is not built yet",))
    else:
        yield Step(Action.PULL, "service", name, (f"image {image} is not on the engine",))


def _service(name: str, service: Service, digest: str, containers: list[ContainerState], one_shot: bool) -> Step | None:
    if service.provider is not None:
        return None
    if not containers:
        return Step(Action.CREATE, "service", name, ("no container yet",)) if service.replicas else None
    changed = [one for one in containers if one.digest != digest]
    if changed:
        return Step(Action.RECREATE, "service", name, ("its definition has changed",))
    if len(containers) != service.replicas:
        return Step(Action.SCALE, "service", name, (f"{len(containers)} -> {service.replicas} containers",))
    down = [
        one
        for one in containers
        if one.state not in _UP and not (one_shot and one.state == "exited" and not one.exit_code)
    ]
    if down:
        return Step(Action.START, "service", name, tuple(f"{one.name} is {one.state}" for one in down))
    unhealthy = [one for one in containers if one.health == "unhealthy"]
    if unhealthy:
        return Step(Action.START, "service", name, tuple(f"{one.name} is unhealthy" for one in unhealthy))
    return None


def _orphans(environment: Environment, observed: Observed) -> Iterator[Step]:
    orphans = {one.service for one in observed.containers if not one.oneoff} - set(environment.stack.services)
    for name in sorted(orphans):
        yield Step(Action.REMOVE, "service", name, ("no blueprint names it any more",))


def _resources(document: Document, observed: Observed, kind: str, wanted: list[str]) -> Iterator[Step]:
    """Yield a step for what the wanted services use and is not there; Compose creates nothing else."""
    present = {one.name for one in (observed.networks if kind == "network" else observed.volumes)}
    used = {key for name in wanted for key in _used(document.services[name], kind)}
    for key, entry in document.data.get(f"{kind}s", {}).items():
        external = isinstance(entry, dict) and entry.get("external")
        if key in used and not external and resource_name(document, key, entry) not in present:
            yield Step(Action.CREATE, kind, key, ("not there yet",))


def _used(service: dict[str, Any], kind: str) -> Iterator[str]:
    if kind == "network":
        if not service.get("network_mode"):
            yield from service.get("networks") or ("default",)
        return
    for mount in service.get("volumes") or ():
        if mount.get("type") == "volume" and mount.get("source"):
            yield mount["source"]


def resource_name(document: Document, key: str, entry: dict[str, object] | None) -> str:
    """Return the engine's name of a network or volume: its own, or ``<project>_<key>``."""
    fixed = (entry or {}).get("name")
    return str(fixed) if fixed else f"{document.project}_{key}"
