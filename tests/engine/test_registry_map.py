"""Images from where the registry map says, on an engine that cannot reach the names in the blueprint."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from real_registry import RealRegistry
from stacks import Checkout, docker

pytestmark = pytest.mark.engine

# Nobody listens there, so that only the map makes these names work.
AWAY = "127.0.0.1:9"
BLUEPRINT = f"""
    services:
      db: {{image: "{AWAY}/team/base:1", init: true, command: [sleep, infinity]}}
      app:
        build: {{context: app, args: {{BASE: "{AWAY}/team/base:1"}}}}
        init: true
        command: [sleep, infinity]
        pre_stop: [{{command: ["true"]}}]
"""


@pytest.fixture
def registries() -> Iterator[tuple[RealRegistry, RealRegistry]]:
    with RealRegistry() as one, RealRegistry() as other:
        yield one, other
        one.forget_on_engine()
        other.forget_on_engine()


def write(checkout: Checkout) -> None:
    checkout.write(dev=BLUEPRINT)
    app = checkout.root / "app"
    app.mkdir()
    (app / "Dockerfile").write_text(
        f"ARG BASE\nFROM $BASE AS first\nRUN echo one > /one\nFROM {AWAY}/team/base:1\n"
        f"COPY --from=first /one /one\nCOPY --from={AWAY}/team/other:1 /bin/busybox /other\n"
    )


def images_of(checkout: Checkout) -> list[str]:
    names = checkout.containers("dev")
    return sorted(
        json.loads(docker("inspect", *names, "--format", "{{json .Config.Image}}").replace("\n", ",").join("[]"))
    )


def test_pulls_and_builds_take_images_from_where_the_map_says(
    checkout: Checkout, registries: tuple[RealRegistry, RealRegistry]
) -> None:
    one, other = registries
    write(checkout)
    one.push_from_engine("busybox:1.37", "hub/team/base", "1")
    other.push_from_engine("busybox:1.37", "elsewhere/other", "1")
    failed = checkout.run("up", "dev", status=None)
    assert failed.status != 0
    (checkout.root / "envman.yaml").write_text(
        f"name: {checkout.name}\nlanguage: 1\nregistry:\n  {AWAY}: {other.address}/nothing/there\n"
        f"  {AWAY}/team/other: {other.address}/elsewhere/other\n"
    )
    # What the machine says goes before the project, prefix by prefix.
    config = checkout.root.parent / "config"
    (config / "envman").mkdir(parents=True)
    (config / "envman" / "registry.yaml").write_text(f"registry:\n  {AWAY}: {one.address}/hub\n")
    checkout.environ["XDG_CONFIG_HOME"] = str(config)
    shown = checkout.run("explain", "dev", "services.db.image").out
    assert f'"{AWAY}/team/base:1"' in shown
    assert f'rendered "{one.address}/hub/team/base:1"' in shown
    checkout.run("up", "dev")
    assert images_of(checkout) == [f"{one.address}/hub/team/base:1", f"{checkout.name}-dev-app"]
    assert checkout.sh("dev", "app", "cat /one; cmp /bin/busybox /other && echo same") == "one\nsame"
    assert one.name("hub/team/base", "1") in checkout.run("images", "dev").out
    assert checkout.run("up", "dev").out.count("nothing to do") == 1


def test_a_map_that_changes_replaces_containers_and_the_plan_says_so(
    checkout: Checkout, registries: tuple[RealRegistry, RealRegistry]
) -> None:
    one, other = registries
    checkout.write(dev=f'services: {{db: {{image: "{AWAY}/base:1", init: true, command: [sleep, infinity]}}}}\n')
    for registry in registries:
        registry.push_from_engine("busybox:1.37", "base", "1")
    for registry in registries:
        (checkout.root / "envman.yaml").write_text(
            f"name: {checkout.name}\nlanguage: 1\nregistry: {{'{AWAY}': '{registry.address}'}}\n"
        )
        docker("pull", "--quiet", registry.name("base", "1"))
        shown = checkout.run("plan", "dev").out
        checkout.run("up", "dev")
        assert checkout.run("up", "dev").out.count("nothing to do") == 1
    assert f"its image is to come from {other.name('base', '1')}, and came from {one.name('base', '1')}" in shown


def test_a_lock_is_the_same_on_both_sides_of_a_map(
    checkout: Checkout, registries: tuple[RealRegistry, RealRegistry]
) -> None:
    one, other = registries
    checkout.write(dev=f'services: {{db: {{image: "{one.address}/base:1", init: true, command: [sleep, infinity]}}}}\n')
    (checkout.root / "Dockerfile").write_text("FROM busybox:1.37\n")
    docker("build", "--quiet", "--tag", f"{checkout.name}-own", "--label",
           f"dev.envman.built-for={checkout.name}", str(checkout.root))  # fmt: skip
    digests = {registry.push_from_engine(f"{checkout.name}-own", path, "1")
               for registry, path in ((one, "base"), (other, "hub/base"))}  # fmt: skip
    assert len(digests) == 1
    docker("rmi", f"{checkout.name}-own")
    checkout.run("lock", "dev")
    lock = (checkout.root / "blueprints" / "dev.lock").read_text()
    one.stop()
    (checkout.root / "envman.yaml").write_text(
        f"name: {checkout.name}\nlanguage: 1\nregistry: {{'{one.address}': '{other.address}/hub'}}\n"
    )
    checkout.run("lock", "dev", "--upgrade")
    assert (checkout.root / "blueprints" / "dev.lock").read_text() == lock
    checkout.run("up", "dev", "--frozen")
    assert images_of(checkout) == [f"{other.address}/hub/base:1@{digests.pop()}"]
    assert checkout.run("verify", "dev").status == 0
