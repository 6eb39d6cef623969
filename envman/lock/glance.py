"""As much of a lock as a listing of the engine can be held against: cheap to keep, cheap to compare. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from envman.registry.reference import parse_reference

if TYPE_CHECKING:
    from envman.lock.current import Current
    from envman.lock.lock import Lock, LockedBuild, LockedImage
    from envman.plan.observed import ContainerState


class Glance(NamedTuple):
    """Whether lock and blueprint agree, and by service the IDs that the image of a container may have."""

    agrees: bool
    images: Mapping[str, Sequence[str]]

    def holds(self, containers: Iterable[ContainerState]) -> bool:
        """Whether the lock says what the blueprint says, and ``containers`` run what it holds."""
        return self.agrees and all(
            one.image_id in self.images[one.service] for one in containers if one.service in self.images
        )


def glance(lock: Lock, current: Current, *, agrees: bool) -> Glance:
    """Return what ``lock`` says of the images of services, and whether it ``agrees`` with the blueprint."""
    images = {}
    for name in current.environment.stack.services:
        locked = locked_image_of(lock, current, name)
        known = identities(locked) if locked is not None else []
        if known:
            images[name] = known
    return Glance(agrees, images)


def identities(locked: LockedImage | LockedBuild) -> list[str]:
    """Return the IDs that an engine may give the image: of its configuration, or of its manifest."""
    platforms = locked.platforms.values()
    found = {locked.digest, *(one.manifest for one in platforms), *(one.image for one in platforms)}
    return sorted(one for one in found if one)


def locked_image_of(lock: Lock, current: Current, service: str) -> LockedImage | LockedBuild | None:
    """Return what ``lock`` holds for the image of ``service``, or None where it holds nothing."""
    if service in current.uses.builds:
        return lock.builds.get(service)
    definition = current.environment.stack.services.get(service)
    reference = parse_reference(definition.image) if definition is not None and definition.image else None
    return lock.images.get(reference.canonical) if reference is not None else None
