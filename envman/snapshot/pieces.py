"""What comes in pieces of any size, read as a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class PieceFile(io.RawIOBase):
    """Pieces as a file for reading, from front to back; what the iterator raises, reading raises."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Return true, as ``io.BufferedReader`` asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill as much of ``buffer`` as the piece at hand does; 0 is the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
