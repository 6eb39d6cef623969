"""Small bundles made in memory: images of a few bytes, a lock that fits them, a project of two files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from envman.bundle.contents import DOCUMENT, OCI, Contents, Image, LeftOut, blob_name
from envman.bundle.layout import (
    GZIP_LAYER_KIND,
    LAYOUT,
    MANIFEST_KIND,
    Blob,
    digest_of,
    index,
    load_list,
    make_manifest,
    read_manifest,
)
from envman.bundle.writing import Ingredient, ingredient, write_bundle
from envman.lock.lock import Lock, LockedImage, LockedPlatform, Makers
from envman.lock.text import lock_text, sealed

PLATFORM = "linux/amd64"


def layer(text: str) -> bytes:
    """Return a layer with one file that holds ``text``, as it is unpacked."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("said")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class FakeImage:
    """An image with the given layers (as they are unpacked), called ``name``."""

    name: str
    layers: tuple[bytes, ...]
    platform: str = PLATFORM

    def __post_init__(self) -> None:
        operating_system, architecture = self.platform.split("/")
        self.config = json.dumps(
            {
                "os": operating_system,
                "architecture": architecture,
                "rootfs": {"type": "layers", "diff_ids": [digest_of(one) for one in self.layers]},
            }
        ).encode()
        self.packed = tuple(gzip.compress(one, mtime=0) for one in self.layers)
        self.manifest = make_manifest(
            Blob(digest_of(self.config), len(self.config)),
            [Blob(digest_of(one), len(one), GZIP_LAYER_KIND) for one in self.packed],
        )

    @property
    def image(self) -> Image:
        return Image(
            f"docker.io/library/{self.name}", (self.name,), digest_of(self.manifest), len(self.manifest),
            MANIFEST_KIND, digest_of(self.config), "registry",
        )  # fmt: skip

    @property
    def locked(self) -> LockedImage:
        image = self.image
        platform = LockedPlatform(manifest=image.manifest, image=image.id)
        return LockedImage(digest=image.manifest, platforms={self.platform: platform}, used_by=["services.api"])

    def files(self) -> Iterable[Ingredient]:
        for text in (self.config, self.manifest):
            yield ingredient(blob_name(digest_of(text)), text)
        for packed, unpacked in zip(self.packed, self.layers, strict=True):
            yield replace(ingredient(blob_name(digest_of(packed)), packed), layer=digest_of(unpacked))


@dataclass
class FakeBundle:
    """A bundle to be. What a test changes before ``bytes`` is asked for is sealed like everything else."""

    images: list[FakeImage] = field(
        default_factory=lambda: [
            FakeImage("api:1", (layer("shared"), layer("api"))),
            FakeImage("db:17", (layer("shared"), layer("db"))),
        ]
    )
    extra: dict[str, bytes] = field(default_factory=dict)
    snapshots: tuple[str, ...] = ()
    lock: Lock | None = None

    def bytes(self) -> bytes:
        buffer = io.BytesIO()
        lock = self.lock or lock_of(self.images)
        outline = Contents(
            project="churn",
            environment="prod",
            platform=PLATFORM,
            envman="1.0",
            images=tuple(one.image for one in self.images),
            parts=(),
            snapshots=self.snapshots,
            left_out=(LeftOut(".env", "it is a secret"),),
        )
        built = [(one.image, read_manifest(one.manifest)) for one in self.images]
        texts = (index(outline.images, PLATFORM), load_list(built), LAYOUT)
        files = {one.name: one for image in self.images for one in image.files()}
        plain = {
            "project/envman.yaml": b"name: churn\nlanguage: 1\n",
            "project/blueprints/prod.yaml": b"services: {api: {image: 'api:1'}, db: {image: 'db:17'}}\n",
            outline.lock: lock_text(lock).encode(),
            DOCUMENT: b"name: churn-prod\n",
            **dict(zip(OCI, texts, strict=True)),
            **self.extra,
        }
        files |= {name: ingredient(name, data) for name, data in plain.items()}
        write_bundle(buffer, outline, files.values())
        return buffer.getvalue()

    def write(self, path: Path) -> Path:
        path.write_bytes(self.bytes())
        return path


def lock_of(images: Iterable[FakeImage]) -> Lock:
    """Return a lock of ``images``."""
    return sealed(
        environment="prod",
        document="sha256:" + "0" * 64,
        made_with=Makers(envman="1.0"),
        images={one.image.name: one.locked for one in images},
    )


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
