"""An image from one repository into another, inside the registries: no engine pulls it, and its digest stays."""

from __future__ import annotations

from dataclasses import dataclass, replace

from envman.engine.registry import Registries
from envman.registry.manifest import Manifest, blobs_of, children
from envman.registry.reference import Reference


@dataclass(slots=True)
class Copied:
    """How many blobs were there already, were mounted by the registry, and were streamed, with their bytes."""

    there: int = 0
    mounted: int = 0
    copied: int = 0
    streamed: int = 0


def copy_image(registries: Registries, source: Reference, manifest: Manifest, target: Reference) -> Copied:
    """Bring ``manifest``, found as ``source``, under the tag of ``target``, and return what that took.

    The tag comes last: whoever asks for it finds all or nothing. What is there already is not sent again, so that
    a copy that was broken off is simply repeated.

    Raises:
        EnvmanError: as ``Registries.mount_or_copy_blob`` and ``put_manifest``.
    """
    done = Copied()
    if source.repository != target.repository:
        if manifest.is_index:
            for child in children(manifest.raw):
                place = replace(target, tag=None, digest=child.digest)
                if registries.has(place):
                    continue
                one = registries.manifest(replace(source, tag=None, digest=child.digest))
                _copy_blobs(registries, source, one, target, done)
                registries.put_manifest(place, one.raw, one.media_type)
        else:
            _copy_blobs(registries, source, manifest, target, done)
    registries.put_manifest(replace(target, digest=None), manifest.raw, manifest.media_type)
    return done


def _copy_blobs(registries: Registries, source: Reference, manifest: Manifest, target: Reference, done: Copied) -> None:
    for blob in blobs_of(manifest.raw):
        how = registries.mount_or_copy_blob(source, target, blob)
        if how == "there":
            done.there += 1
        elif how == "mounted":
            done.mounted += 1
        else:
            done.copied += 1
            done.streamed += blob.size
