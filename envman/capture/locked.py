"""The images of a captured stack as a lock has them."""

from __future__ import annotations

from envman.capture.stack import Captured
from envman.lock.lock import LockedImage, LockedPlatform


def locked_images(captured: Captured) -> dict[str, LockedImage]:
    """Return what ran, by the names that the blueprint has: digests as the engine knows them, else the images' IDs."""
    return {
        name: LockedImage(
            digest=image.digest,
            platforms={image.platform: LockedPlatform(image=image.identity)} if image.platform else {},
            used_by=list(used),
        )
        for name, (image, used) in captured.images.items()
    }
