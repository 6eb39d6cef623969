"""What Compose's last words mean: those of engines that were seen, and of releases that are still in use."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from environments import load

from envman.engine.endpoint import Endpoint
from envman.operations.trouble import broke_off, trouble


def code(root: Path, tail: str) -> str | None:
    prepared: Any = SimpleNamespace(
        environment=load(root, dev="services: {api: {image: b}}\n"),
        compose=SimpleNamespace(endpoint=Endpoint("unix:///run/docker.sock", None, "DOCKER_HOST")),
    )
    found = trouble(prepared, tail)
    assert found is None or (found.help and found.detail == tail)
    return None if found is None else found.code


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("failed to register layer: write /usr/lib/x: no space left on device", "EV524"),
        ("dd: error writing '/big': No space left on device", "EV524"),
        ("write /data: disk quota exceeded", "EV524"),
        (
            "failed to create network a: Error response from daemon: all predefined address pools have been fully subnetted",
            "EV521",
        ),
        ("could not find an available, non-overlapping IPv4 address pool among the defaults", "EV521"),
        (
            "failed to create network a: invalid pool request: Pool overlaps with other one on this address space",
            "EV520",
        ),
        ('error during connect: Post "http://%2Frun%2Fdocker.sock/v1.51/containers/x/stop": EOF', "EV408"),
        ("Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?", "EV408"),
        ("rpc error: code = Unavailable desc = error reading from server: EOF", "EV408"),
        ("service api: EOF expected in its log, and more", None),
        ("manifest unknown", None),
        ("", None),
    ],
)
def test_what_compose_says_of_its_engine(tmp_path: Path, tail: str, expected: str | None) -> None:
    assert code(tmp_path, tail) == expected


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("849a64d9746c Retrying in 1 second", True),
        ("received unexpected HTTP status: 503 Service Unavailable", True),
        ("read tcp 127.0.0.1:5000: read: connection reset by peer", True),
        ("dial tcp 127.0.0.1:1: connect: connection refused", False),
        ("manifest unknown", False),
    ],
)
def test_a_pull_that_broke_off_is_told_from_one_that_never_began(tail: str, expected: bool) -> None:
    assert broke_off(tail) is expected
