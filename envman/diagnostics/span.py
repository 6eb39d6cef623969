"""Places in text files."""

from __future__ import annotations

from typing import NamedTuple


class Source:
    """A text that was read, and the name it is shown under.

    ``confidential`` marks files whose lines may hold secret values (``.env``): they are named, never quoted.
    """

    __slots__ = ("_lines", "confidential", "name", "text")

    def __init__(self, name: str, text: str, *, confidential: bool = False) -> None:
        self.name = name
        self.text = text
        self.confidential = confidential
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """Return line ``number`` (from 1) without its line break, or an empty string past the end."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


class Span(NamedTuple):
    """Where a value stands: lines and columns from 1, the end exclusive."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"
