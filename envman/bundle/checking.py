"""A bundle checked from end to end, before anything in it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from envman.bundle.container import BrokenBundleError, Place, content, read_places
from envman.bundle.contents import (
    BLOBS,
    LARGEST_LIST,
    OCI,
    Contents,
    Image,
    Part,
    blob_name,
    check_places,
    read_contents,
)
from envman.bundle.layers import measure
from envman.bundle.layout import LARGEST, LAYOUT, Built, diff_ids, index, load_list, platform_of_config, read_manifest


class Bundle:
    """An open bundle. It is read through the one descriptor it was opened with, whatever becomes of its name.

    Raises:
        BrokenBundleError: where it is none, or its outline is not as it was written.
        NewerBundleError: where a newer envman wrote it.
        OSError: where it cannot be read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        places = read_places(file)
        self._places: dict[str, Place] = {place.name: place for place in places}
        self.contents: Contents = read_contents(self._whole(places[-1], LARGEST_LIST))
        check_places(self.contents, places)

    def _whole(self, place: Place, limit: int) -> bytes:
        if place.size > limit:
            raise BrokenBundleError(f"{place.name} has {place.size:,} bytes; {limit:,} are the most")
        return b"".join(content(self._file, place))

    def stream(self, name: str) -> Iterator[bytes]:
        """Yield what is in the file called ``name``; raises BrokenBundleError at its end if that is not as written."""
        part = self.contents.part(name)
        digest = hashlib.sha256()
        for piece in content(self._file, self._places[name]):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != part.sha256:
            raise BrokenBundleError(f"{name} is not what was written: its checksum is wrong")

    def read(self, name: str, limit: int = LARGEST) -> bytes:
        """Return what is in the file called ``name``; raises BrokenBundleError also where that is beyond ``limit``."""
        part = self.contents.part(name)
        if part.size > limit:
            raise BrokenBundleError(f"{name} has {part.size:,} bytes; {limit:,} are the most")
        return b"".join(self.stream(name))

    def built(self, image: Image) -> Built:
        """Return what the manifest of ``image`` says."""
        return read_manifest(self.read(blob_name(image.manifest)))

    def images(self) -> list[tuple[Image, Built]]:
        """Return the images with what their manifests say."""
        return [(image, self.built(image)) for image in self.contents.images]

    def check(self) -> None:
        """Read all of it; return only if every byte is what was written, and its images are what they say.

        Raises:
            BrokenBundleError: where that is not so.
        """
        layers = self._check_images()
        blobs = {blob_name(image.manifest) for image in self.contents.images} | set(layers)
        blobs |= {blob_name(image.id) for image in self.contents.images}
        for part in self.contents.parts:
            if part.name.startswith(BLOBS):
                if part.name not in blobs:
                    raise BrokenBundleError(f"{part.name} belongs to no image")
                if part.name != blob_name(part.sha256):
                    raise BrokenBundleError(f"{part.name} is not called by its checksum")
            if part.name in layers:
                self._check_layer(part, layers[part.name])
            else:
                for _ in self.stream(part.name):
                    pass

    def _check_layer(self, part: Part, expected: str) -> None:
        size, digest = measure(self.stream(part.name), part.unpacked if part.unpacked is not None else part.size)
        if digest != expected or size != (part.unpacked if part.unpacked is not None else part.size):
            raise BrokenBundleError(f"{part.name} is not the layer that its image names")

    def _check_images(self) -> dict[str, str]:
        """Check what describes the images; return the digest of each layer as it is unpacked, by its file."""
        images = self.images()
        layers: dict[str, str] = {}
        for image, built in images:
            config = self.read(blob_name(built.config.digest))
            ids = diff_ids(config)
            described = self.contents.part(blob_name(image.manifest)).size == image.size
            if built.config.digest != image.id or len(ids) != len(built.layers) or not described:
                raise BrokenBundleError(f"image {image.name} is not what the list says")
            if platform_of_config(config) != self.contents.platform:
                raise BrokenBundleError(f"image {image.name} is for another platform")
            for layer, unpacked in zip(built.layers, ids, strict=True):
                if layers.setdefault(blob_name(layer.digest), unpacked) != unpacked:
                    raise BrokenBundleError(f"image {image.name} takes a layer for another one")
        expected = dict(
            zip(OCI, (index(self.contents.images, self.contents.platform), load_list(images), LAYOUT), strict=True)
        )
        for name, text in expected.items():
            if self.read(name) != text:
                raise BrokenBundleError(f"{name} does not say what is in it")
        return layers


def open_bundle(path: Path) -> IO[bytes]:
    """Return ``path`` opened for reading. Raises OSError; a FIFO or device is one too."""
    import os
    import stat

    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file")
    return os.fdopen(descriptor, "rb")
