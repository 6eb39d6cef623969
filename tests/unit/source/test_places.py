"""What paths that a blueprint names lead to."""

from __future__ import annotations

import pytest

from envman.source.places import is_elsewhere


@pytest.mark.parametrize(
    "path",
    [
        "https://git.example.com/team/api.git#main",
        "git@example.com:team/api.git",
        "github.com/team/api",
        "ssh://git@example.com/api",
        "docker-image://busybox:1.37",
        "oci-layout://layout:v1",
        "service:base",
        "target:base",
    ],
)
def test_what_is_elsewhere(path: str) -> None:
    assert is_elsewhere(path)


@pytest.mark.parametrize("path", [".", "./app", "/srv/app", "~/app", "vendor/api.git", "github.com.example", "d:/app"])
def test_what_is_a_folder_here(path: str) -> None:
    assert not is_elsewhere(path)
