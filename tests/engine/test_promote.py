"""The images that one environment runs become another's, by digest, between real registries."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_registry import RealRegistry
from stacks import Checkout, await_true, docker

pytestmark = pytest.mark.engine


@pytest.fixture
def registry() -> Iterator[RealRegistry]:
    with RealRegistry() as one:
        yield one
        one.forget_on_engine()


@pytest.fixture
def production() -> Iterator[RealRegistry]:
    with RealRegistry() as one:
        yield one
        one.forget_on_engine()


@pytest.fixture
def project(checkout: Checkout, registry: RealRegistry, production: RealRegistry) -> Checkout:
    """A project whose dev stack runs an image that was built here and pushed, and is locked."""
    registry.push_from_engine("busybox:1.37", "hub/base", "1")
    api = f"{registry.address}/team/api"
    checkout.write(
        dev=f"""
            services:
              api: {{build: app, image: "{api}:dev", init: true, command: [sleep, infinity]}}
              db: {{image: "{registry.address}/hub/base:1", init: true, command: [sleep, infinity]}}
            """,
        staging=f"""
            extends: dev
            services:
              api: {{image: "{api}:staging"}}
            """,
        prod=f"""
            protected: true
            services:
              api: {{image: "{production.address}/live/api:prod", init: true, command: [sleep, infinity]}}
              db: {{image: "{registry.address}/hub/base:2", init: true, command: [sleep, infinity]}}
            """,
    )
    (checkout.root / "app").mkdir()
    (checkout.root / "app" / "Dockerfile").write_text(
        f"FROM {registry.address}/hub/base:1\nRUN echo {checkout.name} > /own\n"
    )
    checkout.run("up", "dev")
    return checkout


def push_and_lock(project: Checkout, registry: RealRegistry) -> str:
    docker("push", "--quiet", registry.name("team/api", "dev"))
    project.run("lock", "dev")
    return registry.digest("team/api", "dev")


def lock(project: Checkout, environment: str) -> str:
    path = project.root / "blueprints" / f"{environment}.lock"
    return path.read_text() if path.exists() else ""


def test_from_dev_over_staging_to_a_registry_of_production(
    project: Checkout, registry: RealRegistry, production: RealRegistry
) -> None:
    digest = push_and_lock(project, registry)
    shown = project.run("promote", "dev", "staging", "--dry-run")
    assert not registry.has("team/api", "staging")
    assert not lock(project, "staging")
    assert f"{registry.address}/team/api:staging" in shown.out
    refused = project.run("promote", "dev", "staging", status=1)
    assert "EV606" in refused.err
    project.run("promote", "dev", "staging", "--yes")
    assert registry.digest("team/api", "staging") == digest
    assert digest in lock(project, "staging")
    again = project.run("--format", "json", "promote", "dev", "staging", "--yes").json
    assert not again["done"]
    assert not any(one["tagged"] for one in again["images"])

    # Staging runs that image: it is pulled under its new name, and nothing is built.
    api = project.containers("dev")
    docker("rm", "--force", *api)
    registry.forget_on_engine()
    project.run("up", "staging", "--frozen")
    assert project.sh("staging", "api", "cat /own") == project.name
    registry.push_from_engine("busybox:1.37", "hub/base", "2")
    assert "EV606" in project.run("promote", "staging", "prod", "--yes", status=1).err, "prod is protected"
    done = project.run("promote", "staging", "prod", "--confirm", "prod")
    assert production.digest("live/api", "prod") == digest
    assert "db: prod names" in done.out
    assert digest in lock(project, "prod")
    project.run("up", "prod", "--frozen")
    assert project.sh("prod", "api", "cat /own") == project.name
    assert project.run("verify", "prod").status == 0


def test_what_is_not_locked_not_pushed_not_as_locked_or_not_well_is_not_promoted(
    project: Checkout, registry: RealRegistry
) -> None:
    assert "EV440" in project.run("promote", "dev", "staging", "--yes", status=1).err
    project.run("lock", "dev")
    assert "EV443" in project.run("promote", "dev", "staging", "--yes", status=1).err
    push_and_lock(project, registry)
    docker("stop", "--time", "0", f"{project.name}-dev-db-1")
    drifted = project.run("promote", "dev", "staging", "--yes", status=1).err
    assert "EV441" in drifted
    assert "db" in drifted
    project.run("up", "dev")
    blueprint = project.root / "blueprints" / "dev.yaml"
    text = blueprint.read_text()
    blueprint.write_text(
        text.replace(
            'hub/base:1", init: true',
            'hub/base:1", init: true, healthcheck: {test: [CMD, "false"], interval: 1s, retries: 1}',
        )
    )
    project.run("up", "dev", "--timeout", "20", status=None)
    project.run("lock", "dev")
    await_true(
        lambda: docker("inspect", f"{project.name}-dev-db-1", "--format", "{{.State.Health.Status}}") == "unhealthy"
    )
    assert "EV442" in project.run("promote", "dev", "staging", "--yes", status=1).err
    assert not registry.has("team/api", "staging")
    assert not lock(project, "staging")


def test_an_image_that_was_deleted_from_the_registry_is_not_promoted(project: Checkout, registry: RealRegistry) -> None:
    digest = push_and_lock(project, registry)
    registry.delete("team/api", digest)
    refused = project.run("promote", "dev", "staging", "--yes", status=1).err
    assert "EV421" in refused
    assert "dev runs it as api" in refused
    assert not lock(project, "staging")


def test_a_promotion_that_is_killed_is_completed_by_another_one(
    project: Checkout, registry: RealRegistry, production: RealRegistry
) -> None:
    digest = push_and_lock(project, registry)
    (project.root / "blueprints" / "prod.yaml").write_text(
        f'services: {{api: {{image: "{production.address}/live/api:prod", command: [sleep, infinity]}}}}\n'
    )
    process = project.start("promote", "dev", "prod", "--yes")
    uploads = production.folder / "storage" / "docker" / "registry" / "v2" / "repositories" / "live" / "api"
    await_true(lambda: process.poll() is not None or uploads.exists())
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    if not lock(project, "prod"):
        assert not production.has("live/api", "prod") or production.digest("live/api", "prod") == digest
    project.run("promote", "dev", "prod", "--yes")
    assert production.digest("live/api", "prod") == digest
    assert digest in lock(project, "prod")


def test_services_that_share_a_name_have_to_share_an_image(project: Checkout, registry: RealRegistry) -> None:
    push_and_lock(project, registry)
    blueprint = project.root / "blueprints" / "staging.yaml"
    name = f"{registry.address}/team/all:staging"
    blueprint.write_text(f'extends: dev\nservices:\n  api: {{image: "{name}"}}\n  db: {{image: "{name}"}}\n')
    refused = json.loads(project.run("--format", "json", "promote", "dev", "staging", "--yes", status=1).out)
    assert [one["code"] for one in refused["diagnostics"] if one["severity"] == "error"] == ["EV445"]


def test_a_target_without_a_name_for_its_image_is_refused(project: Checkout, registry: RealRegistry) -> None:
    push_and_lock(project, registry)
    (project.root / "blueprints" / "staging.yaml").write_text(
        "services: {api: {build: app, command: [sleep, infinity]}}\n"
    )
    assert "EV444" in project.run("promote", "dev", "staging", "--yes", status=1).err
    assert Path(project.root / "blueprints" / "staging.lock").exists() is False
