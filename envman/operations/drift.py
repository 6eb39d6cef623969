"""What runs against what the blueprint says: changes that somebody made by hand."""

from __future__ import annotations

from dataclasses import dataclass

from envman.model.environment import Environment
from envman.operations.prepare import current_document, look
from envman.operations.workspace import Workspace
from envman.plan.drift import Difference, differences
from envman.plan.observed import ContainerState, LocalImage, Observed
from envman.registry.reference import short_id
from envman.render.document import Document


@dataclass(frozen=True, slots=True)
class ContainerDrift:
    """A container and how it differs from its service. ``stale``: made from a definition that has changed since."""

    container: ContainerState
    differences: tuple[Difference, ...]
    stale: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that differs between an environment and what runs.

    ``containers`` are those that differ; ``strays`` bear the environment's labels and belong to no service;
    ``missing`` are services (with how many containers they lack) that have fewer containers than replicas.
    """

    containers: tuple[ContainerDrift, ...]
    strays: tuple[ContainerState, ...]
    missing: tuple[tuple[str, int], ...]

    def __bool__(self) -> bool:
        return bool(self.containers or self.strays or self.missing)


def find_drift(workspace: Workspace, environment: Environment, observed: Observed | None = None) -> Drift:
    """Compare the running stack of ``environment`` with its blueprint.

    ``observed`` is what is there, with details, where the caller knows it already.

    Raises:
        EnvmanError: EV501, EV502 where the stack is not this checkout's; EV4xx for the engine.
    """
    from envman.engine.images import find_images

    if observed is None:
        observed = look(workspace, environment, details=True)
    document = current_document(workspace, environment)
    used = {one.image_id for one in observed.containers}
    used |= {image for name in document.services if (image := document.image(name))}
    images = find_images(workspace.engine, used)
    return compare(environment, document, observed, images, str(workspace.project.root))


def compare(
    environment: Environment, document: Document, observed: Observed, images: dict[str, LocalImage], directory: str
) -> Drift:
    """Return the drift of ``observed`` from ``document``; ``images`` are known by reference and by ID."""
    drifted = []
    present: dict[str, int] = {}
    containers = [one for one in observed.containers if not one.oneoff]
    for one in containers:
        if one.service not in document.services:
            continue
        present[one.service] = present.get(one.service, 0) + 1
        image = images.get(one.image_id)
        found = differences(document, one.service, one.inspected, image.config if image else {}, directory)
        wanted = images.get(document.image(one.service) or "")
        if wanted is not None and wanted.id != one.image_id:
            found.insert(0, Difference("image", _name(wanted), _name(image) if image else one.image))
        stale = one.digest != document.digests[one.service]
        if found or stale:
            drifted.append(ContainerDrift(one, tuple(found), stale))
    missing = [
        (name, service.replicas - present[name])
        for name, service in environment.stack.services.items()
        if 0 < present.get(name, 0) < service.replicas
    ]
    strays = [one for one in containers if one.service not in document.services]
    return Drift(tuple(drifted), tuple(strays), tuple(missing))


def _name(image: LocalImage) -> str:
    short = short_id(image.id)
    return short if image.reference in {image.id, short} else f"{image.reference} ({short})"
