"""A lock to the images that a render is to use: by digest, or what an engine has that is the same. Pure.

An engine may have a locked image under several names: by its tag (pulled before anybody locked it, built, loaded from a
file), by its digest, by its ID alone. Compose takes another name for another definition and makes a container anew, so
the name that a container was made with stays, then the plain one is preferred where it leads to the locked image.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from envman.lock.current import Current
from envman.lock.lock import Lock, LockedBuild, LockedImage
from envman.registry.places import Places, mapped, moved
from envman.registry.reference import parse_reference


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
    ``unheld`` are services that the lock lacks an image of: they may rest, and not start.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    never_pulled: frozenset[str] = frozenset()
    contexts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    unheld: frozenset[str] = frozenset()


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

    ``built`` are the images that are built, by service (an instance's have names of their own); ``places`` is the
    registry map.
    """

    built: Mapping[str, str]
    places: Places = field(default_factory=dict)

    def of(self, written: str) -> list[str]:
        """Return the names without digest that an image may have here, the one to prefer first."""
        place = moved(written, self.places)
        return [written] if place is None else [place.familiar, written]

    def pinned(self, written: str, digest: str) -> str | None:
        """Return the name to pull an image by; None where no registry could know it."""
        reference = parse_reference(written)
        return None if reference is None else mapped(reference, self.places).pinned(digest).familiar


class _Named(NamedTuple):
    """What is written for an image, the name that the lock has for it, and what is locked."""

    written: str
    name: str
    locked: LockedImage | LockedBuild


def names_to_look_for(lock: Lock, current: Current, names: Names) -> set[str]:
    """Return the references under which an engine may have what is locked."""
    return {candidate for one in _named(lock, current, current.uses.builds, names) for candidate in _names(one, names)}


def kept_builds(lock: Lock, current: Current, names: Names, local: Local | None) -> frozenset[str]:
    """Return the services and jobs whose image needs no build: it was pushed, or ``local`` has it as it is locked."""
    kept = set()
    for name in current.uses.builds:
        locked = lock.builds.get(name)
        if locked is None:
            continue
        one = _Named(names.built[name], locked.image, locked)
        if locked.digest is not None or (local is not None and _held(one, names, local)):
            kept.add(name)
    return frozenset(kept)


def pins(lock: Lock, current: Current, kept: frozenset[str], names: Names, local: Local | None) -> Pins:
    """Return the names to use for everything that ``lock`` holds; nothing that is ``kept`` is built.

    Without ``local`` every image is named by its digest.
    """
    images: dict[str, str] = {}
    never: set[str] = set()
    for one in _named(lock, current, kept, names):
        held = _held(one, names, local) if local is not None else []
        used = [name for name in held if local is not None and name in local.used]
        if used or held:
            images[one.written] = (used or held)[0]
            if "@" not in images[one.written]:
                never.add(one.written)
        elif one.locked.digest is not None:
            images[one.written] = names.pinned(one.name, one.locked.digest) or one.name
    contexts: dict[str, dict[str, str]] = {}
    for service, build in current.uses.builds.items():
        for name, base in build.bases.items():
            digest = lock.images[base.canonical].digest if base.canonical in lock.images else None
            if service not in kept and digest is not None and base.digest is None:
                contexts.setdefault(service, {})[name] = mapped(base, names.places).pinned(digest).familiar
    return Pins(images, frozenset(never), contexts, kept)


def _named(lock: Lock, current: Current, kept: Iterable[str], names: Names) -> Iterator[_Named]:
    for canonical, image in current.uses.images.items():
        locked = lock.images.get(canonical)
        if locked is not None and image.reference.digest is None:
            yield from (_Named(written, written, locked) for written in image.written)
    for name in kept:
        if name in lock.builds:
            yield _Named(names.built[name], lock.builds[name].image, lock.builds[name])


def _names(one: _Named, names: Names) -> list[str]:
    """Return the references under which an engine may have an image, the one to prefer first."""
    locked = one.locked
    pinned = names.pinned(one.name, locked.digest) if locked.digest is not None else None
    ids = [platform.image for platform in locked.platforms.values() if platform.image]
    return list(dict.fromkeys([*names.of(one.name), *([pinned] if pinned else []), *ids]))


def _held(one: _Named, names: Names, local: Local) -> list[str]:
    """Return the names under which ``local`` has the locked image."""
    return [
        name
        for name in _names(one, names)
        if name in local.images and is_locked_image(one.locked, local.images[name], local.platform)
    ]
