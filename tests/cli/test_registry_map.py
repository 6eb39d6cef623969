"""The registry map as renders and explanations show it; what is kept of a render knows of it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from envman.cli.invocation import Invocation
from envman.cli.main import run

DOCKERFILE = """
    ARG BASE=python:3.13
    FROM $BASE AS build
    FROM docker.io/library/busybox
    COPY --from=build /a /a
    COPY --from=nginx:1.28 /b /b
    COPY --from=extra /c /c
    """
BLUEPRINT = """
    services:
      db: {image: "postgres:17"}
      elsewhere: {image: "quay.io/a/b:1"}
      own: {build: {context: app}, image: "team/own:1"}
      same: {image: "team/own:1"}
      app:
        build:
          context: app
          args: {BASE: "python:3.12"}
          additional_contexts: {extra: "docker-image://redis:8"}
        volumes: [{type: image, source: "nginx:1.28", target: /n}]
        pre_start: [{image: "redis:8", command: ["true"]}]
    """


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text(textwrap.dedent(DOCKERFILE))
    (tmp_path / "envman.yaml").write_text("name: churn\nlanguage: 1\nregistry: {docker.io: r.example/hub}\n")
    (tmp_path / "blueprints" / "dev.yaml").write_text(textwrap.dedent(BLUEPRINT))
    return tmp_path


def render(root: Path) -> str:
    assert run(Invocation(), ["-C", str(root), "render", "dev"]) == 0
    return (root / ".envman" / "dev" / "docker-compose.yml").read_text()


def test_everything_that_is_pulled_is_named_by_the_map(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = render(root)
    for name in (
        'image: "r.example/hub/library/postgres:17"',
        'image: "quay.io/a/b:1"',
        'image: "team/own:1"',
        'source: "r.example/hub/library/nginx:1.28"',
        'image: "r.example/hub/library/redis:8"',
        'extra: "docker-image://r.example/hub/library/redis:8"',
        '"python:3.12": "docker-image://r.example/hub/library/python:3.12"',
        'busybox: "docker-image://r.example/hub/library/busybox:latest"',
        '"nginx:1.28": "docker-image://r.example/hub/library/nginx:1.28"',
    ):
        assert name in text, name
    assert "hub/team/own" not in text, "what is built here keeps its name"
    capsys.readouterr()


def test_content_digests_know_nothing_of_a_map(root: Path) -> None:
    with_map = [line for line in render(root).splitlines() if "envman.digest" in line]
    (root / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    assert [line for line in render(root).splitlines() if "envman.digest" in line] == with_map


def test_what_is_kept_of_a_render_knows_of_the_machines_map(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert "r.example/hub/library/postgres:17" in render(root)
    assert "r.example/hub/library/postgres:17" in render(root)
    (tmp_path / "config" / "envman").mkdir(parents=True)
    file = tmp_path / "config" / "envman" / "registry.yaml"
    file.write_text("registry: {docker.io/library: m.example}\n")
    assert '"m.example/postgres:17"' in render(root)
    file.write_text("registry: {docker.io/library: docker.io/library}\n")
    assert 'image: "postgres:17"' in render(root)
    file.unlink()
    (root / "app" / "Dockerfile").write_text("FROM alpine:3\n")
    assert '"alpine:3": "docker-image://r.example/hub/library/alpine:3"' in render(root)


def test_an_explanation_shows_both_names(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Invocation(), ["-C", str(root), "explain", "dev", "services.db.image"]) == 0
    shown = capsys.readouterr().out
    assert '"postgres:17"' in shown
    assert 'rendered "r.example/hub/library/postgres:17"' in shown
    assert "where the registry map takes it from" in shown
