"""Images from the build to a registry: what is pushed, under which digest, and what is refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_registry import RealRegistry
from stacks import Checkout, docker

from envman.state.checkout import state_home
from envman.state.pushed import pushed_digest

BLUEPRINT = """
variables:
  image_tag: {{type: string, default: v1}}
services:
  api:
    image: "{registry}/team/{name}"
    tag: "${{image_tag}}"
    build: {{context: app}}
  other:
    image: busybox:1.37
"""


@pytest.fixture
def registry() -> Iterator[RealRegistry]:
    with RealRegistry() as one:
        yield one


@pytest.fixture
def guarded() -> Iterator[RealRegistry]:
    with RealRegistry(login=("ann", "secret-word")) as one:
        yield one


@pytest.fixture
def built(checkout: Checkout, registry: RealRegistry) -> Iterator[Checkout]:
    yield from _built(checkout, registry)


def _built(checkout: Checkout, registry: RealRegistry) -> Iterator[Checkout]:
    app = checkout.root / "app"
    app.mkdir()
    (app / "Dockerfile").write_text("FROM busybox:1.37\nCOPY word /word\n")
    (app / "word").write_text(checkout.name)
    checkout.write(dev=BLUEPRINT.format(registry=registry.address, name=checkout.name))
    checkout.run("build", "dev")
    yield checkout
    listing = ("images", "--quiet", "--no-trunc", f"*/team/{checkout.name}")
    if ids := set(docker(*listing).split()):
        docker("rmi", "--force", *ids)


def state(checkout: Checkout) -> Path:
    (folder,) = state_home(os.environ).glob(f"{checkout.name}-*")
    return folder


def test_a_push_gives_the_registrys_digest_and_remembers_it(built: Checkout, registry: RealRegistry) -> None:
    (pushed,) = built.run("--format", "json", "push", "dev").json["pushed"]
    name = f"{registry.address}/team/{built.name}:v1"
    assert pushed["digest"] == registry.digest(f"team/{built.name}", "v1")
    assert (pushed["services"], pushed["reference"]) == (["api"], name)
    image = docker("image", "inspect", "--format", "{{.Id}}", name)
    assert pushed["image"] == image
    assert pushed_digest(state(built), name, image) == pushed["digest"]
    assert pushed_digest(state(built), name, "sha256:another") is None


def test_a_push_again_finds_the_same(built: Checkout) -> None:
    assert built.run("push", "dev").out == built.run("push", "dev", "api").out


def test_one_more_tag(built: Checkout, registry: RealRegistry) -> None:
    done = built.run("--format", "json", "tag", "dev", "api", "v1.0-final")
    name = f"{registry.address}/team/{built.name}"
    assert done.json == {"image": f"{name}:v1", "tag": f"{name}:v1.0-final"}
    ids = [docker("image", "inspect", "--format", "{{.Id}}", f"{name}:{tag}") for tag in ("v1", "v1.0-final")]
    assert ids[0] == ids[1]
    built.run("push", "dev", "--set", "image_tag=v1.0-final")
    assert registry.tags(f"team/{built.name}") == ["v1.0-final"]


def test_a_whole_name_as_tag(built: Checkout, registry: RealRegistry) -> None:
    name = f"{registry.address}/team/{built.name}:elsewhere"
    assert built.run("--format", "json", "tag", "dev", "api", name).json["tag"] == name
    assert docker("image", "inspect", "--format", "{{.Id}}", name)


@pytest.mark.parametrize("tag", ["a b", "-v1", "v1@sha256:" + "0" * 64, "a" * 129])
def test_what_is_no_tag(built: Checkout, tag: str) -> None:
    done = built.run("--format", "concise", "tag", "dev", "api", "--", tag, status=1)
    assert "EV624" in done.err


def test_an_image_that_was_not_built_is_neither_tagged_nor_pushed(built: Checkout) -> None:
    for command in (["tag", "dev", "api", "v9"], ["push", "dev"]):
        done = built.run("--format", "concise", *command, "--set", "image_tag=unbuilt", status=1)
        assert "EV623" in done.err
    assert "EV607" in built.run("--format", "concise", "tag", "dev", "nobody", "v9", status=1).err


def test_a_name_without_a_registry_is_refused_before_anything_is_sent(built: Checkout, registry: RealRegistry) -> None:
    text = (built.root / "blueprints/dev.yaml").read_text()
    second = f"  web:\n    image: {built.name}-web:v1\n    build: {{context: app}}\n"
    (built.root / "blueprints/dev.yaml").write_text(text + second)
    built.run("build", "dev", "web")
    assert "EV622" in built.run("--format", "concise", "push", "dev", status=1).err
    assert registry.request("GET", f"/v2/team/{built.name}/tags/list").status == 404


def test_a_login_that_is_missing_wrong_or_has_expired(checkout: Checkout, guarded: RealRegistry) -> None:
    for made in _built(checkout, guarded):
        assert "EV620" in made.run("--format", "concise", "push", "dev", status=1).err
        with guarded.docker_config() as config:
            made.run("push", "dev", DOCKER_CONFIG=str(config))
            guarded.set_login("ann", "another-word")
            (made.root / "app/word").write_text("changed")
            made.run("build", "dev")
            done = made.run("push", "dev", status=1, DOCKER_CONFIG=str(config))
        assert "EV620" in done.err
        assert f"envman login {guarded.address}" in done.err
        assert "secret-word" not in done.err + done.out


def test_a_registry_that_is_away(built: Checkout, registry: RealRegistry) -> None:
    registry.stop()
    done = built.run("--format", "concise", "push", "dev", status=3)
    assert "EV621" in done.err
    registry.start()
    built.run("push", "dev")


def test_what_changed_since_the_build_is_said(built: Checkout) -> None:
    (built.root / "app/word").write_text("changed")
    assert "is pushed as it was built: word changed since it was built" in built.run("push", "dev").err


def test_the_tag_that_git_makes(built: Checkout, registry: RealRegistry) -> None:
    for arguments in (
        ["init", "--quiet"],
        ["add", "app"],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "--message", "first"],
        ["tag", "v2.0.0"],
    ):
        subprocess.run(["git", "-C", str(built.root), *arguments], check=True)
    setting = ["--set", "image_tag=git"]
    built.run("build", "dev", *setting)
    (pushed,) = built.run("--format", "json", "push", "dev", *setting).json["pushed"]
    assert pushed["reference"].endswith(":v2.0.0")
    (built.root / "app/word").write_text("changed")
    built.run("build", "dev", *setting)
    assert "no commit has" in built.run("push", "dev", *setting).err
    assert registry.tags(f"team/{built.name}") == ["v2.0.0", "v2.0.0-dirty"]


def uses(checkout: Checkout) -> dict[str, dict[str, object]]:
    return {one["reference"]: one for one in checkout.run("--format", "json", "images").json}


def test_images_say_who_needs_them_and_what_was_pushed(built: Checkout, registry: RealRegistry) -> None:
    name = f"{registry.address}/team/{built.name}"
    built.run("tag", "dev", "api", "old")
    built.run("push", "dev")
    found = uses(built)
    assert (found[f"{name}:v1"]["needed_by"], found[f"{name}:old"]["needed_by"]) == (["dev.api"], [])
    assert found[f"{name}:v1"]["pushed"] == registry.digest(f"team/{built.name}", "v1")
    assert found[f"{name}:old"]["pushed"] is None
    assert found["busybox:1.37"]["needed_by"] == ["dev.other"]
    (row,) = (one for one in built.run("--format", "json", "images", "dev").json if one["service"] == "api")
    assert row["pushed"] == found[f"{name}:v1"]["pushed"]
    assert "nobody: `envman rmi`" in built.run("images").out


def test_rmi_removes_what_nobody_needs_and_nothing_else(built: Checkout, registry: RealRegistry) -> None:
    name = f"{registry.address}/team/{built.name}"
    (built.root / "app/word").write_text("second")
    built.run("build", "dev", "--set", "image_tag=v0")
    (built.root / "app/word").write_text("third")
    built.run("build", "dev", "--set", "image_tag=used")
    container = docker("create", f"{name}:used")
    docker("tag", f"{name}:v1", f"{built.name}-of-a-user:1")
    try:
        shown = built.run("--format", "json", "rmi", "--dry-run").json
        assert [one["names"] for one in shown["removed"]] == [[f"{name}:v0"]]
        assert shown["freed"] > 0
        assert "EV606" in built.run("--format", "concise", "rmi", status=1).err
        assert f"{name}:v0" in uses(built)
        done = built.run("rmi", "--yes")
        assert f"removed: {name}:v0" in done.out
        assert "freed at least" in done.out
        assert f"kept: {name}:used: container" in done.out
        assert docker("images", "--quiet", f"{name}:v0") == ""
        left = docker("images", "--format", "{{.Tag}}", name).split()
        assert sorted(left) == ["used", "v1"]
        assert docker("images", "--quiet", "busybox:1.37")
        assert "nothing to remove" in built.run("rmi", "--yes").out
    finally:
        docker("rm", container)
        docker("rmi", f"{built.name}-of-a-user:1")


def test_rmi_of_a_name(built: Checkout, registry: RealRegistry) -> None:
    name = f"{registry.address}/team/{built.name}"
    built.run("tag", "dev", "api", "one")
    built.run("tag", "dev", "api", "two")
    assert "EV623" in built.run("--format", "concise", "rmi", "--yes", "busybox:1.37", status=1).err
    assert f"kept: {name}:v1: dev.api" in built.run("rmi", "--yes", f"{name}:v1").out
    built.run("rmi", "--yes", f"{name}:one")
    assert sorted(docker("images", "--format", "{{.Tag}}", name).split()) == ["two", "v1"]


def test_a_blueprint_that_cannot_be_read_keeps_everything(built: Checkout) -> None:
    (built.root / "blueprints/prod.yaml").write_text("services: {api: {imagee: x}}\n")
    assert "EV625" in built.run("--format", "concise", "rmi", "--yes", status=1).err
    assert "EV105" in built.run("--format", "concise", "images").err


def test_a_lock_and_a_snapshot_keep_what_they_are_of(built: Checkout, registry: RealRegistry) -> None:
    name = f"{registry.address}/team/{built.name}"
    built.run("push", "dev")
    built.run("lock", "dev")
    (built.root / "app/word").write_text("second")
    built.run("build", "dev")
    docker("tag", docker("images", "--quiet", "--filter", "dangling=true", "--filter",
           f"label=dev.envman.built-for={built.name}").splitlines()[0], f"{name}:locked")  # fmt: skip
    kept = built.run("--format", "json", "rmi", "--dry-run").json["kept"]
    assert {one["name"]: one["why"] for one in kept}[f"{name}:locked"] == ["the lock blueprints/dev.lock"]
