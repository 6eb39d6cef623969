"""Locks on a real engine and a real registry."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from real_registry import RealRegistry, tiny_image
from stacks import Checkout, await_true, docker

SLEEP = "init: true, command: [sleep, infinity]"


@pytest.fixture
def registry() -> Iterator[RealRegistry]:
    with RealRegistry() as made:
        yield made
        made.forget_on_engine()


@pytest.fixture
def images(tmp_path: Path) -> Iterator[list[str]]:
    """Names of images on the engine that are removed afterwards."""
    names: list[str] = []
    yield names
    for name in names:
        docker("rmi", "--force", name, check=False)


@pytest.fixture
def checkout(images: list[str], registry: RealRegistry, checkout: Checkout) -> Checkout:
    """A checkout whose containers are gone before the images are: these would lose their names, and stay."""
    return checkout


def build(tmp_path: Path, content: str, images: list[str]) -> str:
    """Build an image that can run and is no other's, and return its name."""
    name = f"envman-test-{secrets.token_hex(6)}:1"
    folder = tmp_path / name.replace(":", "-")
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM busybox:1.37\nRUN echo {content}-{name} > /content\n")
    docker("build", "--quiet", "--tag", name, str(folder))
    images.append(name)
    return name


def forget(*references: str) -> None:
    """Take names of images from the engine."""
    for one in references:
        docker("rmi", "--force", one, check=False)


def locked(checkout: Checkout, environment: str = "dev") -> dict[str, Any]:
    text = (checkout.root / f"blueprints/{environment}.lock").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def running(checkout: Checkout, service: str) -> tuple[str, str]:
    """Return the image's ID and the container's own of the service's first container."""
    form = "{{.Image}} {{.Id}}"
    image, _, container = docker("inspect", "--format", form, f"{checkout.name}-dev-{service}-1").partition(" ")
    return image, container


def image_id(name: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", name)


def test_a_tag_that_moved_moves_nothing_that_is_locked(
    checkout: Checkout, registry: RealRegistry, images: list[str], tmp_path: Path
) -> None:
    old, new = build(tmp_path, "old", images), build(tmp_path, "new", images)
    digest = registry.push_from_engine(old, "team/app", "1")
    name = registry.name("team/app", "1")
    checkout.write(dev=f'services: {{app: {{image: "{name}", {SLEEP}}}}}\n')
    checkout.run("lock", "dev")
    assert locked(checkout)["images"][name] == {
        "digest": digest,
        "platforms": {"linux/amd64": {"manifest": digest, "image": image_id(old)}},
        "used_by": ["services.app"],
    }
    moved = registry.push_from_engine(new, "team/app", "1")
    docker("pull", "--quiet", name)
    images += [name, f"{registry.address}/team/app@{digest}"]

    checkout.run("up", "dev", "--frozen")

    assert running(checkout, "app")[0] == image_id(old)
    assert "runs as it is locked" in checkout.run("verify", "dev").out
    warned = checkout.run("lock", "dev", "--check", "--registry")
    assert "EV539" in warned.err
    assert moved in warned.err
    shown = checkout.run("lock", "dev", "--upgrade", "--check", status=5)
    assert f"{digest[:19]} -> {moved[:19]}" in shown.out
    assert locked(checkout)["images"][name]["digest"] == digest
    upgraded = checkout.run("--format", "json", "lock", "dev", "--upgrade", "app").json
    assert [(one["old"], one["new"], one["used_by"]) for one in upgraded[0]["moves"]] == [
        (digest, moved, ["services.app"])
    ]
    parted = checkout.run("--format", "json", "verify", "dev", status=5).json
    assert [one["kind"] for one in parted["running"]] == ["image"]
    checkout.run("up", "dev", "--frozen")
    assert running(checkout, "app")[0] == image_id(new)


def test_up_of_the_same_images_recreates_nothing(checkout: Checkout) -> None:
    checkout.write(
        dev=f"""\
        services:
          web: {{image: "busybox:1.37", {SLEEP}}}
          app: {{build: app, {SLEEP}}}
        """
    )
    (checkout.root / "app").mkdir()
    (checkout.root / "app/Dockerfile").write_text("FROM busybox:1.37\nCOPY x /\n")
    (checkout.root / "app/x").write_text("1")
    checkout.run("up", "dev")
    checkout.run("lock", "dev")
    before = {service: running(checkout, service) for service in ("web", "app")}

    assert "nothing to do" in checkout.run("up", "dev", "--frozen").out
    blueprint = checkout.root / "blueprints/dev.yaml"
    blueprint.write_text(
        blueprint.read_text() + "  more: {image: 'busybox:1.37', init: true, command: [sleep, '99']}\n"
    )
    checkout.run("lock", "dev")
    checkout.run("up", "dev", "--frozen")

    # Compose was called, for the new one alone.
    assert {service: running(checkout, service) for service in ("web", "app")} == before
    assert "nothing to do" in checkout.run("up", "dev").out
    status = checkout.run("--format", "json", "status").json
    assert [(one["environment"], one["locked"]) for one in status] == [("dev", "locked")]


def test_an_image_that_is_gone_from_the_registry_starts_nothing(
    checkout: Checkout, registry: RealRegistry, images: list[str], tmp_path: Path
) -> None:
    source = build(tmp_path, "gone", images)
    digest = registry.push_from_engine(source, "team/app", "1")
    name = registry.name("team/app", "1")
    checkout.write(dev=f'services: {{app: {{image: "{name}", {SLEEP}}}, other: {{image: "busybox:1.37", {SLEEP}}}}}\n')
    checkout.run("lock", "dev")
    registry.delete("team/app", digest)
    forget(source, name)

    refused = checkout.run("up", "dev", "--frozen", status=1)

    assert "EV538" in refused.err
    assert checkout.containers("dev") == []
    checked = checkout.run("lock", "dev", "--check", "--registry", status=5)
    assert "EV538" in checked.err
    assert "blueprints/dev.lock:" in checked.err


def test_an_image_that_was_loaded_is_told_by_its_id(
    checkout: Checkout, registry: RealRegistry, images: list[str], tmp_path: Path
) -> None:
    source = build(tmp_path, "loaded", images)
    registry.push_from_engine(source, "team/app", "1")
    name = registry.name("team/app", "1")
    images.append(name)
    checkout.write(dev=f'services: {{app: {{image: "{name}", {SLEEP}}}}}\n')
    checkout.run("lock", "dev")
    identity = image_id(source)
    docker("tag", source, name)
    docker("save", "--output", str(tmp_path / "image.tar"), name)
    forget(source, name)
    docker("load", "--input", str(tmp_path / "image.tar"))
    registry.stop()

    checkout.run("up", "dev", "--frozen")

    assert running(checkout, "app")[0] == identity
    checkout.run("verify", "dev")
    # Without its tag too.
    checkout.run("down", "dev")
    docker("tag", name, f"{source}-other")
    images.append(f"{source}-other")
    forget(name)
    checkout.run("up", "dev", "--frozen")
    assert running(checkout, "app")[0] == identity


def test_an_image_that_was_pushed_is_pulled_and_not_built(
    checkout: Checkout, registry: RealRegistry, images: list[str]
) -> None:
    name = registry.name("team/built", "1")
    images.append(name)
    checkout.write(dev=f'services: {{app: {{build: app, image: "{name}", {SLEEP}}}}}\n')
    (checkout.root / "app").mkdir()
    (checkout.root / "app/Dockerfile").write_text(f"FROM busybox:1.37\nCOPY x /\nRUN echo {checkout.name}\n")
    (checkout.root / "app/x").write_text("1")
    checkout.run("build", "dev")
    checkout.run("lock", "dev")
    assert "digest" not in locked(checkout)["builds"]["app"]
    docker("push", "--quiet", name)
    checkout.run("lock", "dev")
    digest = registry.digest("team/built", "1")
    assert locked(checkout)["builds"]["app"]["digest"] == digest
    identity = image_id(name)
    forget(name)
    (checkout.root / "app/x").write_text("2")
    images.append(f"{registry.address}/team/built@{digest}")

    done = checkout.run("up", "dev", "--frozen")

    assert "building" not in done.err
    assert "the image that was locked is used as it is" in done.err
    assert running(checkout, "app")[0] == identity
    render = checkout.run("render", "dev", "--frozen", "--output", "-").out
    assert f"team/built:1@{digest}" in render
    assert "build:" not in render
    # What is to be built in any case has to be made of what is locked.
    refused = checkout.run("build", "dev", "--frozen", status=1)
    assert "EV535" in refused.err


def test_a_build_under_a_lock_starts_from_what_is_locked(
    checkout: Checkout, registry: RealRegistry, images: list[str], tmp_path: Path
) -> None:
    old, new = build(tmp_path, "old", images), build(tmp_path, "new", images)
    digest = registry.push_from_engine(old, "team/base", "1")
    name = registry.name("team/base", "1")
    checkout.write(dev=f"services: {{app: {{build: app, {SLEEP}}}}}\n")
    (checkout.root / "app").mkdir()
    (checkout.root / "app/Dockerfile").write_text(f"ARG TAG=1\nFROM {registry.address}/team/base:${{TAG}}\n")
    checkout.run("lock", "dev")
    registry.push_from_engine(new, "team/base", "1")
    images += [name, f"{registry.address}/team/base@{digest}"]

    checkout.run("up", "dev", "--frozen")

    assert checkout.sh("dev", "app", "cat /content").startswith("old-")
    (checkout.root / "app/Dockerfile").write_text(f"FROM {registry.address}/team/base:1\nRUN echo $((1+1))\n")
    refused = checkout.run("up", "dev", "--frozen", status=1)
    assert "EV535" in refused.err
    assert checkout.sh("dev", "app", "cat /content").startswith("old-")


def test_what_somebody_changed_by_hand_is_found(checkout: Checkout) -> None:
    checkout.write(dev=f'services: {{app: {{image: "busybox:1.37", mem_limit: 64m, {SLEEP}}}}}\n')
    checkout.run("lock", "dev")
    nothing = checkout.run("verify", "dev", status=5)
    assert nothing.out.splitlines() == [
        "what runs of dev is not what is locked:",
        "  nothing of dev runs",
        "help: `envman up dev --frozen` makes what runs as it is locked",
    ]
    checkout.run("up", "dev", "--frozen")
    checkout.run("verify", "dev")

    docker("update", "--memory", "96m", "--memory-swap", "192m", f"{checkout.name}-dev-app-1")

    found = checkout.run("--format", "json", "verify", "dev", status=5).json
    assert not found["verified"]
    assert found["blueprint"] == []
    assert {one["kind"] for one in found["running"]} == {"drift"}
    assert any("mem_limit" in one["message"] for one in found["running"])
    [remedy] = found["help"]
    command = "envman up dev app --frozen --recreate"
    assert remedy == f"`{command}` undoes what was changed by hand; without `--recreate` it stays"
    checkout.run("up", "dev", "--frozen")
    checkout.run("verify", "dev", status=5)
    checkout.run(*command.split()[1:])
    checkout.run("verify", "dev")


def test_a_switch_under_a_lock_goes_to_what_is_locked(checkout: Checkout) -> None:
    text = f'services: {{app: {{image: "busybox:1.37", {SLEEP}}}}}\n'
    checkout.write(dev=text, prod=text)
    checkout.run("up", "dev")
    assert "EV532" in checkout.run("switch", "prod", "--frozen", status=1).err
    assert checkout.containers("dev", "status=running")
    checkout.run("lock", "prod")
    checkout.run("switch", "prod", "--frozen")
    assert checkout.containers("prod")


def test_a_lock_for_another_platform_starts_nothing(checkout: Checkout, registry: RealRegistry) -> None:
    registry.push(tiny_image("arm", platform="linux/arm64"), "team/app", "1")
    checkout.write(dev=f'services: {{app: {{image: "{registry.name("team/app", "1")}"}}}}\n')
    warned = checkout.run("lock", "dev")
    assert "EV537" in warned.err

    refused = checkout.run("up", "dev", "--frozen", status=1)

    assert "EV540" in refused.err
    assert checkout.containers("dev") == []


def test_a_registry_that_is_away_or_refuses_leaves_no_lock(checkout: Checkout) -> None:
    with RealRegistry(login=("me", "secret")) as registry:
        registry.push(tiny_image("one"), "team/app", "1")
        name = registry.name("team/app", "1")
        checkout.write(dev=f'services: {{app: {{image: "{name}"}}, other: {{image: "{name}"}}}}\n')
        refused = checkout.run("lock", "dev", status=None, DOCKER_CONFIG=str(checkout.root))
        assert refused.status != 0
        assert "EV422" in refused.err
        assert "services.app" in refused.err
        assert "secret" not in refused.err
        with registry.docker_config() as config:
            checkout.run("lock", "dev", DOCKER_CONFIG=str(config))
        assert "secret" not in (checkout.root / "blueprints/dev.lock").read_text()
        (checkout.root / "blueprints/dev.lock").unlink()
    away = checkout.run("lock", "dev", status=None, DOCKER_CONFIG=str(checkout.root))
    assert away.status != 0
    assert "EV420" in away.err
    assert "blueprints/dev.yaml:1:" in away.err
    assert not (checkout.root / "blueprints/dev.lock").exists()


def test_a_lock_needs_no_engine(checkout: Checkout, registry: RealRegistry) -> None:
    registry.push(tiny_image("one"), "team/app", "1")
    checkout.write(dev=f'services: {{app: {{image: "{registry.name("team/app", "1")}"}}}}\n')
    checkout.environ = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    checkout.run("lock", "dev")
    checkout.run("lock", "dev", "--check")
    assert "@sha256:" in checkout.run("render", "dev", "--frozen", "--output", "-").out
    assert "EV401" in checkout.run("verify", "dev", status=3).err


def test_nothing_to_do_under_a_lock_reads_no_blueprint(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=f'services: {{app: {{image: "busybox:1.37", {SLEEP}}}}}\n')
    checkout.run("lock", "dev")
    checkout.run("up", "dev", "--frozen")
    # What has no health check counts as at rest once it has run for two seconds (`engine.picture.settled`).
    app = f"{checkout.name}-dev-app-1"
    await_true(
        lambda: (
            re.match(r"Up ([3-9]|\d\d) seconds", docker("ps", "--format", "{{.Status}}", "--filter", f"name={app}"))
            is not None
        )
    )
    checkout.run("up", "dev", "--frozen")
    program = (
        "import sys\nfrom envman.cli.main import run\nfrom envman.cli.invocation import Invocation\n"
        f"status = run(Invocation(), ['-C', {str(checkout.root)!r}, 'up', 'dev', '--frozen'])\n"
        "sys.stderr.write(repr((status, 'yaml' in sys.modules)))\n"
    )
    done = subprocess.run(
        [*checkout.argv()[:1], "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr == "(0, False)"
    # Not without a look at the lock.
    lock = checkout.root / "blueprints/dev.lock"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0", 1))
    assert "EV531" in checkout.run("up", "dev", "--frozen", status=1).err
    lock.unlink()
    assert "EV532" in checkout.run("up", "dev", "--frozen", status=1).err
    assert json.loads(checkout.run("--format", "json", "up", "dev").out)["exit_status"] == 0


def test_an_image_that_no_registry_has_is_locked_by_its_id(
    checkout: Checkout, registry: RealRegistry, images: list[str], tmp_path: Path
) -> None:
    source = build(tmp_path, "own", images)
    name = registry.name("team/never-pushed", "1")
    docker("tag", source, name)
    images.append(name)
    checkout.write(dev=f'services: {{app: {{image: "{name}", {SLEEP}}}}}\n')

    told = checkout.run("lock", "dev")

    assert "is in no registry" in told.out
    assert locked(checkout)["images"][name]["platforms"] == {"linux/amd64": {"image": image_id(source)}}
    checkout.run("up", "dev", "--frozen")
    checkout.run("verify", "dev")
    # Another image under that name is another image.
    docker("tag", build(tmp_path, "other", images), name)
    checkout.run("up", "dev", "--frozen")
    assert running(checkout, "app")[0] == image_id(source)
    images.insert(0, image_id(source))
    forget(name, source)
    checkout.run("down", "dev")
    forget(source, image_id(images[-1]))
