"""What a lock says of the images that are built here: what they are made of, and which one was pushed or built."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from envman.lock.current import Current
from envman.lock.lock import Lock, LockedBuild, LockedImage, LockedPlatform, plain
from envman.operations.described import digest_of_files
from envman.operations.workspace import Workspace
from envman.plan.observed import LocalImage
from envman.registry.reference import parse_reference
from envman.state.builds import BuildRecord, read_build
from envman.state.pushed import pushed_digest

if TYPE_CHECKING:
    from envman.engine.connection import Engine


def locked_builds(
    workspace: Workspace,
    current: Current,
    old: Lock | None,
    images: Mapping[str, LockedImage],
    engine: Engine | None,
    platform: str | None,
    notices: list[str],
    *,
    upgraded: frozenset[str] | None = None,
) -> dict[str, LockedBuild]:
    """Return the entries of all builds.

    Which image was built or pushed stays as it is locked while all that it is made of is the same, unless the service
    is to be ``upgraded`` or its image has been pushed since. ``notices`` get what the user should know.
    """
    found: dict[str, LockedBuild] = {}
    local: Mapping[str, LocalImage] = {}
    if engine is not None and current.uses.builds:
        from envman.engine.images import find_images

        local = find_images(engine, {current.image_of(name) for name in current.uses.builds})
    for name, build in current.uses.builds.items():
        image, context = current.image_of(name), current.contexts.get(name)
        bases = sorted(reference.canonical for reference in build.bases.values())
        before = old.builds.get(name) if old is not None else None
        entry = LockedBuild(image=image, context=context, bases=bases)
        kept = before if before is not None and old is not None and _same_inputs(before, entry, old, images) else None
        here = local.get(image)
        built = _built(workspace, entry, here, platform, name, notices) if here is not None else None
        if kept is not None and not (upgraded and name in upgraded) and not _newly_pushed(workspace, kept, built, here):
            built = kept if _known(kept) else built
        found[name] = built or kept or entry
    return found


def _known(entry: LockedBuild) -> bool:
    return entry.digest is not None or bool(entry.platforms)


def _same_inputs(before: LockedBuild, now: LockedBuild, old: Lock, images: Mapping[str, LockedImage]) -> bool:
    """Whether an image is made of the same as when it was locked."""
    if (before.image, before.context, before.bases) != (now.image, now.context, now.bases):
        return False
    return all(old.images[name].digest == images[name].digest for name in now.bases if name in old.images)


def _newly_pushed(workspace: Workspace, kept: LockedBuild, built: LockedBuild | None, here: LocalImage | None) -> bool:
    """Whether the image here has been pushed since: the one that is locked, or another that was built here."""
    if built is None or here is None or built.digest is None or built.digest == kept.digest:
        return False
    if any(one.image == here.id for one in kept.platforms.values()):
        return kept.digest is None
    record = read_build(Path(os.fspath(workspace.checkout.state)), here.reference)
    return record is not None and record.image == here.id


def _built(
    workspace: Workspace,
    entry: LockedBuild,
    here: LocalImage,
    platform: str | None,
    name: str,
    notices: list[str],
) -> LockedBuild | None:
    """Return ``entry`` with the image that the engine has, unless that was built from something else."""
    state = Path(os.fspath(workspace.checkout.state))
    record = read_build(state, here.reference)
    if record is not None and record.image == here.id and not _built_from(workspace, record, entry):
        notices.append(
            f"{name}: {here.reference} was built before its files changed; `envman build` makes it anew, and another "
            "`envman lock` locks that"
        )
        return None
    if platform is None:
        return None
    fields = plain(entry) | {
        "digest": digest_in_registry(state, here),
        "platforms": {platform: LockedPlatform(image=here.id)},
    }
    return LockedBuild(**fields)


def _built_from(workspace: Workspace, record: BuildRecord, entry: LockedBuild) -> bool:
    if record.files is None or entry.context is None:
        return True
    root, context = Path(os.fspath(workspace.project.root)), str(record.definition.get("context") or ".")
    return digest_of_files(root, context, record.files) == entry.context


def digest_in_registry(state: Path, image: LocalImage) -> str | None:
    """Return the digest that ``image`` has in the repository that its name leads to, or None if it is known of none.

    What this checkout pushed is on record. What others did (a pipeline, `docker push`, a pull) the engine tells by the
    image's digests; but not by one that is the image's ID: an engine that keeps images in containerd has that for
    each of its images, pushed or not (moby/moby#48747).
    """
    own = pushed_digest(state, image.reference, image.id)
    if own is not None:
        return own
    reference = parse_reference(image.reference)
    for one in image.digests:
        other = parse_reference(one)
        if reference is not None and other is not None and other.repository == reference.repository:
            return other.digest if other.digest != image.id else None
    return None
