"""What ``docker save`` sends, laid down blob by blob: layers compressed, each once, nothing else changed.

Since Docker 25 the stream is an OCI layout with the list that ``docker load`` reads. Its order and times are the
engine's; none of them go any further than this.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from envman.bundle.container import PIECE, BrokenBundleError
from envman.bundle.contents import BLOBS
from envman.bundle.layers import is_compressed
from envman.bundle.layout import LARGEST
from envman.snapshot.pieces import PieceFile

# The compressor's own default: a bundle is made once, carried and kept.
_LEVEL: Final = 3
_LIST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Spooled:
    """A blob in a file. ``digest`` and ``size`` are those of the file, ``packed`` says whether this compressed it."""

    path: Path
    digest: str
    size: int
    packed: bool = False


@dataclass(frozen=True, slots=True)
class SavedImage:
    """An image of the stream: the digests of its configuration and of its layers, as the stream calls them."""

    config: str
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """The stream's images by ID, and its blobs by digest."""

    images: dict[str, SavedImage]
    blobs: dict[str, Spooled]


def lay_down(pieces: Iterable[bytes], folder: Path, known: Container[str] = frozenset()) -> Saved:
    """Put the blobs of the stream ``pieces`` into ``folder``, but for the ``known`` ones.

    Raises:
        BrokenBundleError: where it is no such stream, or not a whole one.
        OSError: where the files cannot be written.
    """
    blobs: dict[str, Spooled] = {}
    listed = b""
    stream = io.BufferedReader(PieceFile(iter(pieces)), PIECE)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                if member.name == _LIST:
                    listed = content.read(LARGEST)
                elif member.name.startswith(BLOBS):
                    digest = f"sha256:{member.name.removeprefix(BLOBS)}"
                    if digest not in known and digest not in blobs:
                        blobs[digest] = _spool(content, folder / digest.removeprefix("sha256:"), digest)
    except tarfile.TarError as error:
        raise BrokenBundleError("what the engine sent is no whole archive") from error
    images = _images(listed)
    for image in images.values():
        if not all(one in blobs or one in known for one in (image.config, *image.layers)):
            raise BrokenBundleError("what the engine sent lacks a part of an image")
    return Saved(images, blobs)


def _images(listed: bytes) -> dict[str, SavedImage]:
    try:
        images = [SavedImage(_digest(one["Config"]), tuple(map(_digest, one["Layers"]))) for one in json.loads(listed)]
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenBundleError("what the engine sent has no list of images") from error
    return {image.config: image for image in images}


def _digest(name: str) -> str:
    if not name.startswith(BLOBS):
        raise ValueError(name)
    return f"sha256:{name.removeprefix(BLOBS)}"


def _spool(content: IO[bytes], path: Path, digest: str) -> Spooled:
    import zstandard

    start = content.read(PIECE)
    # A configuration or manifest stays as it is, since its digest is its name; so does what is compressed already.
    plain = start.lstrip()[:1] == b"{" or is_compressed(start)
    compressor: Any = None if plain else zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
    came, written, size = hashlib.sha256(), hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:

        def put(data: bytes) -> None:
            nonlocal size
            written.update(data)
            size += len(data)
            file.write(data)

        for piece in _chain(start, content):
            came.update(piece)
            put(piece if compressor is None else compressor.compress(piece))
        if compressor is not None:
            put(compressor.flush())
    if f"sha256:{came.hexdigest()}" != digest:
        raise BrokenBundleError(f"the engine sent another blob for {digest}")
    return Spooled(path, f"sha256:{written.hexdigest()}", size, packed=compressor is not None)


def _chain(start: bytes, rest: IO[bytes]) -> Iterator[bytes]:
    yield start
    while piece := rest.read(PIECE):
        yield piece
