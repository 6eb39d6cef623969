"""Registries that refuse, break off, count, mistake and lie, each in words; tokens; where logins go and where not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from real_registry import MANIFEST, tiny_image
from stand_in_registry import Say, StandInRegistry

from envman.diagnostics import Diagnostic, EnvmanError
from envman.engine import registry_http
from envman.engine.registry import Registries
from envman.engine.registry_access import Access, Way, is_loopback
from envman.engine.registry_transport import retry_after
from envman.registry.reference import Reference

IMAGE = tiny_image("unit")
FOUND = Say(200, IMAGE.manifest, {"Content-Type": MANIFEST, "Docker-Content-Digest": IMAGE.digest})
MANIFEST_PATH = "/v2/team/api/manifests/1"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRegistry]:
    monkeypatch.setattr(registry_http, "_PAUSES", (0.0, 0.0))
    with StandInRegistry() as one:
        yield one


@pytest.fixture
def reference(registry: StandInRegistry) -> Reference:
    return Reference(registry.address, "team/api", "1")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path), "PATH": str(tmp_path)}


def problem(work: Callable[[], object]) -> Diagnostic:
    with pytest.raises(EnvmanError) as caught:
        work()
    [found] = caught.value.diagnostics
    return found


def log_in(environ: dict[str, str], host: str, **entry: str) -> None:
    whole = entry or {"auth": base64.b64encode(b"ana:geheim").decode()}
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps({"auths": {host: whole}}))


def test_what_passes_is_tried_again(registry: StandInRegistry, reference: Reference, environ: dict[str, str]) -> None:
    registry.say("GET /v2/", Say(503), Say())
    registry.say(f"GET {MANIFEST_PATH}", Say(502), Say(500), FOUND)
    assert Registries.of(None, environ).manifest(reference).digest == IMAGE.digest


def test_what_stays_is_said(registry: StandInRegistry, reference: Reference, environ: dict[str, str]) -> None:
    registry.say(f"GET {MANIFEST_PATH}", Say(503, b'{"errors": [{"message": "in  repair"}]}'))
    found = problem(lambda: Registries.of(None, environ).manifest(reference))
    assert (found.code, found.message) == (
        "EV420",
        f'{registry.address} does not answer: it answers with status 503 ("in repair")',
    )
    assert registry.paths().count(f"GET {MANIFEST_PATH}") == 3


def test_a_registry_that_counts_is_waited_for_a_moment(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    registry.say(f"GET {MANIFEST_PATH}", Say(429, headers={"Retry-After": "0"}), FOUND)
    assert Registries.of(None, environ).manifest(reference).digest == IMAGE.digest


def test_a_registry_that_counts_is_not_waited_for_an_hour(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    registry.say(f"GET {MANIFEST_PATH}", Say(429, headers={"Retry-After": "3600"}))
    found = problem(lambda: Registries.of(None, environ).manifest(reference))
    assert found.code == "EV423"
    assert "it asks to wait 3600 s" in found.message
    assert f"`envman login {registry.address}`" in found.help
    assert registry.paths().count(f"GET {MANIFEST_PATH}") == 1


def test_when_to_come_back_is_seconds_or_a_moment() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert retry_after("12") == 12
    assert retry_after(format_datetime(moment, usegmt=True), lambda: moment.timestamp() - 30) == 30
    assert retry_after(format_datetime(moment, usegmt=True), lambda: moment.timestamp() + 30) == 0
    assert retry_after("soon") is None
    assert retry_after("²") is None
    assert retry_after(None) is None


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (Say(200, b"<html>", {"Content-Type": "text/html"}), "status 200 and text/html"),
        (Say(404, b"no"), "status 404"),
        (Say(401, b"no"), "status 401"),
    ],
)
def test_what_is_no_registry_is_told(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str], greeting: Say, words: str
) -> None:
    registry.say("GET /v2/", greeting)
    found = problem(lambda: Registries.of(None, environ).manifest(reference))
    assert found.code == "EV425"
    assert words in found.message


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (replace(FOUND, body=IMAGE.manifest + b" "), "EV426"),
        (Say(200, b"{}", {"Content-Type": MANIFEST}), "EV425"),
        (Say(200, b"x" * (5 << 20), {"Content-Type": MANIFEST}), "EV425"),
        (replace(FOUND, cut=10), "EV420"),
        (Say(302, headers={"Location": "http://elsewhere.example/x"}), "EV425"),
        (Say(307, headers={"Location": MANIFEST_PATH}), "EV425"),
        (Say(403, b'{"errors": [{"code": "DENIED"}]}'), "EV422"),
        (Say(401), "EV422"),
        (Say(404), "EV421"),
        (Say(418), "EV430"),
    ],
)
def test_what_cannot_be_used_is_not(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str], answer: Say, code: str
) -> None:
    registry.say(f"GET {MANIFEST_PATH}", answer)
    assert problem(lambda: Registries.of(None, environ).manifest(reference)).code == code


def test_a_digest_that_is_asked_for_is_the_one_that_counts(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    asked = replace(reference, digest="sha256:" + "0" * 64)
    registry.say(f"GET /v2/team/api/manifests/{asked.digest}", FOUND)
    assert problem(lambda: Registries.of(None, environ).manifest(asked)).code == "EV426"


def test_a_platform_that_is_not_there_is_told(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    registry.say(f"GET {MANIFEST_PATH}", FOUND)
    registry.say(f"GET /v2/team/api/blobs/{IMAGE.id}", Say(200, IMAGE.blobs[IMAGE.id]))
    registries = Registries.of(None, environ)
    found = registries.resolve(reference)
    assert registries.platform(reference, found, "linux/amd64").image == IMAGE.id
    missing = problem(lambda: registries.platform(reference, found, "linux/arm64"))
    assert missing.code == "EV427"
    assert missing.notes[0].text == "it has linux/amd64"


# Blobs


def test_a_blob_that_breaks_off_is_taken_up_again(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    digest, content = next(iter(IMAGE.blobs.items()))
    path = f"/v2/team/api/blobs/{digest}"
    registry.say(f"GET {path}", Say(200, content, cut=7), Say(206, content[7:]))
    assert b"".join(Registries.of(None, environ).blob(reference, digest)) == content
    assert registry.heard[-1].headers["range"] == "bytes=7-"


def test_a_blob_that_is_something_else_is_refused_at_its_end(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    digest, content = next(iter(IMAGE.blobs.items()))
    registry.say(f"GET /v2/team/api/blobs/{digest}", Say(200, content[:-1] + b"!"))
    found = problem(lambda: b"".join(Registries.of(None, environ).blob(reference, digest)))
    assert found.code == "EV426"


def test_a_store_of_blobs_elsewhere_gets_no_login(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    digest, content = next(iter(IMAGE.blobs.items()))
    log_in(environ, registry.address)
    registry.say("GET /v2/", Say(401, headers={"WWW-Authenticate": 'Basic realm="x"'}))
    with StandInRegistry() as store:
        store.say("GET /blob", Say(200, content))
        registry.say(f"GET /v2/team/api/blobs/{digest}", Say(307, headers={"Location": f"http://{store.address}/blob"}))
        assert b"".join(Registries.of(None, environ).blob(reference, digest)) == content
        assert "authorization" in registry.heard[-1].headers
        assert [("authorization" in one.headers) for one in store.heard] == [False]


# Logins and tokens


def challenged(registry: StandInRegistry, realm: str) -> Say:
    words = f'Bearer realm="{realm}",service="the registry",scope="repository:team/api:pull"'
    return Say(401, headers={"WWW-Authenticate": words})


def test_a_token_is_asked_for_once_and_again_when_it_has_ended(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    refusal = challenged(registry, f"http://{registry.address}/token")
    registry.say("GET /v2/", refusal)
    registry.say("GET /token", Say(200, b'{"token": "first"}'), Say(200, b'{"access_token": "second"}'))
    registry.say(f"GET {MANIFEST_PATH}", FOUND, FOUND, refusal, FOUND)
    log_in(environ, registry.address)
    registries = Registries.of(None, environ)
    for _ in range(3):
        assert registries.manifest(reference).digest == IMAGE.digest
    asked = [one for one in registry.heard if one.path.startswith("/token")]
    assert [one.path for one in asked] == ["/token?service=the+registry&scope=repository%3Ateam%2Fapi%3Apull"] * 2
    assert all(one.headers["authorization"].startswith("Basic ") for one in asked)
    sent = [one.headers["authorization"] for one in registry.heard if one.path == MANIFEST_PATH]
    assert sent == ["Bearer first", "Bearer first", "Bearer first", "Bearer second"]


def test_an_identity_token_is_changed_for_a_token(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    registry.say("GET /v2/", challenged(registry, f"http://{registry.address}/token"))
    registry.say("POST /token", Say(200, b'{"access_token": "short", "expires_in": 300}'))
    registry.say(f"GET {MANIFEST_PATH}", FOUND)
    log_in(environ, registry.address, identitytoken="long")
    Registries.of(None, environ).manifest(reference)
    [asked] = [one for one in registry.heard if one.method == "POST"]
    assert b"refresh_token=long" in asked.body
    assert b"grant_type=refresh_token" in asked.body


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [
        (Say(401), "EV422", 'refuses the login of "ana"'),
        (Say(429, headers={"Retry-After": "60"}), "EV423", "60 s"),
        (Say(503), "EV420", "the token service"),
        (Say(200, b"[]"), "EV425", "gives no token"),
    ],
)
def test_a_token_that_cannot_be_had_is_told(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str], token: Say, code: str, words: str
) -> None:
    registry.say("GET /v2/", challenged(registry, f"http://{registry.address}/token"))
    registry.say("GET /token", token)
    log_in(environ, registry.address)
    found = problem(lambda: Registries.of(None, environ).manifest(reference))
    assert found.code == code
    assert words in found.message
    assert "geheim" not in str(found)


def test_a_login_is_not_sent_in_the_clear(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    registry.say("GET /v2/", challenged(registry, "http://token.example/token"))
    log_in(environ, registry.address)
    found = problem(lambda: Registries.of(None, environ).manifest(reference))
    assert found.code == "EV425"
    assert "in the clear" in found.message


def test_an_expired_token_of_a_cloud_is_named_as_one(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    log_in(environ, registry.address)
    registry.say("GET /v2/", Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    registry.say(f"GET {MANIFEST_PATH}", Say(403, b'{"errors": [{"message": "Your token has expired."}]}'))
    found = problem(lambda: Registries.of(None, environ).manifest(reference))
    assert found.code == "EV422"
    assert f"log in again with `envman login {registry.address}`" in found.help


# Writing


def test_what_a_registry_does_not_take_is_told(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    log_in(environ, registry.address)
    registry.say("GET /v2/", Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    registry.say(f"PUT {MANIFEST_PATH}", Say(405), Say(403), Say(201, headers={"Docker-Content-Digest": "sha256:x"}))
    registries = Registries.of(None, environ)
    codes = [problem(lambda: registries.put_manifest(reference, IMAGE.manifest, MANIFEST)).code for _ in range(3)]
    assert codes == ["EV430", "EV430", "EV426"]


# Ways


def test_only_what_is_this_machines_own_or_called_insecure_needs_no_tls() -> None:
    plain = Access({}, insecure=frozenset({"old.example:5000"}), networks=("10.0.0.0/8",))
    assert plain.sites("registry.example.invalid")[0].ways == (Way("https"),)
    assert Way("http") in plain.sites("old.example:5000")[0].ways
    assert Way("http") in plain.sites("10.1.2.3:5000")[0].ways
    assert Way("https", verify=False) not in plain.sites("localhost:5000")[0].ways
    assert Way("http") in plain.sites("localhost:5000")[0].ways


def test_mirrors_are_asked_before_the_hub_and_for_nothing_else() -> None:
    access = Access({}, mirrors=("http://127.0.0.1:5000/", "https://mirror.example"))
    assert [one.address for one in access.sites("docker.io")] == [
        "127.0.0.1:5000",
        "mirror.example",
        "registry-1.docker.io",
    ]
    assert [one.address for one in access.sites("quay.io")] == ["quay.io"]
    assert access.sites("docker.io")[0].ways == (Way("http"),)


def test_what_a_mirror_lacks_the_hub_is_asked_for_and_both_are_told(environ: dict[str, str]) -> None:
    with StandInRegistry() as mirror:
        access = Access(environ, mirrors=(f"http://{mirror.address}",))
        environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
        found = problem(lambda: Registries(access).manifest(Reference("docker.io", "library/busybox", "9")))
    assert found.code == "EV420"
    assert found.message == "docker.io does not answer: the proxy does not let it through"
    assert [one.text for one in found.notes] == [f"the mirror {mirror.address} has no busybox:9"]


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("registry.example", "http://user:secret@proxy:3128"),
        ("127.0.0.1:5000", None),
        ("localhost", None),
        ("internal.corp:443", None),
        ("a.internal.corp", None),
        ("notinternal.corp", "http://user:secret@proxy:3128"),
        ("exact.example:5000", None),
    ],
)
def test_a_proxy_is_used_as_the_environment_says(address: str, proxy: str | None) -> None:
    access = Access(
        {"https_proxy": "user:secret@proxy:3128", "NO_PROXY": ".internal.corp, internal.corp,exact.example:5000"}
    )
    assert access.proxy("https", address) == proxy


def test_loopback_is_told_by_its_name() -> None:
    assert [is_loopback(one) for one in ("localhost:1", "127.3.4.5", "[::1]:5000", "::1")] == [True] * 4
    assert [is_loopback(one) for one in ("localhost.example", "10.0.0.1:5000", "x")] == [False] * 3


def test_an_address_that_is_none_is_told(environ: dict[str, str]) -> None:
    for host in ("a" * 64 + ".example", "a..b"):
        found = problem(lambda host=host: Registries.of(None, environ).manifest(Reference(host, "x", "1")))  # type: ignore[misc]
        assert found.code in {"EV420", "EV425"}


def test_a_registry_that_is_away_is_asked_once_for_all(environ: dict[str, str]) -> None:
    registries = Registries.of(None, environ)
    began = time.monotonic()
    found = registries.resolve_all([Reference("127.0.0.1:9", f"a{number}", "1") for number in range(20)])
    assert {one.diagnostics[0].code for one in found.values() if isinstance(one, EnvmanError)} == {"EV420"}
    assert len(found) == 20
    assert time.monotonic() - began < 10


# Where logins are


def helper(environ: dict[str, str], body: str) -> None:
    path = Path(environ["PATH"]) / "docker-credential-test"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_a_credential_helper_is_asked(registry: StandInRegistry, reference: Reference, environ: dict[str, str]) -> None:
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(
        json.dumps({"credHelpers": {registry.address: "test"}, "auths": {registry.address: {}}})
    )
    registry.say("GET /v2/", Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    registry.say(f"GET {MANIFEST_PATH}", FOUND)
    helper(environ, 'read server\necho "{\\"Username\\": \\"ana\\", \\"Secret\\": \\"$1 $server\\"}"')
    Registries.of(None, environ).manifest(reference)
    sent = registry.heard[-1].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"ana:get {registry.address}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo 'the password is geheim'; exit 1", "status 1"),
        ("echo geheim", "is not what a helper says"),
        (None, "not installed"),
    ],
)
def test_a_helper_that_fails_is_named_and_not_quoted(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str], body: str | None, words: str
) -> None:
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps({"credsStore": "test"}))
    registry.say("GET /v2/", Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    if body is not None:
        helper(environ, body)
    found = problem(lambda: Registries.of(None, environ).manifest(reference))
    assert found.code == "EV429"
    assert words in found.message
    assert "geheim" not in str(found)


def test_a_helper_without_a_login_leaves_it_to_the_file(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str]
) -> None:
    auth = base64.b64encode(b"ana:geheim").decode()
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(
        json.dumps({"credsStore": "test", "auths": {f"https://{registry.address}/v2/": {"auth": auth}}})
    )
    helper(environ, "echo 'credentials not found in native keychain'; exit 1")
    registry.say("GET /v2/", Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    registry.say(f"GET {MANIFEST_PATH}", FOUND)
    Registries.of(None, environ).manifest(reference)
    assert registry.heard[-1].headers["authorization"] == f"Basic {auth}"


@pytest.mark.parametrize("text", ["{", '{"auths": {"HOST": {"auth": "@@"}}}'])
def test_a_configuration_that_cannot_be_read_is_told(
    registry: StandInRegistry, reference: Reference, environ: dict[str, str], text: str
) -> None:
    (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(text.replace("HOST", registry.address))
    registry.say("GET /v2/", Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    assert problem(lambda: Registries.of(None, environ).manifest(reference)).code == "EV429"
