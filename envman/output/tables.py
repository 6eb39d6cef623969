"""Tables for a person."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from envman.diagnostics.visible import visible
from envman.output.width import columns, padded

# A value, or several.
Cell = str | list[str]


def table(headings: Sequence[str], rows: Sequence[Sequence[Cell]], width: int | None = None) -> str:
    """Return rows under headings, columns as wide as they need, two spaces apart.

    A cell may hold a list of values. What is too wide for ``width`` columns (default: the terminal's, if
    standard output is one) loses its empty columns, then has a last column of several values below each row, then
    becomes a block of lines for each row. Nothing is cut, and no value is broken.
    """
    most = width or terminal_width()
    cells = [[_lines(cell) for cell in row] for row in rows]
    text = _aligned(headings, [["  ".join(cell) for cell in row] for row in cells])
    if most is None or _widest(text) <= most:
        return text
    used = [index for index in range(len(headings)) if any(row[index] for row in cells)]
    headings, cells = [headings[index] for index in used], [[row[index] for index in used] for row in cells]
    text = _aligned(headings, [["  ".join(cell) for cell in row] for row in cells])
    if _widest(text) > most and headings and headings[-1].strip() in _BELOW:
        short = _aligned(headings[:-1], [["  ".join(cell) for cell in row[:-1]] for row in cells]).split("\n")
        below = ["".join(f"\n    {value}" for value in row[-1]) for row in cells]
        text = "\n".join([short[0], *(line + more for line, more in zip(short[1:], below, strict=True))])
        if max(map(columns, short)) <= most:
            return text
    return text if _widest(text) <= most else _blocks(headings, cells)


# Columns of values that stand well in lines of their own.
_BELOW: Final = frozenset({"URLS", "PORTS"})


def _lines(cell: Cell) -> list[str]:
    return [visible(value) for value in (cell if isinstance(cell, list) else [cell]) if value]


def _aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(headings), *rows]
    widths = [max(columns(row[index]) for row in cells) for index in range(len(headings))]
    return "\n".join(
        "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def _blocks(headings: Sequence[str], rows: Sequence[Sequence[Sequence[str]]]) -> str:
    names = [heading.strip() for heading in headings]
    width = max(map(columns, names[1:]), default=0)
    blocks = []
    for first, *rest in rows:
        lines = ["  ".join(first)]
        for name, values in zip(names[1:], rest, strict=True):
            lines += [f"    {padded(name if not index else '', width)}  {value}" for index, value in enumerate(values)]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _widest(text: str) -> int:
    return max(map(columns, text.split("\n")))


def terminal_width() -> int | None:
    """Return how many columns the terminal has that results are written to, or None where they go elsewhere."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


def timestamp(seconds: float | None) -> str | None:
    """Return a time in Unix seconds as all results have it (ISO 8601, UTC, whole seconds), or None for None."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def age(seconds: float) -> str:
    """Return a length of time in its largest whole unit: ``3 min``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def size(count: float) -> str:
    """Return a number of bytes as people read it: ``141 MB`` (powers of 1000, as ``docker images`` has it)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:  # what would be rounded to 1000 is one of the next unit
            return f"{count:.0f} {unit}" if unit in {"B", "kB", "MB"} else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
