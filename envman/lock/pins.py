"""A lock to the images that a render is to use: by digest, or what an engine has that is the same. Pure.

An engine may have a locked image under several names: by its tag (pulled before anybody locked it, built, loaded from a
file), by its digest, by its ID alone. Compose takes another name for another definition and makes a container anew, so
the name that a container was made with stays, then the plain one is preferred where it leads to the locked image.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from envman.lock.current import Current
from envman.lock.lock import Lock, LockedBuild, LockedImage
from envman.registry.reference import Reference, parse_reference


class Held(Protocol):
    """An image that an engine has."""

    @property
    def id(self) -> str:
        """Its ID."""

    @property
    def digests(self) -> tuple[str, ...]:
        """Its names with digests."""


@dataclass(frozen=True, slots=True)
class Local:
    """What an engine has: ``images`` by reference, and the names that containers were made with (``used``).

    ``platform`` is the engine's own.
    """

    platform: str
    images: Mapping[str, Held]
    used: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Pins:
    """What a render under a lock uses: ``images``, ``never_pulled`` and ``contexts`` as in ``Facts``.

    ``kept`` are the services and jobs whose image is there or in a registry as it is locked: they are not built.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    never_pulled: frozenset[str] = frozenset()
    contexts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()


def is_locked_image(locked: LockedImage | LockedBuild, held: Held, platform: str | None = None) -> bool:
    """Whether ``held`` is the locked image: by its ID, or by a digest that it was pulled or pushed with.

    An image's ID is the digest of its configuration, or of its manifest where the engine keeps images in containerd.
    """
    own = locked.platforms.get(platform or "")
    platforms = [own] if own is not None else list(locked.platforms.values())
    known = {locked.digest, *(one.image for one in platforms), *(one.manifest for one in platforms)} - {None}
    return held.id in known or any(one.rpartition("@")[2] in known for one in held.digests)


@dataclass(frozen=True, slots=True)
class Names:
    """How the environment at hand calls what is locked.

    ``mapped`` are the names that a registry map makes of those in the blueprint, ``built`` the images that are built,
    by service: an instance's have names of their own.
    """

    built: Mapping[str, str]
    mapped: Mapping[str, str] = field(default_factory=dict)

    def of(self, written: str) -> str:
        """Return the name to use for ``written``."""
        return self.mapped.get(written, written)


def names_to_look_for(lock: Lock, current: Current, names: Names) -> set[str]:
    """Return the references under which an engine may have what is locked."""
    named = _named(lock, current, current.uses.builds, names)
    return {candidate for _, plain, locked in named for candidate in _candidates(plain, locked)}


def kept_builds(lock: Lock, current: Current, names: Names, local: Local | None) -> frozenset[str]:
    """Return the services and jobs whose image needs no build: it was pushed, or ``local`` has it as it is locked."""
    kept = set()
    for name in current.uses.builds:
        locked = lock.builds.get(name)
        if locked is None:
            continue
        if locked.digest is not None or (local is not None and _held_as(locked, names.of(locked.image), local)):
            kept.add(name)
    return frozenset(kept)


def pins(lock: Lock, current: Current, kept: frozenset[str], names: Names, local: Local | None) -> Pins:
    """Return the names to use for everything that ``lock`` holds; nothing that is ``kept`` is built.

    Without ``local`` every image is named by its digest.
    """
    images: dict[str, str] = {}
    never: set[str] = set()
    for written, plain, locked in _named(lock, current, kept, names):
        name, there = _chosen(plain, locked, local)
        if name != written:
            images[written] = name
        if there and "@" not in name:
            never.add(written)
    contexts: dict[str, dict[str, str]] = {}
    for service, build in current.uses.builds.items():
        if service in kept:
            continue
        for name, base in build.bases.items():
            digest = lock.images[base.canonical].digest if base.canonical in lock.images else None
            if digest is not None and base.digest is None:
                target = parse_reference(names.of(base.familiar)) or base
                contexts.setdefault(service, {})[name] = target.pinned(digest).familiar
    return Pins(images, frozenset(never), contexts, kept)


def _named(
    lock: Lock, current: Current, kept: Iterable[str], names: Names
) -> Iterator[tuple[str, str, LockedImage | LockedBuild]]:
    """Yield what is written, the plain name to use for it, and what is locked."""
    for canonical, image in current.uses.images.items():
        locked = lock.images.get(canonical)
        if locked is not None and image.reference.digest is None:
            yield from ((written, names.of(written), locked) for written in image.written)
    for name in kept:
        if name in lock.builds:
            yield names.built[name], names.of(lock.builds[name].image), lock.builds[name]


def _candidates(plain: str, locked: LockedImage | LockedBuild) -> list[str]:
    reference = parse_reference(plain)
    pinned = [_pinned(reference, locked.digest)] if reference is not None and locked.digest is not None else []
    return [plain, *pinned, *(one.image for one in locked.platforms.values() if one.image)]


def _pinned(reference: Reference, digest: str) -> str:
    return reference.pinned(digest).familiar


def _held_as(locked: LockedImage | LockedBuild, plain: str, local: Local) -> list[str]:
    """Return the names under which ``local`` has the locked image, the plain one first."""
    return [
        name
        for name in _candidates(plain, locked)
        if name in local.images and is_locked_image(locked, local.images[name], local.platform)
    ]


def _chosen(plain: str, locked: LockedImage | LockedBuild, local: Local | None) -> tuple[str, bool]:
    """Return the name to use, and whether ``local`` has the image under it."""
    held = _held_as(locked, plain, local) if local is not None else []
    used = [name for name in held if local is not None and name in local.used]
    if used or held:
        return (used or held)[0], True
    reference = parse_reference(plain)
    if locked.digest is not None and reference is not None:
        return _pinned(reference, locked.digest), False
    return plain, False
