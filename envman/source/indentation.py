"""Whether a syntax error of libyaml is a line that is indented wrongly. Pure."""

from __future__ import annotations

from typing import Final

from envman.diagnostics import Diagnostic, Source, Span

# What libyaml says at the first character of a line that begins in no column where an entry could begin.
_MISPLACED: Final = frozenset(
    {
        "did not find expected key",
        "did not find expected '-' indicator",
        "did not find expected <document start>",
        "could not find expected ':'",
    }
)
# What it says at a colon, where a line was taken for more of the value above it.
_NESTED: Final = "mapping values are not allowed in this context"


def wrong_indentation(source: Source, span: Span, problem: str) -> Diagnostic | None:
    """Return the error of a line that is indented wrongly, or None where ``problem``, at ``span``, is another one."""
    line = source.line(span.line)
    indent = len(line) - len(line.lstrip(" "))
    above = [text for text in map(source.line, range(1, span.line)) if text.strip(" ") and text.lstrip(" ")[0] != "#"]
    if not above:
        return None
    if problem == _NESTED:
        before = _columns(above[-1])
        # Only a value on the line above would have to be at its end for this line to stand further in.
        if indent <= before[-1] or above[-1].rstrip().endswith((":", "|", ">")):
            return None
        start = Span(source, span.line, indent + 1, span.line, indent + 2)
        return _error(start, _spaces(before[-1:]) + ", as the entry above")
    if problem not in _MISPLACED or span.column - 1 != indent:
        return None
    open_columns: list[int] = []
    for text in above:
        own = _columns(text)
        open_columns = [one for one in open_columns if one < own[0]] + own
    if indent in open_columns:
        return None
    near = [max((one for one in open_columns if one < indent), default=-1),
            min((one for one in open_columns if one > indent), default=-1)]  # fmt: skip
    return _error(span, _spaces([one for one in near if one >= 0]))


def _columns(line: str) -> list[int]:
    """Return where entries begin on ``line``: at its first character, and behind each dash of a list."""
    at = len(line) - len(line.lstrip(" "))
    columns = [at]
    while line.startswith("- ", at):
        at += 1
        while line.startswith(" ", at):
            at += 1
        columns.append(at)
    return columns


def _spaces(counts: list[int]) -> str:
    plural = "" if counts == [1] else "s"
    return f"{' or '.join(map(str, counts))} space{plural}"


def _error(span: Span, expected: str) -> Diagnostic:
    return Diagnostic(
        "EV100",
        "this line is not indented as the lines above it",
        span,
        expected=expected,
        help="entries that belong together begin in one column, and what belongs to an entry begins further in",
    )
