"""Trees for unit tests, written as YAML, and what they say."""

from __future__ import annotations

import textwrap
from typing import Any

from envman.diagnostics import Diagnostic, Report, Source, Span
from envman.source.reader import read_tree
from envman.source.tree import Mapping, plain


def source(text: str, name: str = "a.yaml") -> Source:
    return Source(name, textwrap.dedent(text))


def tree(text: str, name: str = "a.yaml") -> Mapping:
    """Return ``text`` as a Tree; it must have no problem."""
    report = Report()
    found = read_tree(source(text, name), report)
    assert found is not None, told(report)
    return found


def data(text: str) -> Any:
    return plain(tree(text))


def problems(text: str) -> list[Diagnostic]:
    """Return what is wrong with ``text``; something must be."""
    report = Report()
    assert read_tree(source(text), report) is None
    assert report.errors
    return list(report)


def told(report: Report) -> list[str]:
    """Return each diagnostic as ``CODE LINE:COLUMN-LINE:COLUMN message``."""
    return [tell(one) for one in report]


def tell(diagnostic: Diagnostic) -> str:
    place = f" {where(diagnostic.span)}" if diagnostic.span is not None else ""
    return f"{diagnostic.code}{place} {diagnostic.message}"


def where(span: Span) -> str:
    """Return a span as ``LINE:COLUMN-COLUMN``, or with two lines where it has more than one."""
    end = f"{span.end_line}:{span.end_column}" if span.end_line != span.line else str(span.end_column)
    return f"{span.line}:{span.column}-{end}"


def marked(span: Span) -> str:
    """Return the text that a span of one line covers."""
    assert span.line == span.end_line, where(span)
    return span.source.line(span.line)[span.column - 1 : span.end_column - 1]
