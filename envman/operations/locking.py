"""Locking an environment: what it is now, with every image by digest, beside what its lock says so far."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envman.diagnostics import Diagnostic, EnvmanError, Severity
from envman.lock.changes import LockChange, lock_changes
from envman.lock.current import Current
from envman.lock.lock import (
    Lock,
    LockedImage,
    LockedPlatform,
    LockedSecret,
    LockedTemplate,
    LockedVariable,
    Makers,
    lock_path,
)
from envman.lock.text import LockFile, lock_text, read_lock_file, sealed
from envman.lock.unlocked import unlocked
from envman.lock.uses import NamedImage, needed_by, resting
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.operations.described import described, without_instance
from envman.operations.locked_builds import locked_builds
from envman.operations.resolving import (
    Resolver,
    engine_platform,
    explained,
    is_missing,
    lacking_platforms,
    locked_image,
    used_by,
)
from envman.operations.workspace import Workspace
from envman.registry.reference import Reference
from envman.state.atomic import write_if_changed
from envman.template.record import template_of
from envman.version import installed_version

if TYPE_CHECKING:
    from envman.engine.connection import Engine

# A lock that `lock` may write over: of a newer envman, edited, another environment's, or (EV1xx) none at all.
_NOT_TO_BE_KEPT = ("EV530", "EV531", "EV542", "EV1")


@dataclass(frozen=True, slots=True)
class Move:
    """A tag that leads elsewhere than to what is locked; ``created`` (Unix seconds) of the new image, if it says so."""

    reference: Reference
    old: str | None
    new: str | None
    used_by: tuple[str, ...]
    created: float | None


@dataclass(frozen=True, slots=True)
class Locking:
    """A lock as it would be written.

    ``changes`` are what it says differently from ``old``, ``moves`` the tags that lead elsewhere now, ``notices`` what
    the user should know; ``text`` is the file.
    """

    environment: Environment
    lock: Lock
    old: LockFile | None
    text: str
    changes: tuple[LockChange, ...]
    moves: tuple[Move, ...]
    notices: tuple[str, ...]


def make_lock(
    workspace: Workspace,
    environment: Environment,
    resolver: Resolver,
    *,
    upgrade: bool = False,
    services: Collection[str] = (),
    profiles: Collection[str] = (),
) -> Locking:
    """Return the lock of ``environment``; nothing is written.

    Images that are locked already stay as they are while their names are the same. With ``upgrade`` the registries
    are asked again, for the images of ``services`` alone if any are named. What cannot be locked of services that do
    not start, behind a profile that is active neither in the blueprint nor by ``profiles``, is left out, and a warning.

    Raises:
        EnvmanError: EV42x where a registry has no answer, EV536, EV537 and EV541 for images that cannot be locked,
            each with the place that names it.
    """
    environment = without_instance(workspace, environment)
    old = _old_lock(workspace, environment)
    current = described(workspace, environment)
    engine = reachable_engine(workspace)
    platform = None if engine is None else engine_platform(engine.facts())
    known = old.lock.images if old is not None else {}
    asked = {
        name: image
        for name, image in current.uses.images.items()
        if name not in known or (upgrade and (not services or any(one.workload in services for one in image.places)))
    }
    notices: list[str] = []
    idle = resting(environment, profiles)
    images, problems = _resolved(environment, asked, resolver, engine, notices, idle)
    for name, image in current.uses.images.items():
        if name not in asked:
            images[name] = LockedImage(
                digest=known[name].digest, platforms=known[name].platforms, used_by=used_by(image)
            )
            problems += _as_needed(image, idle, lacking_platforms(environment, image, known[name].platforms, platform))
    workspace.report.extend(problems)
    workspace.report.raise_errors()
    # What starts from an image that is left out is left out with it.
    complete = {
        name: build
        for name, build in current.uses.builds.items()
        if all(base.canonical in images for base in build.bases.values())
    }
    current = replace(current, uses=replace(current.uses, builds=complete))
    builds = locked_builds(
        workspace, current, old.lock if old is not None else None, images, engine, platform, notices,
        upgraded=None if not upgrade else frozenset(services) or frozenset(current.uses.builds),
    )  # fmt: skip
    workspace.report.extend(unlocked(environment, builds))
    values = {
        "environment": environment.name,
        "document": current.document,
        "template": _template(workspace),
        "images": images,
        "builds": builds,
        "variables": {name: LockedVariable(value=one.value, origin=one.origin)
                      for name, one in current.variables.items()},
        "secrets": _secrets(current, old),
        "parts": dict(current.parts),
    }  # fmt: skip
    lock = sealed(made_with=_makers(workspace, engine), **values)
    changes = lock_changes(old.lock if old is not None else None, lock)
    if old is not None and not changes:
        # What changes nothing has no new maker: the same lock is the same bytes on every machine.
        lock = sealed(made_with=old.lock.made_with, **values)
    moves = _moves(old, images, resolver, asked) if upgrade else ()
    return Locking(environment, lock, old, lock_text(lock), tuple(changes), moves, tuple(notices))


def resolver_of(workspace: Workspace) -> Resolver:
    """Return who asks the registries: with this machine's logins, and as the engine reaches them if one answers."""
    from envman.engine.registry import Registries

    made: Resolver = Registries.of(reachable_engine(workspace), workspace.environ, places=workspace.places)
    return made


def write_lock(workspace: Workspace, made: Locking) -> bool:
    """Write a lock that was made, whole or not at all, and return whether the file is another one now.

    Raises:
        EnvmanError: EV008.
    """
    path = workspace.project.root / lock_path(made.environment.name)
    return write_if_changed(path, made.text, durable=True)


def reachable_engine(workspace: Workspace) -> Engine | None:
    """Return the engine, or None where none answers: a lock can be made and checked without."""
    try:
        workspace.engine.facts()
    except EnvmanError:
        return None
    return workspace.engine


def _old_lock(workspace: Workspace, environment: Environment) -> LockFile | None:
    """Return the lock that is there; one that cannot be trusted is none, which is said."""
    try:
        return read_lock_file(workspace.project.root, environment.name)
    except EnvmanError as error:
        if not all(one.code.startswith(_NOT_TO_BE_KEPT) for one in error.diagnostics):
            raise
        for one in error.diagnostics:
            text = f"{one.message}; nothing of it is kept"
            workspace.report.add(replace(one, message=text, severity=Severity.WARNING, help=""))
        return None


def _resolved(
    environment: Environment,
    asked: Mapping[str, NamedImage],
    resolver: Resolver,
    engine: Engine | None,
    notices: list[str],
    idle: Collection[str],
) -> tuple[dict[str, LockedImage], list[Diagnostic]]:
    platform = None if engine is None else engine_platform(engine.facts())
    answers = resolver.resolve_all([image.reference for image in asked.values()]) if asked else {}
    images: dict[str, LockedImage] = {}
    problems: list[Diagnostic] = []
    for name, image in asked.items():
        answer = answers[image.reference]
        if isinstance(answer, EnvmanError):
            own = _on_the_engine(image, engine) if is_missing(answer) else None
            if own is None:
                found = explained(answer, image)
                problems += map(_left_out, found) if needed_by(image, idle) else found
                continue
            images[name] = own
            notices.append(
                f"{image.reference.familiar} is in no registry, but on this engine: it is locked by its ID, and other "
                "machines can have it from a bundle alone"
            )
        else:
            images[name] = locked_image(answer, image)
            problems += _as_needed(image, idle, lacking_platforms(environment, image, answer.platforms, platform))
    return images, problems


def _as_needed(image: NamedImage, idle: Collection[str], problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return ``problems`` with ``image``; as warnings where nothing but ``idle`` services has it."""
    if not needed_by(image, idle):
        return list(problems)
    return [replace(one, severity=Severity.WARNING) for one in problems]


def _left_out(problem: Diagnostic) -> Diagnostic:
    return replace(
        problem,
        code="EV543",
        severity=Severity.WARNING,
        message=f"not locked, as its profile is not active: {problem.message}",
        help="`envman lock --profile NAME` refuses to leave it out",
    )


def _on_the_engine(image: NamedImage, engine: Engine | None) -> LockedImage | None:
    """Return the entry of an image that no registry has, where the engine has it: one that was built or loaded."""
    if engine is None:
        return None
    from envman.engine.images import image_ids

    found = image_ids(engine, image.written[:1])
    if not found:
        return None
    platform = LockedPlatform(image=found[image.written[0]])
    return LockedImage(platforms={engine_platform(engine.facts()): platform}, used_by=used_by(image))


def _secrets(current: Current, old: LockFile | None) -> dict[str, LockedSecret]:
    """Return the fingerprints. Those of another checkout's key stay: this one cannot tell whether they still hold."""
    foreign = {name: one for name, one in (old.lock.secrets if old is not None else {}).items()
               if one.key != current.key}  # fmt: skip
    files = (one.name for one in named_files(current.environment.data) if one.use is Use.VARIABLES)
    declared = {*current.environment.stack.secrets, *(f"env_file {name}" for name in files)}
    return {
        **{name: one for name, one in foreign.items() if name in declared},
        **{
            name: foreign.get(name) or LockedSecret(key=current.key, fingerprint=one.mark)
            for name, one in current.secrets.items()
        },
    }


def _makers(workspace: Workspace, engine: Engine | None) -> Makers:
    compose = None
    if engine is not None:
        from envman.engine.compose import require_compose

        try:
            compose = require_compose(workspace.endpoint, workspace.environ)
        except EnvmanError:
            compose = None
    return Makers(
        envman=installed_version(), compose=compose, engine=engine.facts().version if engine is not None else None
    )


def _template(workspace: Workspace) -> LockedTemplate | None:
    found = template_of(workspace.project.root)
    return None if found is None else LockedTemplate(name=found[0], version=found[1])


def _moves(
    old: LockFile | None,
    images: Mapping[str, LockedImage],
    resolver: Resolver,
    asked: Mapping[str, NamedImage],
) -> tuple[Move, ...]:
    known = old.lock.images if old is not None else {}
    found = []
    for name, image in asked.items():
        before, after = known.get(name), images[name]
        if before is not None and before.digest != after.digest:
            found.append(Move(image.reference, before.digest, after.digest, tuple(after.used_by),
                              created_at(resolver, image.reference, after)))  # fmt: skip
    return tuple(found)


def created_at(resolver: Resolver, reference: Reference, image: LockedImage) -> float | None:
    """Return when ``image`` was made, in Unix seconds, as its configuration says; None where it does not."""
    from datetime import UTC, datetime

    config = getattr(resolver, "config", None)
    ids = [image.platforms[name].image for name in sorted(image.platforms) if image.platforms[name].image]
    if config is None or not ids:
        return None
    try:
        said = str(config(reference, ids[0]).get("created") or "")
        moment = datetime.fromisoformat(said[:19]).replace(tzinfo=UTC).timestamp()
    except (EnvmanError, ValueError):
        return None
    return moment or None
