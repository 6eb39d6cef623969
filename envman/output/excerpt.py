"""A line of a source file with a span of it underlined, as a terminal shows it."""

from __future__ import annotations

from typing import Final, NamedTuple

from envman.diagnostics import Span
from envman.diagnostics.visible import visible
from envman.output.width import columns, width_of

_TAB: Final = 4
_CUT: Final = "..."
# How much of a long line stands before the span.
_BEFORE: Final = 40


class Excerpt(NamedTuple):
    """The line as shown, how far its underlined part is from the left, and how wide that part is."""

    text: str
    indent: int
    width: int


def excerpt(span: Span, width: int) -> Excerpt | None:
    """Return the first line of ``span``, cut to ``width`` columns, or None where there is nothing to show.

    Tabs are shown as spaces, what would drive a terminal as escapes; wide characters count as two columns. A span
    that ends on a later line is underlined to the end of its first.
    """
    line = span.source.line(span.line).rstrip()
    if not line or span.source.confidential:
        return None
    first = min(span.column - 1, len(line))
    last = span.end_column - 1 if span.end_line == span.line else len(line)
    last = max(first, min(last, len(line)))
    # What is far from the span is never looked at: a line may have a million characters.
    room = max(width, 2 * _BEFORE)
    start = max(0, first - _BEFORE) if len(line) > room else 0
    before, marked, behind = line[start:first], line[first:last], line[last : last + room]
    head = _CUT if start else ""
    before, marked = head + _shown(before), _shown(marked[:room])
    indent = columns(before)
    if indent + columns(marked) > room:
        marked = _clip(marked, room - indent - len(_CUT)) + _CUT
        return Excerpt(before + marked, indent, columns(marked))
    text = before + marked + _shown(behind)
    if columns(text) > room or last + room < len(line):
        text = _clip(text, room - len(_CUT)) + _CUT
    return Excerpt(text, indent, max(1, columns(marked)))


def _shown(text: str) -> str:
    return visible(text.replace("\t", " " * _TAB))


def _clip(text: str, most: int) -> str:
    if text.isascii():
        return text[:most]
    used = 0
    for position, character in enumerate(text):
        used += width_of(character)
        if used > most:
            return text[:position]
    return text
