"""Pieces of any size, read as a file."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from envman.snapshot.pieces import PieceFile


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_no_byte_is_lost_or_moved_whatever_is_asked_for(size: int) -> None:
    pieces = [b"ab", b"", b"cdefg", b"h", b""]
    file = io.BufferedReader(PieceFile(iter(pieces)), 4)
    found = b""
    while piece := file.read(size):
        assert len(piece) <= size
        found += piece
    assert found == b"abcdefgh"


def test_what_the_source_raises_reaches_the_reader() -> None:
    def broken() -> Iterator[bytes]:
        yield b"ab"
        raise ConnectionError

    file = PieceFile(broken())
    assert file.read(2) == b"ab"
    with pytest.raises(ConnectionError):
        file.read(1)
