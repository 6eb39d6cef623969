"""All images of a project: who needs each of them, and removing those that nobody does."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from envman.diagnostics import Diagnostic, EnvmanError
from envman.engine.images import remove_image
from envman.lock.lock import lock_path
from envman.lock.text import read_lock
from envman.model.environment import Environment
from envman.operations.progress import Progress
from envman.operations.shelves import catalogue, environments_with_snapshots
from envman.operations.stamps import BUILT_FOR
from envman.operations.workspace import Workspace
from envman.plan.spare import Kept, Needs, ProjectImage, Spare, canonical, spare_images
from envman.registry.reference import parse_reference
from envman.state.builds import made_images, read_builds
from envman.state.pushed import read_pushes


@dataclass(frozen=True, slots=True)
class ImageUse:
    """A name of an image of the project: the digest it was pushed under (if it was), who needs it in words.

    ``id``, ``size`` (bytes) and ``created`` (Unix seconds) are None where the engine lacks it.
    """

    reference: str
    id: str | None
    size: int | None
    created: float | None
    pushed: str | None
    needed_by: tuple[str, ...]
    made_here: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed, and what stays."""

    spare: tuple[Spare, ...]
    kept: tuple[Kept, ...]

    @property
    def freed(self) -> int:
        """The bytes that surely become free: layers that several of the images share count for none of them."""
        return sum(one.freed for one in self.spare)


def _environments(workspace: Workspace, problems: list[Diagnostic]) -> list[Environment]:
    found = []
    for name in workspace.project.environments(workspace.report):
        try:
            found.append(workspace.environment(name, to_run=False))
        except EnvmanError as error:
            problems += error.diagnostics
            workspace.report = type(workspace.report)()
    return found


def needs_of_project(workspace: Workspace, problems: list[Diagnostic]) -> Needs:
    """Return who needs which image: environments, locks, snapshots and containers, of whomever they are.

    What cannot be read goes to ``problems``: then it is not known what is needed.
    """
    names: dict[str, list[str]] = defaultdict(list)
    ids: dict[str, list[str]] = defaultdict(list)
    repositories = set()
    for environment in _environments(workspace, problems):
        for name, who in _named(workspace, environment):
            names[canonical(name)].append(who)
        for service, definition in environment.stack.services.items():
            if definition.build is not None:
                repositories |= _repositories(environment.image(service), *(definition.build.tags or ()))
    for name, digest, who in _locked(workspace, problems):
        (ids if digest else names)[digest or canonical(name)].append(who)
    for image, who in _in_snapshots(workspace, problems):
        ids[image].append(who)
    for image, who in _in_containers(workspace):
        ids[image].append(who)
    for record in read_builds(_state(workspace)):
        repositories |= _repositories(record.reference)
    return Needs(
        {name: tuple(dict.fromkeys(who)) for name, who in names.items()},
        {image: tuple(dict.fromkeys(who)) for image, who in ids.items()},
        frozenset(repositories),
    )


def _state(workspace: Workspace) -> Path:
    return Path(os.fspath(workspace.checkout.state))


def _repositories(*names: str | None) -> set[str]:
    return {reference.repository for name in names if name and (reference := parse_reference(name)) is not None}


def _named(workspace: Workspace, environment: Environment) -> Iterator[tuple[str, str]]:
    for service, definition in environment.stack.services.items():
        who = f"{environment.name}.{service}"
        tags = (definition.build.tags if definition.build is not None else None) or ()
        for name in (environment.image(service), workspace.image(environment, service), *tags):
            if name:
                yield name, who


def _locked(workspace: Workspace, problems: list[Diagnostic]) -> Iterator[tuple[str, str, str]]:
    """Yield what locks hold: a name and who, or an ID and who."""
    for path in sorted((workspace.project.root / "blueprints").glob("*.lock")):
        try:
            lock = read_lock(workspace.project.root, path.stem)
        except EnvmanError as error:
            problems += error.diagnostics
            continue
        if lock is None:
            continue
        who = f"the lock {lock_path(path.stem)}"
        for build in lock.builds.values():
            yield build.image, "", who
            yield from (("", one.image, who) for one in build.platforms.values() if one.image)


def _in_snapshots(workspace: Workspace, problems: list[Diagnostic]) -> Iterator[tuple[str, str]]:
    for key in environments_with_snapshots(workspace):
        for name, manifest in catalogue(workspace, key):
            if manifest is None:
                problems.append(Diagnostic("EV643", f"snapshot {name} of {key} is damaged"))
                continue
            for image in manifest.images.values():
                yield str(image.get("id", "")), f"snapshot {name} of {key}"


def _in_containers(workspace: Workspace) -> Iterator[tuple[str, str]]:
    from envman.engine.images import containers_by_image

    for image, containers in containers_by_image(workspace.engine).items():
        for one in containers:
            yield image, f"container {one}"


def project_images(workspace: Workspace) -> list[ProjectImage]:
    """Return the images on the engine that were built for the project, here or in another checkout of it."""
    from envman.engine.images import all_images

    state = _state(workspace)
    made = made_images(state) | {one.image for one in read_builds(state)}
    return [
        ProjectImage(one.id, one.names, one.size, one.unique, one.created, one.id in made)
        for one in all_images(workspace.engine)
        if one.id in made or one.labels.get(BUILT_FOR) == workspace.project.name
    ]


def image_uses(workspace: Workspace, problems: list[Diagnostic]) -> list[ImageUse]:
    """Return a row for each name of an image that the project built or one of its environments uses."""
    from envman.engine.images import find_images

    needs = needs_of_project(workspace, problems)
    pushes = read_pushes(_state(workspace))
    rows = []
    for image in project_images(workspace):
        users = needs.of(image)
        by_id = users.pop("")
        for name in image.names or ("",):
            push = pushes.get(canonical(name)) if name else None
            pushed = push.digest if push is not None and push.image == image.id else None
            who = tuple(dict.fromkeys((*users.get(name, ()), *by_id)))
            rows.append(ImageUse(name, image.id, image.size, image.created, pushed, who, image.made_here))
    known = {canonical(one.reference) for one in rows if one.reference}
    others = {name: who for name, who in needs.names.items() if name not in known}
    found = find_images(workspace.engine, others)
    for name, who in others.items():
        reference, local = parse_reference(name), found.get(name)
        rows.append(
            ImageUse(
                reference.familiar if reference is not None else name,
                local.id if local else None,
                local.size if local else None,
                local.created if local else None,
                local.digests[0].rpartition("@")[2] if local and local.digests else None,
                who,
                made_here=False,
            )
        )
    return sorted(rows, key=lambda one: (not one.needed_by, one.reference or "~", one.id or ""))


def spare_of_project(workspace: Workspace, named: Sequence[str]) -> Removal:
    """Return what `rmi` would remove: all that nobody needs, or only what is ``named`` of it.

    Raises:
        EnvmanError: EV625 where a blueprint, a lock or a snapshot cannot be read, and so what they need is not known;
            EV623 for a name that no image of the project has.
    """
    problems: list[Diagnostic] = []
    needs = needs_of_project(workspace, problems)
    if problems:
        refusal = Diagnostic(
            "EV625",
            "it is not known which images are needed: nothing is removed",
            help="mend what is wrong above, then run the same command again",
        )
        raise EnvmanError(*problems, refusal)
    images = project_images(workspace)
    if named:
        wanted = {canonical(one) for one in named}
        present = {canonical(name): image for image in images if image.made_here for name in image.names}
        for name in named:
            if canonical(name) not in present:
                raise EnvmanError(
                    Diagnostic(
                        "EV623",
                        f"no image that this checkout built is called {name}",
                        help="`envman images` lists them",
                    )
                )
        images = [one for one in images if wanted & set(map(canonical, one.names))]
    spare, kept = spare_images(images, needs)
    if named:
        spare = [_only(one, wanted) for one in spare]
        spare = [one for one in spare if one.names]
        kept = [one for one in kept if canonical(one.name) in wanted]
    return Removal(tuple(spare), tuple(kept))


def _only(spare: Spare, wanted: set[str]) -> Spare:
    names = tuple(name for name in spare.names if canonical(name) in wanted)
    return Spare(spare.image, names, whole=len(names) == len(spare.image.names))


def remove_spare(workspace: Workspace, removal: Removal, progress: Progress) -> None:
    """Remove what ``removal`` names; what got a container meanwhile the engine keeps, and that is said.

    Raises:
        EnvmanError: EV4xx for the engine.
    """
    for one in removal.spare:
        for name in one.names or (one.image.id,):
            refused = remove_image(workspace.engine, name, expected=one.image.id)
            if refused:
                progress.warning(f"{name} stays: {refused}")
            else:
                progress.line(f"removed {name}")
