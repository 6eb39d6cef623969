"""Tables for a person."""

from __future__ import annotations

from collections.abc import Sequence

from envman.diagnostics.visible import visible
from envman.output.width import columns, padded


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under headings, columns as wide as they need, two spaces apart."""
    cells = [list(headings), *[[visible(cell) for cell in row] for row in rows]]
    widths = [max(columns(row[index]) for row in cells) for index in range(len(headings))]
    return "\n".join(
        "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


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
