"""The underlined line of source: the exact span, whatever characters stand before it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envman.diagnostics import Source, Span
from envman.output.excerpt import excerpt


def shown(line: str, first: int, last: int, width: int = 100) -> tuple[str, str]:
    """Return the line as shown, and what is underlined in it (by columns, so ASCII only)."""
    found = excerpt(Span(Source("a.yaml", line), 1, first, 1, last), width)
    assert found is not None
    return found.text, found.text[found.indent : found.indent + found.width]


def test_the_span_is_underlined() -> None:
    assert shown("  image: busybox", 10, 17) == ("  image: busybox", "busybox")


def test_tabs_are_four_spaces() -> None:
    assert shown("a:\tb", 4, 5) == ("a:    b", "b")


def test_escapes_are_shown() -> None:
    assert shown("a: \x1b[31m, b", 11, 12) == ("a: \\x1b[31m, b", "b")
    assert shown("a: \x1bb", 4, 5) == ("a: \\x1bb", "\\x1b")


@pytest.mark.parametrize(("text", "columns"), [("名前", 4), ("é", 1), ("e\u0301", 1), ("\uff45", 2), ("\u200b", 6)])
def test_columns_are_those_of_a_terminal(text: str, columns: int) -> None:
    found = excerpt(Span(Source("a.yaml", f"{text}b"), 1, len(text) + 1, 1, len(text) + 2), 80)
    assert found is not None
    assert (found.indent, found.width) == (columns, 1)


def test_a_long_line_is_cut_around_the_span() -> None:
    line = "x" * 500 + "MARK" + "y" * 500
    text, marked = shown(line, 501, 505)
    assert marked == "MARK"
    assert text.startswith("...x")
    assert text.endswith("y...")
    assert len(text) <= 103


def test_a_long_span_is_cut() -> None:
    text, marked = shown("a: " + "b" * 500, 4, 504)
    assert text.startswith("a: bbb")
    assert marked.endswith("...")
    assert len(text) == 100


def test_a_span_of_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    found = excerpt(Span(Source("a.yaml", "a: |\n  b\n  c\n"), 1, 4, 3, 4), 80)
    assert found is not None
    assert (found.text, found.indent, found.width) == ("a: |", 3, 1)


def test_a_span_past_the_end_is_shown_behind_it() -> None:
    found = excerpt(Span(Source("a.yaml", "a: ["), 1, 5, 1, 6), 80)
    assert found is not None
    assert (found.text, found.indent, found.width) == ("a: [", 4, 1)


def test_nothing_of_a_confidential_file_is_shown() -> None:
    assert excerpt(Span(Source(".env", "TOKEN=abc", confidential=True), 1, 1, 1, 5), 80) is None


@given(st.text(min_size=1, max_size=300), st.integers(1, 320), st.integers(0, 320), st.integers(40, 160))
def test_any_line_is_shown_in_one_line(line: str, first: int, length: int, width: int) -> None:
    found = excerpt(Span(Source("a.yaml", line), 1, first, 1, first + length), width)
    if found is not None:
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in found.text)
        assert len(found.text) <= max(width, 80) + 6
        assert found.width >= 1
