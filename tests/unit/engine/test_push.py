"""What a registry's words mean to who pushes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from envman.diagnostics import EnvmanError
from envman.engine.connection import Engine
from envman.engine.endpoint import Endpoint
from envman.engine.push import push_image
from envman.registry.reference import parse_reference

REFERENCE = parse_reference("registry.example.com/team/api:v1")
DIGEST = "sha256:" + "1" * 64


class FakeApi:
    def __init__(self, *lines: dict[str, Any]) -> None:
        self.lines = lines
        self.pushed: tuple[str, str | None] = ("", None)

    def push(self, repository: str, *, tag: str | None, stream: bool, decode: bool) -> Iterator[dict[str, Any]]:
        assert stream
        assert decode
        self.pushed = (repository, tag)
        return iter(self.lines)


class FakeClient:
    def __init__(self, *lines: dict[str, Any]) -> None:
        self.api = FakeApi(*lines)


def push(*lines: dict[str, Any]) -> tuple[str, list[str], FakeClient]:
    assert REFERENCE is not None
    client, shown = FakeClient(*lines), list[str]()
    engine = Engine(Endpoint("tcp://127.0.0.1:1", None, "a test"), client)  # type: ignore[arg-type]
    return push_image(engine, REFERENCE, shown.append), shown, client


def test_the_digest_is_what_the_registry_says() -> None:
    digest, shown, client = push(
        {"status": "The push refers to repository [registry.example.com/team/api]"},
        {"status": "Preparing", "id": "0123"},
        {"status": "Pushed", "id": "0123"},
        {"status": "v1: digest: ..."},
        {"aux": {"Tag": "v1", "Digest": DIGEST, "Size": 1}},
    )
    assert digest == DIGEST
    assert shown == ["0123 Pushed"]
    assert client.api.pushed == ("registry.example.com/team/api", "v1")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("unauthorized: authentication required", "EV620"),
        ("no basic auth credentials", "EV620"),
        ("denied: requested access to the resource is denied", "EV620"),
        ("denied: Your authorization token has expired. Reauthenticate and try again.", "EV620"),
        ("unexpected status from HEAD request to https://r/v2/team/api/blobs/sha256:1: 403 Forbidden", "EV620"),
        ('Get "https://r/v2/": dial tcp: lookup r on 127.0.0.53:53: no such host', "EV621"),
        ('Get "https://r/v2/": dial tcp 127.0.0.1:5000: connect: connection refused', "EV621"),
        ('Get "https://r/v2/": http: server gave HTTP response to HTTPS client', "EV621"),
        (
            'Get "https://r/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
            "EV621",
        ),
        ("received unexpected HTTP status: 503 Service Unavailable", "EV621"),
        ("received unexpected HTTP status: 500 Internal Server Error", "EV626"),
        ("manifest blob unknown: blob unknown to registry", "EV626"),
    ],
)
def test_what_a_registry_says(said: str, code: str) -> None:
    with pytest.raises(EnvmanError) as raised:
        push({"errorDetail": {"message": said}, "error": said})
    (found,) = raised.value.diagnostics
    assert (found.code, found.detail) == (code, said)


def test_an_engine_that_says_nothing() -> None:
    with pytest.raises(EnvmanError, match="EV626"):
        push({"status": "Preparing", "id": "0123"})
