"""Manifests: what a registry says an image is made of. Pure: bytes in, values out.

Source: https://github.com/opencontainers/image-spec (``manifest.md``, ``image-index.md``, ``descriptor.md``) and
https://distribution.github.io/distribution/spec/manifest-v2-2/ for Docker's own media types, which say the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST_TYPES: Final = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEX_TYPES: Final = (OCI_INDEX, DOCKER_INDEX)
# What a registry is asked for; anything else it has would be of no use.
ACCEPTED: Final = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
# The specification has registries take 4 MiB, so nothing larger can be pushed everywhere.
LARGEST: Final = 4 << 20
_MOST_ENTRIES: Final = 1000
_ALGORITHMS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_DIGEST: Final = re.compile(r"(sha256|sha384|sha512):([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob or manifest by digest, media type and size in bytes; ``platform`` where an index gives one."""

    digest: str
    media_type: str
    size: int
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class PlatformManifest:
    """An image for one platform: the digest of its manifest and ``image``, that of its configuration.

    The latter is the image's ID in the classic image store, and "" where nobody has read that manifest yet.
    """

    digest: str
    image: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index as it lies in a registry: ``digest`` is that of ``raw``.

    ``platforms`` are by ``linux/amd64`` or ``linux/arm/v7``; those of attestations are left out.
    """

    reference: str
    media_type: str
    digest: str
    raw: bytes = field(repr=False)
    platforms: Mapping[str, PlatformManifest] = field(default_factory=dict)

    @property
    def is_index(self) -> bool:
        """Whether it leads to manifests rather than to layers."""
        return self.media_type in INDEX_TYPES


class ManifestError(Exception):
    """What is wrong with a manifest, in words for a user."""


def digest_of(content: bytes) -> str:
    """Return the digest that registries give ``content``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def fits(digest: str, content: bytes) -> bool:
    """Return whether ``content`` has ``digest``."""
    match = _DIGEST.fullmatch(digest)
    return match is not None and hashlib.new(match[1], content).hexdigest() == match[2]


def is_digest(text: str) -> bool:
    """Return whether ``text`` is a digest by an algorithm that can be checked."""
    match = _DIGEST.fullmatch(text)
    return match is not None and len(match[2]) == _ALGORITHMS[match[1]]


def read_manifest(reference: str, raw: bytes, media_type: str = "") -> Manifest:
    """Return what ``raw`` says; ``media_type`` is what the registry calls it, if anything.

    Raises:
        ManifestError: for what is no manifest, is of a kind that no engine of today pulls, or says two things.
    """
    data = _loaded(raw)
    # OCI leaves the field to the writer; a registry's header then decides, and at last the shape.
    told = media_type.partition(";")[0].strip()
    said = data.get("mediaType") or (told if told in {*MANIFEST_TYPES, *INDEX_TYPES} else _by_shape(data))
    if said not in {*MANIFEST_TYPES, *INDEX_TYPES}:
        raise ManifestError(f'its kind is "{said or told}", not an image\'s')
    # Both lists at once is the trick of CVE-2021-41190: two readers would see two images.
    if (said in INDEX_TYPES) == ("layers" in data or "config" in data):
        raise ManifestError("it is a manifest and an index at the same time")
    platforms: dict[str, PlatformManifest] = {}
    if said in INDEX_TYPES:
        for one in children(raw):
            if one.platform is not None:
                platforms.setdefault(one.platform, PlatformManifest(one.digest))
    else:
        config_of(raw)
    return Manifest(reference, said, digest_of(raw), raw, platforms)


def children(raw: bytes) -> list[Descriptor]:
    """Return the manifests that the index ``raw`` leads to, all of them, attestations too.

    Raises:
        ManifestError: for an index that is not one.
    """
    return [_descriptor(one) for one in _list(_loaded(raw), "manifests")]


def config_of(raw: bytes) -> Descriptor:
    """Return the configuration that the manifest ``raw`` leads to. Raises ManifestError as ``children``."""
    return _descriptor(_loaded(raw).get("config"))


def blobs_of(raw: bytes) -> list[Descriptor]:
    """Return the blobs that the manifest ``raw`` needs: configuration and layers, each once.

    Raises:
        ManifestError: for a manifest that is not one.
    """
    found = [config_of(raw), *(_descriptor(one) for one in _list(_loaded(raw), "layers"))]
    return list({one.digest: one for one in found}.values())


def platform_of(about: Mapping[str, Any]) -> str | None:
    """Return ``linux/arm/v7`` for a configuration or a descriptor's platform; None where it is no image's.

    ``arm64`` is written without ``v8``, its only variant, as the engine does.
    """
    system, architecture = str(about.get("os") or ""), str(about.get("architecture") or "")
    if not system or not architecture or "unknown" in {system, architecture}:
        return None
    variant = str(about.get("variant") or "")
    if architecture == "arm64" and variant == "v8":
        variant = ""
    return "/".join(filter(None, (system, architecture, variant)))


def _loaded(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise ManifestError("it is not JSON") from None
    if not isinstance(data, dict):
        raise ManifestError("it is not a manifest")
    if data.get("schemaVersion") != 2:
        raise ManifestError(f"it has schema version {data.get('schemaVersion')}; engines of today pull version 2")
    return data


def _by_shape(data: Mapping[str, Any]) -> str:
    return OCI_INDEX if "manifests" in data else OCI_MANIFEST if "layers" in data else ""


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    found = data.get(key) or []
    if not isinstance(found, list) or len(found) > _MOST_ENTRIES:
        raise ManifestError(f'its "{key}" is not a list of at most {_MOST_ENTRIES:,}')
    return found


def _descriptor(data: Any) -> Descriptor:
    digest = data.get("digest") if isinstance(data, dict) else None
    if not isinstance(digest, str) or not is_digest(digest):
        raise ManifestError("it leads to something without a digest")
    size = data.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ManifestError(f"it does not say how large {digest[:19]} is")
    about = data.get("platform")
    platform = platform_of(about) if isinstance(about, dict) else None
    notes = data.get("annotations")
    if isinstance(notes, dict) and notes.get("vnd.docker.reference.type"):
        platform = None
    return Descriptor(digest, str(data.get("mediaType") or ""), size, platform)


def platform_manifest(manifest: Manifest, platform: str) -> PlatformManifest | None:
    """Return what an engine of ``platform`` pulls, or None. A variant that is not named fits the highest there is."""
    wanted = platform.removesuffix("/v8") if platform.startswith("linux/arm64") else platform
    if wanted in manifest.platforms:
        return manifest.platforms[wanted]
    variants = sorted(name for name in manifest.platforms if name.startswith(f"{wanted}/"))
    return manifest.platforms[variants[-1]] if variants else None
