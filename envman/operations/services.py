"""The containers of one environment, with everything that is known of each."""

from __future__ import annotations

from dataclasses import dataclass

from envman.diagnostics import EnvmanError
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.operations.drift import compare
from envman.operations.labelled import find_present
from envman.operations.prepare import current_document, look
from envman.operations.status import containers_of
from envman.operations.workspace import Workspace
from envman.plan.causes import show
from envman.plan.drift import Difference
from envman.plan.observed import ContainerState, LocalImage, Observed, Usage
from envman.plan.published import Url, declared_ports, running_urls


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
    urls: tuple[Url, ...] = ()


def service_statuses(workspace: Workspace, name: str) -> list[ServiceStatus]:
    """Return every container of environment ``name``, and one in state ``missing`` for a service that has none.

    Warnings go to the workspace's report.

    Raises:
        EnvmanError: EV003 where there is no such environment, EV501, EV502 where the stack is not this checkout's.
    """
    from envman.engine.images import find_images
    from envman.engine.usage import usages

    if name not in workspace.project.blueprints:
        # Says what is near where there is nothing.
        workspace, present = find_present(workspace, name)
        name = present.name
    environment: Environment | None = None
    try:
        environment = workspace.environment(name)
    except EnvmanError as error:
        if name in workspace.project.blueprints:
            workspace.report.extend(one for one in error.diagnostics if one not in workspace.report.diagnostics)
        observed, drift = Observed(tuple(containers_of(workspace, name, everything=True))), None
        images = find_images(workspace.engine, {one.image_id for one in observed.containers})
    else:
        observed = look(workspace, environment, details=True)
        document = current_document(workspace, environment)
        used = {one.image_id for one in observed.containers}
        used |= {image for service in document.services if (image := document.image(service))}
        images = find_images(workspace.engine, used)
        drift = compare(environment, document, observed, images, str(workspace.project.root))
    running = [one.id for one in observed.containers if one.state == "running"]
    use = dict(zip(running, usages(workspace.engine, running), strict=True))
    words: dict[str, list[str]] = {}
    if drift is not None:
        for found in drift.containers:
            stale = ["made from another definition than the blueprint is now"] if found.stale else []
            words[found.container.id] = [*stale, *map(difference_text, found.differences)]
        words |= {one.id: ["no blueprint names it"] for one in drift.strays}
    stack = {} if environment is None else environment.stack.services
    declared = {service: declared_ports(one.ports or ()) for service, one in stack.items()}
    missing = [] if environment is None else _missing(environment, observed)
    return [
        ServiceStatus(
            one,
            image_digest(images.get(one.image_id)),
            use.get(one.id),
            tuple(words.get(one.id, ())),
            drift is not None,
            tuple(running_urls([one], declared)),
        )
        for one in sorted((*observed.containers, *missing), key=lambda one: (one.service, one.number, one.name))
    ]


def _missing(environment: Environment, observed: Observed) -> list[ContainerState]:
    """Return, for each service that should have containers and has none, one that is missing."""
    present = {one.service for one in observed.containers if not one.oneoff}
    return [
        ContainerState(
            "", "", environment.compose_project, name, 1, oneoff=False, state="missing", health=None, exit_code=None,
            image=environment.image(name) or "", image_id="", created_at=0.0, labels={},
        )
        for name in wanted_services(environment, None)
        if name not in present
        and environment.stack.services[name].replicas
        and environment.stack.services[name].provider is None
    ]  # fmt: skip


def difference_text(one: Difference) -> str:
    """Return how a container differs, in words: defined, then actual."""
    return f"{one.attribute} {show(one.attribute, one.defined)} -> {show(one.attribute, one.actual)}"


def image_digest(image: LocalImage | None) -> str:
    """Return the digest that a registry knows an image by, else its ID."""
    if image is None:
        return ""
    return image.digests[0].rpartition("@")[2] if image.digests else image.id
