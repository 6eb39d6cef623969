"""Which images go into a bundle, by what the lock says; and whether those in one are the lock's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from envman.bundle.container import BrokenBundleError
from envman.bundle.contents import Contents
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.lock.lock import Lock, LockedPlatform
from envman.registry.reference import Reference, parse_reference

_SHORT: Final = 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image that goes into a bundle: the lock's name of it, what it is to be called, and what it must be."""

    name: str
    tags: tuple[str, ...]
    locked: LockedPlatform
    reference: Reference | None


def tag_of(reference: Reference) -> str:
    """Return the name that an engine gets for ``reference``, which need not have a tag."""
    tag = reference.tag or ("latest" if reference.digest is None else reference.digest.replace(":", "-")[: 7 + _SHORT])
    return f"{reference.familiar_repository}:{tag}"


def tags_by_image(lock: Lock) -> dict[str, tuple[str, ...]]:
    """Return what a bundle's images are called, by the lock's name of them: those that containers run, not builds."""
    found: dict[str, tuple[str, ...]] = {}
    for name, image in lock.images.items():
        reference = parse_reference(name)
        if reference is not None and not all(map(_is_build, image.used_by or ("",))):
            found[name] = (tag_of(reference),)
    for service, build in lock.builds.items():
        reference = parse_reference(build.image)
        if reference is not None:
            found[f"services.{service}"] = (tag_of(reference),)
    return found


def _is_build(used_by: str) -> bool:
    """Whether it is a build that names an image: ``services.api.build``."""
    return used_by.split(".")[2:3] == ["build"]


def wanted_images(lock: Lock, platform: str) -> list[Wanted]:
    """Return the images that ``lock`` names for ``platform``.

    Raises:
        EnvmanError: EV682, for each of those that it has for other platforms only.
    """
    wanted: list[Wanted] = []
    missing: list[EnvmanError] = []
    for name, tags in sorted(tags_by_image(lock).items()):
        build = lock.builds.get(name.removeprefix("services."))
        image = lock.images.get(name)
        platforms = image.platforms if image is not None else build.platforms if build is not None else {}
        locked = platforms.get(platform)
        if locked is None:
            missing.append(
                fail(
                    "EV682",
                    f"the lock of {lock.environment} has no {name} for {platform}",
                    expected=f"one of {', '.join(sorted(platforms)) or 'none'}",
                    help="choose another with `--platform`, or lock again where that platform's image can be had",
                )
            )
            continue
        named = parse_reference(name if image is not None or build is None else build.image)
        wanted.append(Wanted(name, tags, locked, named))
    if missing:
        raise EnvmanError(*(one for error in missing for one in error.diagnostics))
    return wanted


def platforms_of(lock: Lock) -> list[str]:
    """Return the platforms for which ``lock`` has every image that a bundle needs."""
    names = tags_by_image(lock)
    each = [set(image.platforms) for name, image in lock.images.items() if name in names]
    each += [set(build.platforms) for service, build in lock.builds.items() if f"services.{service}" in names]
    return sorted(set.intersection(*each)) if each else []


def check_images(contents: Contents, lock: Lock) -> None:
    """Make sure that the images in a bundle are those of its lock, and called as it calls them.

    Raises:
        BrokenBundleError: where they are not.
    """
    if lock.environment != contents.environment:
        raise BrokenBundleError("its lock is another environment's")
    try:
        wanted = {one.name: one for one in wanted_images(lock, contents.platform)}
    except EnvmanError:
        raise BrokenBundleError("its lock is for another platform") from None
    if sorted(wanted) != [image.name for image in contents.images]:
        raise BrokenBundleError("its images are not the ones of its lock")
    for image in contents.images:
        one = wanted[image.name]
        moved = image.source == "registry" and image.manifest != one.locked.manifest
        if one.locked.image not in {None, image.id} or image.tags != one.tags or moved:
            raise BrokenBundleError(f"image {image.name} is not the one of its lock")
