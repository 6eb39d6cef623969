"""Diagnostics as people, editors and programs read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from envman.diagnostics import Diagnostic, Note, Severity, Span
from envman.diagnostics.codes import CODES
from envman.output.style import Style

_WIDEST = 160


def human(diagnostics: Iterable[Diagnostic], style: Style) -> str:
    """Return diagnostics with the source line, the span underlined, notes and help; an empty line between them."""
    return "\n\n".join(_one(diagnostic, style) for diagnostic in diagnostics)


def concise(diagnostics: Iterable[Diagnostic]) -> str:
    """Return a line for each diagnostic, as editors parse it: ``file:line:col: error[EV103]: message``."""
    lines = []
    for one in diagnostics:
        place = f"{one.span}: " if one.span is not None else ""
        expected = f" (expected {one.expected})" if one.expected and not one.expected.startswith("did you") else ""
        near = f" ({one.expected})" if one.expected.startswith("did you") else ""
        lines.append(f"{place}{one.severity}[{one.code}]: {one.message}{expected}{near}")
    return "\n".join(lines)


def as_data(one: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as plain data for JSON."""
    return {
        "code": one.code,
        "severity": one.severity.value,
        "title": CODES[one.code].title,
        "message": one.message,
        "place": place_data(one.span),
        "expected": one.expected,
        "notes": [{"text": note.text, "place": place_data(note.span)} for note in one.notes],
        "help": one.help,
        "detail": one.detail,
    }


def place_data(span: Span | None) -> dict[str, Any] | None:
    """Return a place as plain data, or None where there is none."""
    if span is None:
        return None
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _one(one: Diagnostic, style: Style) -> str:
    colour = style.error if one.severity is Severity.ERROR else style.warning
    lines = [f"{colour(f'{one.severity}[{one.code}]')}{style.bold(f': {one.message}')}"]
    width = len(str(one.span.line)) if one.span is not None else 1
    gutter = " " * width
    if one.span is not None:
        lines.append(f"{gutter} {style.dim('-->')} {one.span}")
        lines.extend(_excerpt(one, one.span, gutter, style))
    elif one.expected:
        lines.append(f"{gutter} = {_expected(one)}")
    if one.span is not None and one.span.source.confidential and one.expected:
        lines.append(f"{gutter} = {_expected(one)}")
    lines.extend(f"{gutter} = {style.bold('note')}: {_note(note)}" for note in one.notes)
    if one.help and one.help != one.expected:
        lines.append(f"{gutter} = {style.bold('help')}: {one.help}")
    if one.detail:
        lines.extend(f"{gutter} {style.dim('|')} {line}" for line in one.detail.rstrip().splitlines())
    return "\n".join(lines)


def _expected(one: Diagnostic) -> str:
    return one.expected if one.expected.startswith("did you") else f"expected {one.expected}"


def _excerpt(one: Diagnostic, span: Span, gutter: str, style: Style) -> list[str]:
    line = span.source.line(span.line)
    if span.source.confidential or not line.strip():
        return []
    end = span.end_column if span.end_line == span.line else len(line.rstrip()) + 1
    start = span.column
    if len(line) > _WIDEST:
        cut = max(0, start - 40)
        line, start, end = line[cut : cut + _WIDEST], start - cut, min(end - cut, _WIDEST)
    # A tab keeps its width in the line of carets, whatever the terminal makes of it.
    indent = "".join("\t" if character == "\t" else " " for character in line[: start - 1])
    carets = "^" * max(1, end - start)
    label = f" {_expected(one)}" if one.expected else ""
    colour = style.error if one.severity is Severity.ERROR else style.warning
    bar = style.dim("|")
    return [
        f"{gutter} {bar}",
        f"{span.line} {bar} {line.rstrip()}",
        f"{gutter} {bar} {indent}{colour(carets + label)}",
    ]


def _note(note: Note) -> str:
    return note.text if note.span is None else f"{note.text} {note.span}"
