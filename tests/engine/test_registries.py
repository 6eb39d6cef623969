"""Real registries: with a login, with TLS from a private CA, away, with images deleted and tags moved."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_registry import RealRegistry, tiny_image, tiny_index
from stacks import Checkout

from envman.diagnostics import Diagnostic, EnvmanError
from envman.engine.connection import Engine, connect
from envman.engine.endpoint import resolve_endpoint
from envman.engine.registry import Registries
from envman.engine.registry_access import Access
from envman.engine.registry_copy import copy_image
from envman.registry.manifest import blobs_of
from envman.registry.reference import Reference, parse_reference

PASSWORD = "a pass: wörd"


@pytest.fixture
def plain() -> Iterator[RealRegistry]:
    with RealRegistry() as one:
        yield one


@pytest.fixture
def closed() -> Iterator[RealRegistry]:
    with RealRegistry(login=("ana", PASSWORD)) as one:
        yield one


@pytest.fixture
def private() -> Iterator[RealRegistry]:
    with RealRegistry(tls=True) as one:
        yield one


@pytest.fixture
def engine() -> Engine:
    return connect(resolve_endpoint(os.environ))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "docker")}


def log_in(environ: dict[str, str], registry: RealRegistry) -> None:
    folder = Path(environ["DOCKER_CONFIG"])
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(registry.logged_in()))


def reference(registry: RealRegistry, tag: str = "1") -> Reference:
    found = parse_reference(registry.name("team/api", tag))
    assert found is not None
    return found


def problem(registries: Registries, one: Reference) -> Diagnostic:
    with pytest.raises(EnvmanError) as caught:
        registries.resolve(one)
    return caught.value.diagnostics[0]


def test_an_image_of_several_platforms_is_told_with_the_ids_that_engines_give_it(
    plain: RealRegistry, environ: dict[str, str]
) -> None:
    index = tiny_index("x", "linux/amd64", "linux/arm64", attested=True)
    assert plain.push(index, "team/api", "1") == index.digest
    one = tiny_image("one", labels={"a": "b"})
    plain.push(one, "team/api", "2")
    with Registries.of(None, environ) as registries:
        found = registries.resolve_all([reference(plain), reference(plain, "2"), reference(plain, "3")])
        several, single, missing = found[reference(plain)], found[reference(plain, "2")], found[reference(plain, "3")]
        assert not isinstance(several, EnvmanError)
        assert not isinstance(single, EnvmanError)
        assert {name: (each.digest, each.image) for name, each in several.platforms.items()} == {
            "linux/amd64": (index.images[0].digest, index.images[0].id),
            "linux/arm64": (index.images[1].digest, index.images[1].id),
        }
        assert single.platforms["linux/amd64"].image == one.id
        assert isinstance(missing, EnvmanError)
        assert missing.diagnostics[0].code == "EV421"
        assert registries.config(reference(plain, "2"), one.id)["config"]["Labels"] == {"a": "b"}


def test_a_tag_that_moved_and_an_image_that_was_deleted(plain: RealRegistry, environ: dict[str, str]) -> None:
    old = plain.push(tiny_image("old"), "team/api", "1")
    with Registries.of(None, environ) as registries:
        assert registries.digest(reference(plain)) == old
        new = plain.push(tiny_image("new"), "team/api", "1")
        assert registries.digest(reference(plain)) == new
        assert registries.manifest(reference(plain).pinned(old)).digest == old
        plain.delete("team/api", old)
        assert not registries.has(reference(plain).pinned(old))
        assert problem(registries, reference(plain).pinned(old)).code == "EV421"


def test_a_login_lets_in_and_one_that_has_expired_says_what_to_do(
    closed: RealRegistry, environ: dict[str, str]
) -> None:
    closed.push(tiny_image("x"), "team/api", "1")
    nobody = problem(Registries.of(None, environ), reference(closed))
    assert nobody.code == "EV422"
    assert nobody.help == f"log in with `envman login {closed.address}`"
    log_in(environ, closed)
    with Registries.of(None, environ) as registries:
        registries.resolve(reference(closed))
        closed.set_login("ana", "another")
        expired = problem(registries, reference(closed))
    assert expired.code == "EV422"
    assert "has expired" in expired.message
    assert expired.help == f"log in again with `envman login {closed.address}`"
    assert PASSWORD not in str(expired)


def test_a_private_ca_is_found_as_docker_finds_it(
    private: RealRegistry, environ: dict[str, str], tmp_path: Path
) -> None:
    private.push(tiny_image("x"), "team/api", "1")
    refused = problem(Registries.of(None, environ), reference(private))
    assert refused.code == "EV424"
    assert "not trusted" in refused.message
    assert private.ca is not None
    Registries.of(None, {**environ, "SSL_CERT_FILE": str(private.ca)}).resolve(reference(private))
    folder = tmp_path / "certs.d"
    (folder / private.address).mkdir(parents=True)
    (folder / private.address / "ca.crt").write_bytes(private.ca.read_bytes())
    Registries(Access(environ, certificates=(folder,))).resolve(reference(private))
    (folder / private.address / "ca.crt").write_text("nothing")
    assert problem(Registries(Access(environ, certificates=(folder,))), reference(private)).code == "EV424"


def test_what_the_engine_needs_no_proof_of_needs_none_here(
    private: RealRegistry, environ: dict[str, str], engine: Engine
) -> None:
    private.push(tiny_image("x"), "team/api", "1")
    Registries.of(engine, environ).resolve(reference(private))


def test_the_engines_mirrors_are_asked_first(plain: RealRegistry, environ: dict[str, str]) -> None:
    digest = plain.push(tiny_image("x"), "library/tiny", "1")
    access = Access(environ, mirrors=(f"http://{plain.address}/",))
    assert Registries(access).resolve(Reference("docker.io", "library/tiny", "1")).digest == digest


def test_a_registry_that_went_away(plain: RealRegistry, environ: dict[str, str]) -> None:
    plain.push(tiny_image("x"), "team/api", "1")
    with Registries.of(None, environ) as registries:
        registries.resolve(reference(plain))
        plain.stop()
        assert problem(registries, reference(plain)).code == "EV420"
    assert "nobody listens there" in problem(Registries.of(None, environ), reference(plain)).message


@pytest.mark.parametrize("same", [True, False], ids=["another repository", "another registry"])
def test_an_image_goes_from_registry_to_registry_with_all_its_platforms(
    plain: RealRegistry, closed: RealRegistry, environ: dict[str, str], same: bool
) -> None:
    source = closed if same else plain
    index = tiny_index("x", "linux/amd64", "linux/arm64", attested=True)
    source.push(index, "team/api", "1")
    log_in(environ, closed)
    target = Reference(closed.address, "live/api", "prod")
    with Registries.of(None, environ) as registries:
        manifest = registries.resolve(reference(source))
        done = copy_image(registries, reference(source), manifest, target)
        assert (done.mounted > 0, done.copied > 0) == (same, not same)
        again = copy_image(registries, reference(source), manifest, target)
        assert (again.mounted, again.copied) == (0, 0)
        assert registries.resolve(target).digest == index.digest
        for image in index.images:
            assert all(registries.has_blob(target, blob.digest) for blob in blobs_of(image.manifest))


def test_login_and_logout(
    checkout: Checkout, closed: RealRegistry, plain: RealRegistry, environ: dict[str, str]
) -> None:
    checkout.environ |= {"DOCKER_CONFIG": environ["DOCKER_CONFIG"]}
    config = Path(environ["DOCKER_CONFIG"]) / "config.json"
    assert "EV431" in checkout.run("login", closed.address, status=1).err
    options = (closed.address, "--username", "ana", "--password-stdin")
    wrong = checkout.run("login", *options, stdin="wrong\n", status=1)
    assert "EV422" in wrong.err
    assert "wrong" not in wrong.err.replace("is wrong, or", "")
    assert "EV431" in checkout.run("login", *options, stdin="\n", status=1).err
    assert not config.exists()
    done = checkout.run("login", *options, stdin=f"{PASSWORD}\n")
    assert f"logged in to {closed.address} as ana" in done.out
    assert PASSWORD not in done.out + done.err
    assert closed.address in json.loads(config.read_text())["auths"]
    assert checkout.run("--format", "json", "login", closed.address).json["origin"] == str(config)
    closed.set_login("ana", "another")
    expired = checkout.run("login", closed.address, status=1).err
    assert "EV422" in expired
    assert "has expired" in expired
    checkout.run("logout", closed.address)
    assert not json.loads(config.read_text()).get("auths")
    assert "no login is needed" in checkout.run("login", plain.address).out
    assert "EV425" in checkout.run("login", "team/api", status=1).err
    assert "needs --username" in checkout.run("login", closed.address, "--password-stdin", status=2).err
