"""The images of a captured stack as a lock has them."""

from __future__ import annotations

from envman.capture.image import Image
from envman.capture.stack import Captured
from envman.lock.lock import LockedImage, LockedPlatform


def locked_images(captured: Captured) -> dict[str, LockedImage]:
    """Return what ran, by the names that the blueprint has: digests as the engine knows them, and the images' IDs."""
    return {name: _locked(image, used) for name, (image, used) in captured.images.items()}


def _locked(image: Image, used: tuple[str, ...]) -> LockedImage:
    platforms = {image.platform: LockedPlatform(image=image.identity)} if image.platform else {}
    if image.digest is None:
        return LockedImage(platforms=platforms, used_by=list(used))
    return LockedImage(digest=image.digest, platforms=platforms, used_by=list(used))
