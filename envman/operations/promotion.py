"""Promotion: the images that one environment runs become another's, by digest. Nothing is built or pulled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from envman.diagnostics import Diagnostic, EnvmanError, Note, Report
from envman.diagnostics.diagnostic import fail
from envman.lock.changes import lock_changes
from envman.lock.lock import LockedBuild, LockedImage, LockedPlatform, lock_path
from envman.lock.text import lock_text, read_lock_file, sealed
from envman.lock.uses import workloads
from envman.model.environment import Environment
from envman.operations.locking import Locking, make_lock, resolver_of, write_lock
from envman.operations.progress import Progress
from envman.operations.verify import verify
from envman.operations.workspace import Workspace
from envman.project import load_environment
from envman.registry.reference import HUB, Reference, parse_reference

if TYPE_CHECKING:
    from envman.engine.registry import Registries
    from envman.operations.resolving import Answer
    from envman.plan.observed import ContainerState
    from envman.registry.manifest import Manifest


@dataclass(frozen=True, slots=True)
class PromotedImage:
    """The image of ``service`` (or job, as ``section`` says): found as ``source``, to be called ``target``.

    Both have its ``digest``.

    ``manifest`` is set where the registry is to give it the new tag, and ``before`` is what that tag leads to now.
    Without a manifest only the lock changes: the image is somebody else's and has the same name in both.
    """

    section: str
    service: str
    source: Reference
    target: Reference
    digest: str
    manifest: Manifest | None = None
    before: str | None = None

    @property
    def moves(self) -> bool:
        """Whether there is anything for the registry to do."""
        return self.manifest is not None and self.before != self.digest


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion does; ``left`` says in words which services keep their own images."""

    source: Environment
    target: Environment
    images: tuple[PromotedImage, ...]
    left: tuple[str, ...]
    locking: Locking


def own_registries(workspace: Workspace) -> Registries:
    """Return the registries under their own names: what is one's own is pushed there, whatever a map says of pulls."""
    from envman.engine.registry import Registries

    return Registries.of(workspace.engine, workspace.environ)


def plan_promotion(workspace: Workspace, names: tuple[str, str], registries: Registries) -> Promotion:
    """Return what promoting the first environment of ``names`` to the second one does. Nothing is changed.

    Raises:
        EnvmanError: EV440 for a source without a lock, EV441 for one that is not as it is locked, EV442 for one that is
            not well, EV443 for images that no registry has, EV444 and EV445 for names that they cannot get; EV42x for
            registries; and as ``make_lock`` for the target's lock.
    """
    source, target = (workspace.environment(name) for name in names)
    _check_source(workspace, source)
    images, left = _images(workspace, source, target, registries)
    return Promotion(source, target, images, left, _locking(workspace, source, target, images))


def promote(workspace: Workspace, promotion: Promotion, registries: Registries, progress: Progress) -> None:
    """Do it: tags first, then the target's lock. Whatever ends it on the way, doing it again completes it.

    Raises:
        EnvmanError: EV42x for registries, EV008 for the lock.
    """
    from envman.engine.registry_copy import copy_image

    for one in promotion.images:
        if one.manifest is None or not one.moves:
            continue
        progress.step(f"tagging {one.target.familiar}")
        done = copy_image(registries, one.source, one.manifest, one.target)
        if done.copied:
            progress.ready(one.service, f"{done.copied} blobs went from registry to registry")
    write_lock(workspace, promotion.locking)


def _check_source(workspace: Workspace, source: Environment) -> None:
    from envman.engine.observe import observe

    if read_lock_file(workspace.project.root, source.name) is None:
        raise fail(
            "EV440",
            f"{source.name} has no lock, so nobody can say what would be promoted",
            expected=lock_path(source.name),
            help=f"`envman lock {source.name}` writes one; commit it",
        )
    found = verify(workspace, source)
    if found:
        texts = [*(one.message for one in found.blueprint), *(one.message for one in found.running)]
        raise fail(
            "EV441",
            f"{source.name} is not what its lock says",
            notes=tuple(Note(text) for text in texts),
            help="; ".join(found.remedies()),
        )
    observed = observe(workspace.engine, [source.compose_project])
    ill = [text for one in observed.containers if (text := _illness(one))]
    if ill:
        raise fail(
            "EV442",
            f"{source.name} is not well",
            notes=tuple(Note(text) for text in ill),
            help=f"`envman status {source.name}` and `envman logs {source.name}` say more",
        )


def _illness(one: ContainerState) -> str:
    if one.oneoff:
        return ""
    if one.health not in {None, "healthy"}:
        return f"{one.name} is {one.health}"
    if one.state in {"restarting", "paused", "dead"} or (one.state == "exited" and one.exit_code):
        return f"{one.name} is {one.state}"
    return ""


def _images(
    workspace: Workspace, source: Environment, target: Environment, registries: Registries
) -> tuple[tuple[PromotedImage, ...], tuple[str, ...]]:
    file = read_lock_file(workspace.project.root, source.name)
    assert file is not None  # it was verified
    own = own_repositories(workspace, (source, target))
    problems: list[Diagnostic] = []
    left: list[str] = []
    found: list[PromotedImage] = []
    theirs = {(section, name): one for section, name, one in workloads(source)}
    for section, name, workload in workloads(target):
        other = theirs.get((section, name))
        if other is None:
            left.append(f"{name}: {source.name} has none")
            continue
        here, there = (parse_reference(one.image or f"{name}") for one in (other, workload))
        locked: LockedImage | LockedBuild | None = file.lock.builds.get(name) if other.build is not None else None
        if isinstance(locked, LockedBuild):
            here = parse_reference(locked.image)
        elif here is not None:
            locked = file.lock.images.get(here.canonical)
        if locked is None or here is None or there is None:
            left.append(f"{name}: {other.image or 'its image'} is no name that a registry knows")
            continue
        if isinstance(locked, LockedImage) and here.repository not in own and there.repository not in own:
            if here.canonical != there.canonical:
                left.append(f"{name}: {target.name} names {there.familiar}, {source.name} runs {here.familiar}")
            elif locked.digest is not None:
                found.append(PromotedImage(section, name, here.pinned(locked.digest), there, locked.digest))
            continue
        problem = _unfit(source, target, (section, name), locked, there if workload.image else None)
        if problem is not None:
            problems.append(problem)
            continue
        digest = locked.digest
        assert digest is not None  # it is fit
        pinned = replace(here, tag=None, digest=digest)
        found.append(PromotedImage(section, name, pinned, there, digest))
    problems += _contradictions(target, found)
    if problems:
        raise EnvmanError(*problems)
    return _resolved(registries, source, found, own), tuple(left)


def _resolved(
    registries: Registries, source: Environment, found: list[PromotedImage], own: frozenset[str]
) -> tuple[PromotedImage, ...]:
    """Return ``found`` with the manifests of what is one's own, and with what the new tags lead to now."""
    mine = [one for one in found if one.source.repository in own or one.target.repository in own]
    manifests = registries.resolve_all([one.source for one in mine])
    problems: list[Diagnostic] = []
    made = []
    for one in found:
        if one not in mine:
            made.append(one)
            continue
        manifest = manifests[one.source]
        if isinstance(manifest, EnvmanError):
            note = Note(f"{source.name} runs it as {one.service}", source.key_span(one.section, one.service))
            problems += [replace(each, notes=(*each.notes, note)) for each in manifest.diagnostics]
            continue
        made.append(replace(one, manifest=manifest, before=_tagged(registries, one.target)))
    if problems:
        raise EnvmanError(*problems)
    return tuple(made)


def _tagged(registries: Registries, target: Reference) -> str | None:
    try:
        return registries.digest(target)
    except EnvmanError as error:
        # Of a repository that is not there yet, some registries say no more than that nobody may see it.
        if {one.code for one in error.diagnostics} <= {"EV421", "EV422"}:
            return None
        raise


def own_repositories(workspace: Workspace, loaded: Iterable[Environment]) -> frozenset[str]:
    """Return the repositories of the images that any environment of the project builds: the ones to be tagged in.

    Everything else is somebody else's, and no promotion writes there.

    Raises:
        EnvmanError: EV002, EV007 where a `.env` file cannot be read.
    """
    found = {one.name: one for one in loaded}
    for name in workspace.project.environments(Report()):
        if name not in found:
            other = load_environment(workspace.project, name, Report(), settings={}, process=workspace.environ)
            if other is not None:
                found[name] = other
    names = (
        one.image
        for environment in found.values()
        for _, _, one in workloads(environment)
        if one.build is not None and one.image is not None
    )
    return frozenset(one.repository for name in names if (one := parse_reference(name)) is not None)


def _unfit(
    source: Environment,
    target: Environment,
    path: tuple[str, str],
    locked: LockedImage | LockedBuild,
    there: Reference | None,
) -> Diagnostic | None:
    _, name = path
    if locked.digest is None:
        return Diagnostic(
            "EV443",
            f"the image of {name} was never pushed: only the engine of {source.name} has it",
            source.key_span(*path),
            help=f"`envman push {source.name}`, then `envman lock {source.name}`",
        )
    if there is None or (there.host == HUB and there.path.startswith("library/")):
        return Diagnostic(
            "EV444",
            f"{target.name} has no name for the image of {name} that a registry could know",
            target.key_span(*path),
            "an `image:` with a registry or a repository of your own",
            help=f"name it in the blueprint, for example `image: registry.example.com/team/{name}:{target.name}`",
        )
    if there.digest is not None and there.digest != locked.digest:
        return Diagnostic(
            "EV444",
            f"{target.name} fixes the image of {name} to another digest",
            target.span(*path, "image"),
            "a tag: digests are what locks are for",
            help="name a tag in the blueprint",
        )
    return None


def _contradictions(target: Environment, found: list[PromotedImage]) -> Iterator[Diagnostic]:
    first: dict[str, PromotedImage] = {}
    for one in found:
        other = first.setdefault(one.target.canonical, one)
        if other.digest != one.digest:
            yield Diagnostic(
                "EV445",
                f"{one.target.familiar} would have to be two images: {other.digest[:19]} for {other.service} and "
                f"{one.digest[:19]} for {one.service}",
                target.span(one.section, one.service, "image"),
                notes=(Note(f"{other.service} names it too", target.span(other.section, other.service, "image")),),
                help="give the two services names of their own",
            )


class _Promised:
    """Answers as the registries will after the promotion."""

    def __init__(self, manifests: Mapping[str, Manifest], others: Any) -> None:
        self.manifests, self.others = manifests, others

    def resolve_all(self, references: Iterable[Reference]) -> Mapping[Reference, Answer | EnvmanError]:
        asked = list(references)
        known: dict[Reference, Answer | EnvmanError] = {
            one: self.manifests[one.canonical] for one in asked if one.canonical in self.manifests
        }
        return {**known, **self.others.resolve_all([one for one in asked if one not in known])}


def _locking(
    workspace: Workspace, source: Environment, target: Environment, images: tuple[PromotedImage, ...]
) -> Locking:
    """Return the lock that the target gets: its own, but for what is promoted."""
    file = read_lock_file(workspace.project.root, source.name)
    assert file is not None  # it was verified
    promised = {one.target.canonical: one.manifest for one in images if one.manifest is not None}
    made = make_lock(workspace, target, _Promised(promised, resolver_of(workspace)))
    fields = {name: getattr(made.lock, name) for name in type(made.lock).model_fields if name not in {"lock", "seal"}}
    locked, builds = dict(made.lock.images), dict(made.lock.builds)
    for name, known in file.lock.images.items():
        # Whoever names it, a hook or a mount as well: one name is one image in both.
        if name in locked and known.digest is not None:
            locked[name] = LockedImage(digest=known.digest, platforms=known.platforms, used_by=locked[name].used_by)
    for one in images:
        if one.manifest is not None and one.service in builds:
            before, origin = builds[one.service], file.lock.builds.get(one.service)
            builds[one.service] = LockedBuild(
                image=before.image,
                context=origin.context if origin is not None else before.context,
                bases=list(origin.bases if origin is not None else before.bases),
                digest=one.digest,
                platforms=_platforms(one.manifest),
            )
        elif one.manifest is not None and one.target.canonical in locked:
            locked[one.target.canonical] = LockedImage(
                digest=one.digest,
                platforms=_platforms(one.manifest),
                used_by=locked[one.target.canonical].used_by,
            )
    old = made.old.lock if made.old is not None else None
    lock = sealed(**{**fields, "images": locked, "builds": builds})
    changes = tuple(lock_changes(old, lock))
    if old is not None and not changes:
        lock = sealed(**{**fields, "images": locked, "builds": builds, "made_with": old.made_with})
    return replace(made, lock=lock, text=lock_text(lock), changes=changes)


def _platforms(manifest: Manifest | None) -> dict[str, LockedPlatform]:
    found = manifest.platforms if manifest is not None else {}
    return {name: LockedPlatform(manifest=one.digest, image=one.image or None) for name, one in found.items()}
