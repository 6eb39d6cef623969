"""An environment's images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envman.model.environment import Environment
from envman.operations.prepare import Prepared, look
from envman.operations.progress import Progress
from envman.operations.up import build, check_services, pull
from envman.operations.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ServiceImage:
    """A service's image; ``id``, ``size`` (bytes) and ``created`` (Unix seconds) are None where the engine lacks it."""

    service: str
    reference: str
    built: bool
    id: str | None
    digest: str | None
    size: int | None
    created: float | None


def _prepared(workspace: Workspace, environment: Environment) -> Prepared:
    observed = look(workspace, environment)
    document = workspace.offline_document(environment)
    workspace.write_render(environment, document)
    return Prepared(environment, document, observed, workspace.compose(environment, document))


def build_images(
    workspace: Workspace,
    environment: Environment,
    services: Sequence[str],
    progress: Progress,
    *,
    no_cache: bool,
    pull_bases: bool,
) -> list[str]:
    """Build ``services`` (all that have a build if none is named); return their names."""
    check_services(environment, services)
    names = [
        name
        for name, service in environment.stack.services.items()
        if service.build is not None and (not services or name in services)
    ]
    if names:
        build(workspace, _prepared(workspace, environment), names, progress, no_cache=no_cache, pull_bases=pull_bases)
    return names


def pull_images(
    workspace: Workspace, environment: Environment, services: Sequence[str], progress: Progress
) -> list[str]:
    """Pull the images of ``services`` (all that have an image and no build if none is named); return the names."""
    check_services(environment, services)
    names = [
        name
        for name, service in environment.stack.services.items()
        if service.build is None and service.image is not None and (not services or name in services)
    ]
    if names:
        pull(_prepared(workspace, environment), names, progress)
    return names


def list_images(workspace: Workspace, environment: Environment) -> list[ServiceImage]:
    """Return the image of every service of ``environment``."""
    from envman.engine.images import find_images

    references = {name: image for name in environment.stack.services if (image := workspace.image(environment, name))}
    found = find_images(workspace.engine, set(references.values()))
    rows = []
    for name, reference in references.items():
        local = found.get(reference)
        rows.append(
            ServiceImage(
                service=name,
                reference=reference,
                built=environment.stack.services[name].build is not None,
                id=local.id if local else None,
                digest=local.digests[0].rpartition("@")[2] if local and local.digests else None,
                size=local.size if local else None,
                created=local.created if local else None,
            )
        )
    return rows
