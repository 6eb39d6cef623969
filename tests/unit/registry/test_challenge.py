"""What registries want to be told."""

from __future__ import annotations

import pytest

from envman.registry.challenge import Challenge, preferred, read_challenges, scope


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('Basic realm="x"', [Challenge("basic", {"realm": "x"})]),
        (
            'Bearer realm="https://a/token",service="a b",scope="repository:x/y:pull,push"',
            [Challenge("bearer", {"realm": "https://a/token", "service": "a b", "scope": "repository:x/y:pull,push"})],
        ),
        (r'Basic realm="a \"quoted\" word"', [Challenge("basic", {"realm": 'a "quoted" word'})]),
        (
            "Negotiate, Basic realm=x, Bearer realm=y",
            [Challenge("negotiate"), Challenge("basic", {"realm": "x"}), Challenge("bearer", {"realm": "y"})],
        ),
        ("BASIC", [Challenge("basic")]),
        ("", []),
        ("@@@", []),
    ],
)
def test_challenges_are_read(header: str, found: list[Challenge]) -> None:
    assert read_challenges([header]) == found


def test_a_token_goes_before_a_password_and_one_without_a_place_counts_for_nothing() -> None:
    both = read_challenges(['Basic realm="x"', 'Bearer realm="https://a/t"'])
    assert preferred(both) == both[1]
    assert preferred(read_challenges(["Bearer service=x", "Basic"])) == Challenge("basic")
    assert preferred(read_challenges(["Negotiate"])) is None


def test_a_scope_names_repository_and_actions() -> None:
    assert scope("team/api", "pull", "push") == "repository:team/api:pull,push"
