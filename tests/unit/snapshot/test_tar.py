from __future__ import annotations

import hashlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envman.snapshot.tar import BrokenArchiveError, Entry, TarReader, checksum


def made(format_: int, *members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format_) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **given: object
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for key, value in given.items():
        setattr(info, key, value)
    return info, data


def read(data: bytes, step: int = 1 << 20) -> list[Entry]:
    found: list[Entry] = []
    reader = TarReader(found.append)
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
    reader.close()
    return found


MEMBERS = (
    member("volume", tarfile.DIRTYPE, mode=0o1750, uid=70, gid=71),
    member("volume/a", data=b"x" * 1000, mode=0o4755, mtime=981173106),
    member("volume/" + "long/" * 30 + "é" * 60, data=b"q"),
    member("volume/big owner", uid=2**31 - 2, gid=5_000_000),
    member("volume/l", tarfile.LNKTYPE, linkname="volume/a"),
    member("volume/s", tarfile.SYMTYPE, linkname="/" + "n" * 150),
    member("volume/d", tarfile.CHRTYPE, devmajor=1, devminor=3),
    member("volume/f", tarfile.FIFOTYPE),
)


@pytest.mark.parametrize("step", [1, 511, 512, 1000, 1 << 20])
@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_every_kind_of_entry_is_read_in_whatever_pieces_it_comes(format_: int, step: int) -> None:
    found = read(made(format_, *MEMBERS), step)
    assert [one.kind for one in found] == ["folder", "file", "file", "file", "link", "symlink", "char", "fifo"]
    assert found[0][1:5] == (".", 0o1750, 70, 71)
    assert found[1] == Entry("file", "a", 0o4755, 0, 0, 981173106, 1000, hashlib.sha256(b"x" * 1000).hexdigest(), "")
    assert found[2].path == "long/" * 30 + "é" * 60
    assert found[3][3:5] == (2**31 - 2, 5_000_000)
    assert (found[4].target, found[5].target, found[6].target) == ("a", "/" + "n" * 150, "1:3")


@pytest.mark.parametrize(("seconds", "expected"), [(12.9, 12), (-1.5, -2), (-3.0, -3)])
def test_times_are_whole_seconds_whichever_side_of_1970(seconds: float, expected: int) -> None:
    assert read(made(tarfile.PAX_FORMAT, member("volume/a", mtime=seconds)))[0].modified == expected


@pytest.mark.parametrize("name", ["etc/passwd", "/volume/a", "volume/../a", "../volume", "volumes/a", ""])
def test_what_leads_out_of_the_volume_is_refused(name: str) -> None:
    with pytest.raises(BrokenArchiveError):
        read(made(tarfile.GNU_FORMAT, member(name)))
    with pytest.raises(BrokenArchiveError):
        read(made(tarfile.GNU_FORMAT, member("volume/l", tarfile.LNKTYPE, linkname=name)))


def test_a_stream_that_ends_too_early_is_refused_wherever_it_ends() -> None:
    data = made(tarfile.PAX_FORMAT, *MEMBERS).rstrip(b"\0")
    for end in range(0, len(data), 97):
        with pytest.raises(BrokenArchiveError):
            read(data[:end])


@given(st.binary(max_size=2000), st.integers(0, 5000))
def test_garbage_raises_nothing_but_its_own_error(garbage: bytes, place: int) -> None:
    data = bytearray(made(tarfile.PAX_FORMAT, *MEMBERS))
    data[place : place + len(garbage)] = garbage
    try:
        read(bytes(data))
    except BrokenArchiveError:
        return
    assert len(data) >= 1024


@given(st.binary(min_size=512, max_size=512))
def test_the_checksum_of_a_header_is_the_sum_of_its_bytes(block: bytes) -> None:
    assert checksum(block) == sum(block[:148]) + 8 * 0x20 + sum(block[156:])


def test_the_largest_checksum_is_no_smaller_one() -> None:
    assert checksum(b"\xff" * 512) == 504 * 0xFF + 8 * 0x20


def test_an_attribute_without_a_value_leaves_what_the_header_says() -> None:
    """POSIX pax(1), "pax Extended Header": a value of no characters takes the record back."""
    info, data = member("volume/a", data=b"x", uid=70, gid=71)
    info.pax_headers = {"uid": "", "gid": ""}
    [entry] = read(made(tarfile.PAX_FORMAT, (info, data)))
    assert (entry.uid, entry.gid) == (70, 71)
