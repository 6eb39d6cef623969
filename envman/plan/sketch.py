"""As much of an environment as a listing of the engine can be held against: cheap to keep, cheap to compare."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from envman.plan.observed import ContainerState
from envman.plan.published import Declared, declared_ports

if TYPE_CHECKING:
    from envman.model.environment import Environment
    from envman.render.document import Document


class ServiceSketch(NamedTuple):
    """A service: its content digest, how many containers, of which image, on which networks (the engine's names).

    ``wanted`` is false behind a profile that is not active, ``one_shot`` true where its containers end. ``ports`` are
    those it publishes.
    """

    digest: str
    replicas: int
    image: str
    one_shot: bool
    wanted: bool
    networks: Sequence[str]
    ports: Sequence[Declared] = ()


class Sketch(NamedTuple):
    """An environment by name and instance, with its services."""

    environment: str
    instance: str | None
    services: Mapping[str, ServiceSketch]


def sketch(environment: Environment, document: Document) -> Sketch:
    """Return the sketch of ``environment``, whose render is ``document``."""
    from envman.model.active import is_one_shot, wanted_services
    from envman.plan.defined import engine_name

    wanted = set(wanted_services(environment, None))
    services = {}
    for name, service in environment.stack.services.items():
        if service.provider is not None:
            continue
        defined = document.services[name]
        keys = () if defined.get("network_mode") else defined.get("networks") or ("default",)
        services[name] = ServiceSketch(
            document.digests[name],
            service.replicas,
            document.image(name) or "",
            is_one_shot(environment, name),
            name in wanted,
            tuple(engine_name(document, "networks", key) for key in keys),
            declared_ports(service.ports or ()),
        )
    return Sketch(environment.name, environment.instance, services)


def listed_drift(
    made: Sketch,
    containers: Sequence[ContainerState],
    images: Mapping[str, str],
    locked: Mapping[str, Collection[str]] | None = None,
) -> Iterator[str]:
    """Yield in words how ``containers`` differ from ``made``, as far as a listing tells; ``images`` are IDs.

    ``locked`` are the IDs that a lock allows the image of a service, whatever its name leads to by now. Each service is
    named once. What `docker update` changed is in no listing: `diff ENV running` finds it.
    """
    by_service: dict[str, list[ContainerState]] = {}
    for one in containers:
        by_service.setdefault(one.service, []).append(one)
    for name, service in made.services.items():
        right = {images.get(service.image), *(locked or {}).get(name, ())} if service.image in images else set()
        why = _of_service(service, by_service.get(name, []), right)
        if why:
            yield f"{name}: {why}"
    for name in sorted(set(by_service) - set(made.services)):
        yield f"{name}: no blueprint names it"


def _of_service(service: ServiceSketch, containers: list[ContainerState], images: Collection[str | None]) -> str:
    if not containers:
        return "missing" if service.wanted and service.replicas else ""
    if any(one.digest != service.digest for one in containers):
        return "made from another definition"
    if len(containers) != service.replicas:
        return f"{len(containers)} of {service.replicas} containers"
    if images and any(one.image_id not in images for one in containers):
        return f"not the image that {service.image} is now"
    lost = {network for one in containers for network in service.networks if network not in one.networks}
    return f"not attached to {', '.join(sorted(lost))}" if lost else ""
