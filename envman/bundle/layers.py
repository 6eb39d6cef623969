"""A layer as it is unpacked: its size and digest, read as it goes by, and never more of it than was said."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from envman.bundle.container import PIECE, BrokenBundleError

_GZIP: Final = b"\x1f\x8b"
_AS_GZIP: Final = 31
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
# Frames to be skipped, with which a layer of zstd:chunked may begin.
_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)


def is_compressed(start: bytes) -> bool:
    """Whether a blob that begins with ``start`` (four bytes suffice) is compressed already."""
    return start.startswith(_GZIP) or _is_zstd(start)


def _is_zstd(start: bytes) -> bool:
    return start.startswith(_ZSTD) or int.from_bytes(start[:4], "little") in _SKIPPABLE


def measure(pieces: Iterable[bytes], limit: int | None = None) -> tuple[int, str]:
    """Return the size and the digest of a layer as it is unpacked; ``pieces`` are read to their end.

    What it is packed with its first bytes say, as they do for an engine.

    Raises:
        BrokenBundleError: where it does not decompress, or comes to more than ``limit`` bytes.
    """
    size, digest = 0, hashlib.sha256()
    for piece in _unpacked(iter(pieces)):
        size += len(piece)
        if limit is not None and size > limit:
            raise BrokenBundleError("a layer is larger than is said of it")
        digest.update(piece)
    return size, f"sha256:{digest.hexdigest()}"


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= len(_ZSTD):
            break
    source = _Source(start, pieces)
    if start.startswith(_GZIP):
        return _inflated(source)
    return _decompressed(source) if _is_zstd(start) else source.pieces()


class _Source:
    """Pieces as a file, for a reader that says how much it wants."""

    def __init__(self, start: bytes, pieces: Iterator[bytes]) -> None:
        self._waiting = memoryview(start)
        self._pieces = pieces

    def pieces(self) -> Iterator[bytes]:
        if self._waiting:
            yield bytes(self._waiting)
        yield from self._pieces

    def read(self, size: int = -1) -> bytes:
        while not self._waiting:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._waiting = memoryview(piece)
        count = len(self._waiting) if size < 0 else size
        found, self._waiting = bytes(self._waiting[:count]), self._waiting[count:]
        return found


def _inflated(source: _Source) -> Iterator[bytes]:
    member = zlib.decompressobj(_AS_GZIP)
    try:
        for piece in source.pieces():
            left = piece
            while left:
                if member.eof:
                    # A layer may be many members, one behind the other (eStargz).
                    member = zlib.decompressobj(_AS_GZIP)
                yield member.decompress(left, PIECE)
                left = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        raise BrokenBundleError("a layer does not decompress") from error


def _decompressed(source: Any) -> Iterator[bytes]:
    import zstandard

    # Fed with a piece it would hand back all that this comes to at once: a megabyte of zeros has 40 bytes.
    reader = zstandard.ZstdDecompressor().stream_reader(source, read_size=PIECE, read_across_frames=True)
    try:
        while piece := reader.read(PIECE):
            yield piece
    except zstandard.ZstdError as error:
        raise BrokenBundleError("a layer does not decompress") from error
    while source.read(PIECE):
        pass
