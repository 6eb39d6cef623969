"""The file that a bundle is: a tar archive of one shape only, so that each of its bytes can be checked.

Plain files with fixed times, owners and order, as POSIX ustar writes them (sizes beyond 8 GiB in base 256, as GNU and
star do). A header that is not to the byte what envman writes for that name and size is refused: no link, device,
absolute path or extension can come in by it.

Source of the format: POSIX pax(1), "ustar Interchange Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, Final

BLOCK: Final = 512
PIECE: Final = 1 << 20
END: Final = bytes(2 * BLOCK)
# The list of what is in a bundle stands last: sizes and checksums are known by then.
CONTENTS: Final = "bundle.json"
MOST_FILES: Final = 100_000
_LONGEST_NAME: Final = 100
_LONGEST_PREFIX: Final = 155
_OCTAL_LIMIT: Final = 8**11
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]")


class BrokenBundleError(Exception):
    """It is no bundle, or not as it was written; the message says where it breaks."""


class NewerBundleError(Exception):
    """It was written by a newer envman; the message is the number of its format."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file in a bundle: where its content begins, and how long it is."""

    name: str
    size: int
    executable: bool
    offset: int


def fits(name: str) -> bool:
    """Whether a file in a bundle may have ``name``: a plain relative path, not too long."""
    parts = name.split("/")
    if _CONTROL.search(name) or any(part in {"", ".", ".."} for part in parts):
        return False
    try:
        return _split(name.encode()) is not None
    except UnicodeEncodeError:
        return False


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Return ``name`` as prefix and name of a header, or None where it is too long for one."""
    if len(name) <= _LONGEST_NAME:
        return b"", name
    at = name.find(b"/", len(name) - _LONGEST_NAME - 1)
    return (name[:at], name[at + 1 :]) if 0 < at <= _LONGEST_PREFIX else None


def header(name: str, size: int, *, executable: bool = False) -> bytes:
    """Return the one header that a file of ``name`` and ``size`` has in a bundle; raises ValueError for a bad name."""
    split = _split(name.encode()) if fits(name) else None
    if split is None:
        raise ValueError(f"{name!r} is not a name in a bundle")
    prefix, rest = split
    length = b"%011o\0" % size if size < _OCTAL_LIMIT else b"\x80" + size.to_bytes(11, "big")
    fields = (
        rest.ljust(100, b"\0"), b"0000755\0" if executable else b"0000644\0", b"0000000\0", b"0000000\0", length,
        b"00000000000\0", b" " * 8, b"0", bytes(100), b"ustar\0" + b"00", bytes(80),
        prefix.ljust(155, b"\0"), bytes(12),
    )  # fmt: skip
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padding(size: int) -> bytes:
    """Return what follows a content of ``size`` bytes."""
    return bytes(-size % BLOCK)


def _read_header(block: bytes, offset: int) -> Place:
    name, prefix = _until_zero(block[:100]), _until_zero(block[345:500])
    whole = prefix + b"/" + name if prefix else name
    field = block[124:136]
    try:
        size = int.from_bytes(field[1:], "big") if field[0] & 0x80 else int(field[:11], 8)
        place = Place(whole.decode(), size, block[100:108] == b"0000755\0", offset)
        wanted = header(place.name, place.size, executable=place.executable)
    except (ValueError, OverflowError):
        wanted = b""
    if block != wanted:
        raise BrokenBundleError("an entry is none that envman writes")
    return place


def _until_zero(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def read_places(file: IO[bytes]) -> list[Place]:
    """Return the files in the bundle ``file``, in order. Their contents are passed over.

    Raises:
        BrokenBundleError: where it is not whole, or holds anything that envman would not write.
        OSError: where it cannot be read.
    """
    length = file.seek(0, 2)
    found: list[Place] = []
    position = 0
    while True:
        file.seek(position)
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise BrokenBundleError("it ends too early" if position else "it is not a bundle")
        if not any(block):
            break
        place = _read_header(block, position + BLOCK)
        position = place.offset + place.size
        if position > length:
            raise BrokenBundleError("it ends too early")
        file.seek(position)
        pad = padding(place.size)
        if file.read(len(pad)) != pad:
            raise BrokenBundleError("there is something between its files")
        position += len(pad)
        found.append(place)
        if len(found) > MOST_FILES:
            raise BrokenBundleError(f"it has more than {MOST_FILES:,} files")
    file.seek(position)
    if file.read(len(END) + 1) != END:
        more = length > position + len(END)
        raise BrokenBundleError("there is something behind its end" if more else "it ends too early")
    names = [place.name for place in found]
    if not names or names[-1] != CONTENTS:
        raise BrokenBundleError("it has no list of what is in it")
    if any(one >= other for one, other in pairwise(names[:-1])):
        raise BrokenBundleError("its files are not in order")
    return found


def content(file: IO[bytes], place: Place) -> Iterator[bytes]:
    """Yield the content at ``place`` in pieces; raises BrokenBundleError where the file has become shorter."""
    file.seek(place.offset)
    left = place.size
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:
            raise BrokenBundleError("it ends too early")
        left -= len(piece)
        yield piece
