"""An environment's images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envman.model.environment import Environment
from envman.operations.building import build
from envman.operations.prepare import Prepared, look, ready_secrets
from envman.operations.progress import Progress
from envman.operations.up import check_services, pull
from envman.operations.workspace import Workspace
from envman.plan.observed import Observed
from envman.state.pushed import pushed_digest


@dataclass(frozen=True, slots=True)
class ServiceImage:
    """A service's image; ``id``, ``size`` (bytes) and ``created`` (Unix seconds) are None where the engine lacks it.

    ``pushed`` is the digest that it got when this checkout pushed it, None where it did not.
    """

    service: str
    reference: str
    built: bool
    id: str | None
    digest: str | None
    size: int | None
    created: float | None
    pushed: str | None = None


def _prepared(workspace: Workspace, environment: Environment, observed: Observed) -> Prepared:
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
    """Build ``services`` (all that have a build if none is named); return their names.

    Raises:
        EnvmanError: EV607 for an unknown service, EV503 and EV504 for a secret, EV602 for a build that failed.
    """
    check_services(environment, services)
    names = [
        name
        for name, service in environment.stack.services.items()
        if service.build is not None and (not services or name in services)
    ]
    if names:
        observed = look(workspace, environment)
        builds = [one for name in names if (one := environment.stack.services[name].build) is not None]
        used = {grant.source for one in builds for grant in one.secrets or ()}
        ready_secrets(workspace, environment, observed, progress, names=used)
        prepared = _prepared(workspace, environment, observed)
        build(workspace, prepared, names, progress, no_cache=no_cache, pull_bases=pull_bases)
    return names


def pull_images(
    workspace: Workspace, environment: Environment, services: Sequence[str], progress: Progress
) -> list[str]:
    """Pull the images of ``services`` (all that have an image and no build if none is named); return the names.

    Raises:
        EnvmanError: EV607 for an unknown service, EV601 for an image that cannot be had, EV4xx for the engine.
    """
    check_services(environment, services)
    names = [
        name
        for name, service in environment.stack.services.items()
        if service.build is None and service.image is not None and (not services or name in services)
    ]
    if names:
        pull(workspace, _prepared(workspace, environment, look(workspace, environment)), names, progress)
    return names


def list_images(workspace: Workspace, environment: Environment) -> list[ServiceImage]:
    """Return the image of every service of ``environment``."""
    from envman.engine.images import find_images

    references = {name: image for name in environment.stack.services if (image := workspace.image(environment, name))}
    found = find_images(workspace.engine, set(references.values()))
    state = Path(os.fspath(workspace.checkout.state))
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
                pushed=pushed_digest(state, reference, local.id) if local else None,
            )
        )
    return rows
