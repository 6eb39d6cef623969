"""What plain scalars are. tests/attributes/test_scalars.py holds the same table against Compose itself."""

from __future__ import annotations

import math

import pytest
from plain_scalars import NUMBERS, STRINGS, TIMES, WORDS

from envman.source.scalars import HINTS, is_time, resolve_plain, text_of
from envman.source.tree import Value


@pytest.mark.parametrize(("text", "value"), [*NUMBERS.items(), *WORDS.items()])
def test_numbers_and_words(text: str, value: Value) -> None:
    found = resolve_plain(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", STRINGS)
def test_what_looks_like_more_is_a_string(text: str) -> None:
    assert resolve_plain(text) == text
    assert not is_time(text)


def test_not_a_number() -> None:
    for text in (".nan", ".NaN", ".NAN"):
        value = resolve_plain(text)
        assert isinstance(value, float)
        assert math.isnan(value)


@pytest.mark.parametrize("text", TIMES)
def test_times_are_told_from_strings(text: str) -> None:
    assert resolve_plain(text) == text
    assert is_time(text)


def test_whatever_is_no_string_starts_with_a_hint() -> None:
    assert {text[:1] for text in (*NUMBERS, *WORDS) if text} <= HINTS


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (8, "8"),
        (1.0, "1"),
        (0.1, "0.1"),
        (-2.0, "-2"),
        (1e20, "1e+20"),
        (math.inf, "inf"),
        ("a", "a"),
    ],
)
def test_text_of_a_value_is_what_compose_writes(value: Value, text: str) -> None:
    assert text_of(value) == text
