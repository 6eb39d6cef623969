"""Diagnostics as people, editors and programs read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from envman.diagnostics import Diagnostic, Note, Severity, Span
from envman.diagnostics.codes import CODES
from envman.diagnostics.visible import shortened, visible
from envman.output.excerpt import excerpt
from envman.output.style import Style

# A message quotes what a file says, and that may be anything.
_LONGEST: Final = 600
# From this number on, warnings of one code are shown together: the first places, and how many there are.
_MANY: Final = 3
_FIRST: Final = 3
_C1: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def human(diagnostics: Iterable[Diagnostic], style: Style) -> str:
    """Return diagnostics with the source line, the span underlined, notes and help; an empty line between them.

    Three or more warnings with one code are one paragraph, which stands where the first of them would.
    """
    every = list(diagnostics)
    kinds: dict[str, list[Diagnostic]] = {}
    for one in every:
        if one.severity is Severity.WARNING:
            kinds.setdefault(one.code, []).append(one)
    summaries = {code: _summary(alike, style) for code, alike in kinds.items() if len(alike) >= _MANY}
    paragraphs = []
    for one in every:
        if one.severity is Severity.ERROR or one.code not in summaries:
            paragraphs.append(_one(one, style))
        elif one is kinds[one.code][0]:
            paragraphs.append(summaries[one.code])
    return "\n\n".join(paragraphs)


def concise(diagnostics: Iterable[Diagnostic]) -> str:
    """Return a line for each diagnostic, as editors parse it: ``file:line:col: error[EV103]: message``."""
    lines = []
    for one in diagnostics:
        place = f"{visible(str(one.span))}: " if one.span is not None else ""
        expected = f" (expected {one.expected})" if one.expected and not one.expected.startswith("did you") else ""
        near = f" ({one.expected})" if one.expected.startswith("did you") else ""
        lines.append(f"{place}{one.severity}[{one.code}]: {_text(one.message)}{_text(expected)}{_text(near)}")
    return "\n".join(lines)


def as_data(one: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as plain data for JSON."""
    return {
        "code": one.code,
        "severity": one.severity.value,
        "title": CODES[one.code].title,
        "message": one.message,
        "place": place(one.span),
        "expected": one.expected,
        "notes": [{"text": note.text, "place": place(note.span)} for note in one.notes],
        "help": one.help,
        "detail": one.detail,
    }


def as_json(document: Any) -> str:
    """Return ``document`` as JSON that is valid UTF-8 and drives no terminal."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    return _C1.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def place(span: Span | None) -> dict[str, Any] | None:
    """Return a place as plain data for JSON."""
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
    paint = style.error if one.severity is Severity.ERROR else style.warning
    lines = [f"{paint(f'{one.severity}[{one.code}]')}{style.bold(f': {_text(one.message)}')}"]
    width = len(str(one.span.line)) if one.span is not None else 1
    gutter = " " * width
    excerpted: list[str] = []
    if one.span is not None:
        lines.append(f"{gutter} {style.dim('-->')} {visible(str(one.span))}")
        excerpted = _excerpt(one, one.span, gutter, style)
        lines.extend(excerpted)
    if one.expected and not excerpted:
        lines.append(f"{gutter} = {_expected(one)}")
    lines.extend(f"{gutter} = {style.bold('note')}: {_note(note)}" for note in one.notes)
    if one.help and one.help != one.expected:
        lines.append(f"{gutter} = {style.bold('help')}: {_text(one.help)}")
    if one.detail:
        lines.extend(f"{gutter} {style.dim('|')} {_line(line)}" for line in one.detail.rstrip().splitlines())
    return "\n".join(lines)


def _summary(alike: Sequence[Diagnostic], style: Style) -> str:
    """Return one paragraph for warnings with one code."""
    code = alike[0].code
    title = style.bold(f": {CODES[code].title} ({len(alike)} times)")
    lines = [f"{style.warning(f'{Severity.WARNING}[{code}]')}{title}"]
    for one in alike[:_FIRST]:
        place = f"{visible(str(one.span))}: " if one.span is not None else ""
        lines.append(f"  {style.dim('-->')} {place}{_text(one.message)}")
    if len(alike) > _FIRST:
        lines.append(f"  {style.dim('-->')} and {len(alike) - _FIRST} more: `envman --format concise` lists each")
    advice = {f"{style.bold('help')}: {_text(one.help)}" if one.help else _expected(one) for one in alike}
    if len(advice) == 1 and (shared := advice.pop()):
        lines.append(f"  = {shared}")
    return "\n".join(lines)


def _text(text: str) -> str:
    return visible(shortened(text, _LONGEST))


def _line(text: str) -> str:
    # Another program's words: its tabs stay, its escape sequences do not.
    return "\t".join(map(visible, text.split("\t")))


def _expected(one: Diagnostic) -> str:
    if not one.expected:
        return ""
    return _text(one.expected if one.expected.startswith("did you") else f"expected {one.expected}")


def _excerpt(one: Diagnostic, span: Span, gutter: str, style: Style) -> list[str]:
    shown = excerpt(span, style.width - len(gutter) - len(" | "))
    if shown is None:
        return []
    label = f" {_expected(one)}" if one.expected else ""
    paint = style.error if one.severity is Severity.ERROR else style.warning
    bar = style.dim("|")
    return [
        f"{gutter} {bar}",
        f"{span.line} {bar} {shown.text}",
        f"{gutter} {bar} {' ' * shown.indent}{paint('^' * shown.width + label)}",
    ]


def _note(note: Note) -> str:
    return _text(note.text) if note.span is None else f"{_text(note.text)} {visible(str(note.span))}"
