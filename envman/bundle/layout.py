"""The OCI image layout inside a bundle, with the list beside it that ``docker load`` reads.

A bundle is such a layout with more in it, so that any tool that reads one (``docker load``, ``skopeo copy
oci-archive:``) finds the images without envman.

Source: github.com/opencontainers/image-spec, ``image-layout.md`` and ``manifest.md``; the list is that of
moby's ``image/tarexport``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from envman.bundle.container import BrokenBundleError
from envman.bundle.contents import Image, blob_name, canonical
from envman.registry.manifest import platform_of
from envman.registry.reference import parse_reference

LAYOUT: Final = b'{"imageLayoutVersion":"1.0.0"}'
MANIFEST_KIND: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_KIND: Final = "application/vnd.oci.image.config.v1+json"
PLAIN_LAYER_KIND: Final = "application/vnd.oci.image.layer.v1.tar"
GZIP_LAYER_KIND: Final = f"{PLAIN_LAYER_KIND}+gzip"
ZSTD_LAYER_KIND: Final = f"{PLAIN_LAYER_KIND}+zstd"
# What Docker's own manifests call the same.
_DOCKER_KINDS: Final = {
    "application/vnd.docker.image.rootfs.diff.tar": PLAIN_LAYER_KIND,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": GZIP_LAYER_KIND,
    "application/vnd.docker.image.rootfs.diff.tar.zstd": ZSTD_LAYER_KIND,
}
_INDEX_KIND: Final = "application/vnd.oci.image.index.v1+json"
# A manifest and a configuration are small; what is larger is neither.
LARGEST: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob as a manifest names it."""

    digest: str
    size: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """What an image's manifest says: its configuration, and its layers from the lowest up."""

    config: Blob
    layers: tuple[Blob, ...]


def read_manifest(text: bytes) -> Built:
    """Return what the manifest of one image says; raises BrokenBundleError where it is none."""
    try:
        data = json.loads(text)
        return Built(_blob(data["config"]), tuple(map(_blob, data["layers"])))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BrokenBundleError("a manifest is not one") from None


def _blob(data: Any) -> Blob:
    digest, size, kind = data["digest"], data["size"], data.get("mediaType", "")
    if not isinstance(digest, str) or not isinstance(size, int) or not isinstance(kind, str) or size < 0:
        raise TypeError
    return Blob(digest, size, kind)


def diff_ids(config: bytes) -> tuple[str, ...]:
    """Return the digests of an image's layers as they are unpacked; raises BrokenBundleError where there are none."""
    try:
        found = tuple(json.loads(config)["rootfs"]["diff_ids"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BrokenBundleError("a configuration is not one") from None
    if not all(isinstance(one, str) for one in found):
        raise BrokenBundleError("a configuration is not one")
    return found


def platform_of_config(config: bytes) -> str | None:
    """Return the platform that a configuration, which is known to be one, is for: ``linux/amd64``, ``linux/arm/v7``."""
    return platform_of(json.loads(config))


def digest_of(data: bytes) -> str:
    """Return the digest that ``data`` has as a blob."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def make_manifest(config: Blob, layers: Sequence[Blob]) -> bytes:
    """Return the manifest of an image that has none, because it was in no registry."""
    return canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_KIND,
            "config": {"mediaType": _CONFIG_KIND, "digest": config.digest, "size": config.size},
            "layers": [
                {"mediaType": _DOCKER_KINDS.get(one.kind, one.kind), "digest": one.digest, "size": one.size}
                for one in layers
            ],
        }
    )


def index(images: Iterable[Image], platform: str) -> bytes:
    """Return ``index.json``: each image once for each of its names."""
    operating_system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    place = {"os": operating_system, "architecture": architecture} | ({"variant": variant} if variant else {})
    manifests = []
    for image in images:
        for tag in image.tags or ("",):
            described = {"mediaType": image.kind, "digest": image.manifest, "size": image.size, "platform": place}
            reference = parse_reference(tag)
            if reference is not None:
                described["annotations"] = {
                    "io.containerd.image.name": reference.canonical,
                    "org.opencontainers.image.ref.name": reference.tag or "latest",
                }
            manifests.append(described)
    return canonical({"schemaVersion": 2, "mediaType": _INDEX_KIND, "manifests": manifests})


def load_list(images: Iterable[tuple[Image, Built]]) -> bytes:
    """Return ``manifest.json``, which ``docker load`` reads."""
    return canonical(
        [
            {
                "Config": blob_name(built.config.digest),
                "RepoTags": list(image.tags),
                "Layers": [blob_name(layer.digest) for layer in built.layers],
            }
            for image, built in images
        ]
    )
