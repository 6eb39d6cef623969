"""Images on their way to a registry: another tag, and the push."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envman.diagnostics import Diagnostic, EnvmanError, Report
from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.operations.planning import inputs_of
from envman.operations.progress import Progress
from envman.operations.up import check_services
from envman.operations.workspace import Workspace
from envman.plan.observed import LocalImage
from envman.registry.reference import HUB, Reference, parse_reference
from envman.state.builds import build_changes, read_build
from envman.state.pushed import Push, remember_push


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image that is in its registry now: the services that it is of, its name, its ID and its digest."""

    services: tuple[str, ...]
    reference: str
    image: str
    digest: str


def push_images(
    workspace: Workspace, environment: Environment, services: Sequence[str], progress: Progress
) -> list[Pushed]:
    """Push the images that ``services`` build (of all services, if none is named), and remember their digests.

    Nothing is pushed unless all of them could be: they are there, and their names lead to a registry.

    Raises:
        EnvmanError: EV622 for a name without a registry, EV623 for an image that is not there, EV620, EV621, EV626 as
            ``push_image``. What was pushed until then stays pushed, and remembered.
    """
    from envman.engine.images import find_images
    from envman.engine.push import push_image

    check_services(environment, services)
    wanted = _wanted(environment, services)
    images = find_images(workspace.engine, wanted)
    _refuse(environment, wanted, images)
    for notice in _stale(workspace, environment, wanted, images):
        progress.warning(notice)
    pushed = []
    for reference, (named, users) in wanted.items():
        progress.step(f"pushing {reference}")
        digest = push_image(workspace.engine, named, progress.line)
        image = images[reference].id
        remember_push(workspace.checkout.state, Push(named.canonical, image, digest, time.time()))
        progress.line(f"{reference}: {digest}")
        pushed.append(Pushed(tuple(users), reference, image, digest))
    return pushed


def _wanted(environment: Environment, services: Sequence[str]) -> dict[str, tuple[Reference, list[str]]]:
    """Return the images to push by name as written, each once, with the services that build it."""
    wanted: dict[str, tuple[Reference, list[str]]] = {}
    for name, service in environment.stack.services.items():
        if service.build is None or (services and name not in services):
            continue
        # As `docker compose push`: the further tags of a build are pushed too.
        for text in (environment.image(name), *(service.build.tags or ())):
            reference = parse_reference(text or "")
            if text and reference is not None:
                wanted.setdefault(text, (reference, []))[1].append(name)
    return wanted


def _refuse(
    environment: Environment, wanted: dict[str, tuple[Reference, list[str]]], images: dict[str, LocalImage]
) -> None:
    report = Report()
    for text, (reference, users) in wanted.items():
        if reference.host == HUB and reference.path.startswith("library/"):
            report.error(
                "EV622",
                f"{text} names no registry to push to",
                environment.span("services", users[0], "image"),
                expected=f"a name such as registry.example.com/team/{reference.path.removeprefix('library/')}",
                help="without a registry a name means Docker Hub's own library, which is nobody's to push to",
            )
        elif text not in images:
            report.error(
                "EV623",
                f"{text} is not there to be pushed",
                environment.span("services", users[0], "image"),
                help=f"`envman build {environment.name} {users[0]}` makes it",
            )
    report.raise_errors()


def _stale(
    workspace: Workspace,
    environment: Environment,
    wanted: dict[str, tuple[Reference, list[str]]],
    images: dict[str, LocalImage],
) -> Iterator[str]:
    """Yield what should be known of images that are not what a build would make now."""
    state = Path(workspace.checkout.state)
    builders = list(dict.fromkeys(user for _, users in wanted.values() for user in users))
    document = workspace.offline_document(environment)
    for name, now in inputs_of(workspace, document, builders).items():
        reference = environment.image(name) or ""
        record = read_build(state, reference)
        if record is None or reference not in images:
            continue
        changes = build_changes(record, images[reference].id, now.definition, now.files)
        if changes:
            yield f"{reference} is pushed as it was built: {'; '.join(changes)}"
    for reference in wanted:
        if reference.endswith("-dirty"):
            yield f"{reference} is of a working tree with changes that no commit has"


def tag_image(workspace: Workspace, environment: Environment, service: str, tag: str) -> str:
    """Give the image of ``service`` one more tag, or another name where ``tag`` is a whole one; return that name.

    Raises:
        EnvmanError: EV607 for an unknown service, EV624 for what is no tag, EV623 where the image is not there.
    """
    from envman.engine.images import find_images, name_image

    check_services(environment, [service])
    source = environment.image(service)
    current = parse_reference(source or "")
    if source is None or current is None:
        raise EnvmanError(
            Diagnostic("EV624", f"{service} has no image with a name to tag", environment.key_span("services", service))
        )
    whole = ":" in tag or "/" in tag
    target = parse_reference(tag if whole else f"{current.repository}:{tag}")
    if target is None or target.digest is not None or target.tag is None:
        raise fail("EV624", f'"{tag}" is no tag', expected="a tag such as v1.2.0, or a whole name: REPOSITORY:TAG")
    if source not in find_images(workspace.engine, [source]):
        raise fail(
            "EV623",
            f"{source} is not there to be tagged",
            environment.span("services", service, "image"),
            help=f"`envman build {environment.name} {service}` makes it"
            if environment.stack.services[service].build is not None
            else f"`envman pull {environment.name} {service}` fetches it",
        )
    name_image(workspace.engine, source, target)
    return target.familiar
