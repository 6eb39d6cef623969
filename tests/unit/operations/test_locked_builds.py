"""Which digest an image that was built here has in its registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from envman.operations.locked_builds import digest_in_registry
from envman.plan.observed import LocalImage
from envman.state.pushed import Push, remember_push

NAME = "registry.example.com/team/api:v1"
ID, ONE, TWO = (f"sha256:{letter * 64}" for letter in "abc")


def image(*digests: str) -> LocalImage:
    return LocalImage(NAME, ID, digests, 0, 0.0)


@pytest.mark.parametrize(
    ("digests", "expected"),
    [
        pytest.param([], None, id="built"),
        pytest.param([f"registry.example.com/team/api@{ONE}"], ONE, id="pushed by somebody"),
        pytest.param([f"registry.example.com/other/api@{ONE}"], None, id="pushed to another repository"),
        pytest.param([f"registry.example.com/team/api@{ID}"], None, id="in containerd's image store"),
    ],
)
def test_what_the_engine_says_of_an_image(digests: list[str], expected: str | None, tmp_path: Path) -> None:
    assert digest_in_registry(tmp_path, image(*digests)) == expected


@pytest.mark.parametrize("digest", [TWO, ID], ids=["classic store", "containerd's"])
def test_what_was_pushed_from_here_is_known_better(digest: str, tmp_path: Path) -> None:
    remember_push(tmp_path, Push(NAME, ID, digest, 0.0))
    digests = [f"registry.example.com/team/api@{one}" for one in (ONE, digest)]
    assert digest_in_registry(tmp_path, image(*digests)) == digest


def test_a_push_of_an_image_that_had_the_name_before_says_nothing(tmp_path: Path) -> None:
    remember_push(tmp_path, Push(NAME, TWO, TWO, 0.0))
    assert digest_in_registry(tmp_path, image()) is None
