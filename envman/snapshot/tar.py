"""A tar stream, read as it goes by: what is in it, with a checksum of each file. Nothing of it is kept.

``tarfile`` keeps every member and takes several times as long. Source of the format: POSIX pax(1), and the GNU tar
manual, "Basic Tar Format"; Go's archive/tar (the engine) writes the former, busybox the latter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zlib import adler32

# A volume is mounted under this name, so that what was in it has the same names whichever way it is read.
ROOT: Final = "volume"
_UNDER_ROOT: Final = f"{ROOT}/"
_BLOCK: Final = 512
_KINDS: Final = {
    b"0": "file", b"\0": "file", b"7": "file", b"1": "link", b"2": "symlink", b"3": "char", b"4": "block",
    b"5": "folder", b"6": "fifo",
}  # fmt: skip
_DEVICES: Final = frozenset({"char", "block"})
_SPACES: Final = b" " * 8
# Names and extended attributes of one file. What is longer is no archive of ours.
_LONGEST_METADATA: Final = 16 << 20


class BrokenArchiveError(Exception):
    """What was read is no whole tar stream of a volume; the message says where it breaks."""


class Entry(NamedTuple):
    """One name in a volume, relative to its root (which is ``.``).

    ``kind`` is file, folder, symlink, link (a hard link to the ``target`` that came before), fifo, char or block.
    ``modified`` is in whole seconds: not every way of copying carries more. ``target`` of a device is its numbers.
    """

    kind: str
    path: str
    mode: int
    uid: int
    gid: int
    modified: int
    size: int
    sha256: str
    target: str


class TarReader:
    """Reads a stream that is fed to it in pieces, and calls ``found`` with each entry once it is complete."""

    def __init__(self, found: Callable[[Entry], None]) -> None:
        self._found = found
        self._head = bytearray()
        self._left = 0
        self._padding = 0
        self._entry: Entry | None = None
        self._hash: Any = None
        self._metadata: bytearray | None = None
        self._metadata_type = b""
        self._attributes: dict[bytes, bytes] = {}
        self._ended = False

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Read the next piece.

        Raises:
            BrokenArchiveError: where it is no tar stream, or one that leads out of the volume.
        """
        view = memoryview(data)
        position, length = 0, len(view)
        while position < length and not self._ended:
            if self._left:
                piece = view[position : position + self._left]
                position += len(piece)
                self._take(piece)
            elif self._padding:
                skipped = min(self._padding, length - position)
                self._padding -= skipped
                position += skipped
            elif not self._head and length - position >= _BLOCK:
                block = bytes(view[position : position + _BLOCK])
                position += _BLOCK
                self._header(block)
            else:
                piece = view[position : position + _BLOCK - len(self._head)]
                position += len(piece)
                self._head += piece
                if len(self._head) == _BLOCK:
                    block = bytes(self._head)
                    self._head.clear()
                    self._header(block)

    def close(self) -> None:
        """Say that the stream has ended.

        Raises:
            BrokenArchiveError: where its end mark has not been seen.
        """
        if not self._ended:
            raise BrokenArchiveError("it ends too early")

    def _take(self, piece: memoryview) -> None:
        self._left -= len(piece)
        if self._metadata is not None:
            self._metadata += piece
        elif self._hash is not None:
            self._hash.update(piece)
        if not self._left:
            self._complete()

    def _complete(self) -> None:
        if self._metadata is not None:
            self._attribute(self._metadata_type, bytes(self._metadata))
            self._metadata = None
            return
        assert self._entry is not None  # a header began it
        entry, self._entry = self._entry, None
        if self._hash is not None:
            entry, self._hash = Entry(*entry[:-2], self._hash.hexdigest(), entry.target), None
        self._found(entry)

    def _attribute(self, kind: bytes, data: bytes) -> None:
        if kind == b"L":
            self._attributes[b"path"] = data.rstrip(b"\0")
        elif kind == b"K":
            self._attributes[b"linkpath"] = data.rstrip(b"\0")
        elif kind == b"x":
            self._attributes.update(_pax(data))

    def _header(self, block: bytes) -> None:
        if not block.strip(b"\0"):
            self._ended = True
            return
        try:
            size = _number(block[124:136])
            kind = block[156:157]
            if _number(block[148:156]) != checksum(block) or size < 0:
                raise BrokenArchiveError("a header's checksum is wrong")
            if kind in {b"x", b"g", b"L", b"K"}:
                if size > _LONGEST_METADATA:
                    raise BrokenArchiveError("a name or attribute is too long")
                self._metadata, self._metadata_type = bytearray(), kind
                self._expect(size)
                return
            self._entry = self._read(block, kind, size)
        except ValueError as error:
            raise BrokenArchiveError("a header holds no number where one must be") from error
        self._hash = hashlib.sha256() if self._entry.kind == "file" else None
        self._expect(self._entry.size)

    def _expect(self, size: int) -> None:
        self._left = size
        self._padding = -size % _BLOCK
        if not size:
            self._complete()

    def _read(self, block: bytes, type_flag: bytes, size: int) -> Entry:
        given, self._attributes = self._attributes, {}
        if type_flag not in _KINDS or (given and any(name.startswith(b"GNU.sparse") for name in given)):
            raise BrokenArchiveError(f"an entry of type {type_flag!r}, which envman does not write")
        kind = _KINDS[type_flag]
        name = _until_zero(block[0:100])
        if block[257:263] == b"ustar\0" and block[345]:
            name = _until_zero(block[345:500]) + b"/" + name
        path = inside(_decoded(given.get(b"path", name)))
        target = ""
        if kind in {"link", "symlink"}:
            target = _decoded(given.get(b"linkpath", _until_zero(block[157:257])))
            target = inside(target) if kind == "link" else target
        elif kind in _DEVICES:
            target = f"{_number(block[329:337])}:{_number(block[337:345])}"
        mode, uid, gid = _owned(block[100:124])
        modified = given.get(b"mtime")
        return Entry(
            kind,
            path,
            mode,
            int(given.get(b"uid") or uid),
            int(given.get(b"gid") or gid),
            _floor(modified) if modified else _number(block[136:148]),
            int(given.get(b"size") or size) if kind == "file" else 0,
            "",
            target,
        )


def inside(name: str) -> str:
    """Return ``name`` relative to the volume's root.

    Raises:
        BrokenArchiveError: where it lies outside.
    """
    if name.startswith(_UNDER_ROOT) and "/." not in name and "//" not in name and name[-1] != "/":
        return name[len(_UNDER_ROOT) :]
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or not parts or parts[0] != ROOT or ".." in parts:
        raise BrokenArchiveError(f"{name[:200]!r} is not in the volume")
    return "/".join(parts[1:]) or "."


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _until_zero(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


@lru_cache(maxsize=256)
def _owned(fields: bytes) -> tuple[int, int, int]:
    """Return mode, user and group: most files of a volume have these in common."""
    return _number(fields[:8]) & 0o7777, _number(fields[8:16]), _number(fields[16:])


def checksum(block: bytes) -> int:
    """Return the sum of a header's bytes, those of its own checksum taken as spaces.

    Half of Adler-32 is a sum modulo 65521, which 256 bytes do not reach: five times as fast as ``sum``.
    """
    first = adler32(block[156:256], adler32(_SPACES, adler32(block[:148], 0)))
    return (first & 0xFFFF) + (adler32(block[256:], 0) & 0xFFFF)


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        # Base 256, where octal digits do not suffice; 0xff begins a negative one.
        value = int.from_bytes(field[1:], "big")
        return value - (1 << 8 * (len(field) - 1)) if field[0] == 0xFF else value
    text = field.strip(b"\0 ")
    return int(text, 8) if text else 0


def _floor(seconds: bytes) -> int:
    whole, _, fraction = seconds.partition(b".")
    return int(whole) - (1 if whole.startswith(b"-") and fraction.strip(b"0") else 0)


def _pax(data: bytes) -> dict[bytes, bytes]:
    found = {}
    position = 0
    while position < len(data):
        digits, space, _ = data[position : position + 20].partition(b" ")
        length = int(digits) if space else 0
        record = data[position + len(digits) + 1 : position + length - 1]
        name, equals, value = record.partition(b"=")
        if length < len(digits) + 3 or not equals or position + length > len(data):
            raise BrokenArchiveError("an extended header is wrong")
        found[name] = value
        position += length
    return found
