"""The containers of one environment, with everything that is known of each."""

from __future__ import annotations

from dataclasses import dataclass

from envman.diagnostics import EnvmanError
from envman.operations.drift import compare
from envman.operations.prepare import current_document, look
from envman.operations.status import containers_of
from envman.operations.workspace import Workspace
from envman.plan.causes import show
from envman.plan.drift import Difference
from envman.plan.observed import ContainerState, LocalImage, Observed, Usage


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A container. ``image_digest`` is the registry's, else the image's ID; ``usage`` None where it does not run.

    ``drift`` says in words how it differs from its service; ``compared`` is false where the blueprint has errors.
    """

    container: ContainerState
    image_digest: str
    usage: Usage | None
    drift: tuple[str, ...]
    compared: bool


def service_statuses(workspace: Workspace, name: str) -> list[ServiceStatus]:
    """Return every container of environment ``name``, by service. Warnings go to the workspace's report.

    Raises:
        EnvmanError: EV003 where there is no such environment, EV501, EV502 where the stack is not this checkout's.
    """
    from envman.engine.images import find_images
    from envman.engine.usage import usages

    if name not in workspace.project.blueprints:
        workspace.environment(name)  # says what is near
    try:
        environment = workspace.environment(name)
    except EnvmanError as error:
        workspace.report.extend(one for one in error.diagnostics if one not in workspace.report.diagnostics)
        observed, drift = Observed(tuple(containers_of(workspace, name, everything=True))), None
        images = find_images(workspace.engine, {one.image_id for one in observed.containers})
    else:
        observed = look(workspace, environment, details=True)
        used = {one.image_id for one in observed.containers}
        used |= {image for service in environment.stack.services if (image := environment.image(service))}
        images = find_images(workspace.engine, used)
        document = current_document(workspace, environment)
        drift = compare(environment, document, observed, images, str(workspace.project.root))
    running = [one.id for one in observed.containers if one.state == "running"]
    use = dict(zip(running, usages(workspace.engine, running), strict=True))
    words: dict[str, list[str]] = {}
    if drift is not None:
        for found in drift.containers:
            stale = ["made from another definition than the blueprint is now"] if found.stale else []
            words[found.container.id] = [*stale, *map(difference_text, found.differences)]
        words |= {one.id: ["no blueprint names it"] for one in drift.strays}
    return [
        ServiceStatus(
            one,
            image_digest(images.get(one.image_id)),
            use.get(one.id),
            tuple(words.get(one.id, ())),
            drift is not None,
        )
        for one in sorted(observed.containers, key=lambda one: (one.service, one.number, one.name))
    ]


def difference_text(one: Difference) -> str:
    """Return how a container differs, in words: defined, then actual."""
    return f"{one.attribute} {show(one.attribute, one.defined)} -> {show(one.attribute, one.actual)}"


def image_digest(image: LocalImage | None) -> str:
    """Return the digest that a registry knows an image by, else its ID."""
    if image is None:
        return ""
    return image.digests[0].rpartition("@")[2] if image.digests else image.id
