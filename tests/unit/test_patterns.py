from __future__ import annotations

import pytest

from envman.language.patterns import TooSlowError, is_quick, matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("[a-z]+", "abc", True),
        ("[a-z]+", "abc1", False),
        ("[a-z]+(-[a-z]+)*", "ab-cd", True),
        ("[a-z]+(-[a-z]+)*", "ab-", False),
        ("(?i)ABC", "abc", True),
        (".*é", "né", True),
    ],
)
def test_a_pattern_matches_the_whole(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*b", "a?a?a?aaa", r"(a)\1", ".*.*.*x", "(?P<x>a)(?P=x)"])
def test_what_may_backtrack_without_end_runs_apart(pattern: str) -> None:
    assert not is_quick(pattern)


def test_a_pattern_that_does_not_come_to_an_end_is_given_up() -> None:
    with pytest.raises(TooSlowError):
        matches("(a+)+$", "a" * 60 + "b")
