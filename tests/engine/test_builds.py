"""Builds through bake: secrets, several at once, what stands on an image, and that the same content is the same image."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from stacks import Checkout, docker

OCI = "org.opencontainers.image."


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(root), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")


def inspect(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(docker("image", "inspect", name))[0]
    return found


def labels(name: str) -> dict[str, str]:
    return json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", name)) or {}


@pytest.fixture
def project(checkout: Checkout) -> Checkout:
    app = checkout.root / "app"
    app.mkdir()
    (app / "Dockerfile").write_text("FROM busybox:1.37\nCOPY word /word\n")
    (app / "word").write_text(checkout.name)
    git(checkout.root, "init", "--quiet")
    (checkout.root / ".gitignore").write_text(".envman/\n")
    (checkout.root / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.4.0"\n')
    git(checkout.root, "remote", "add", "origin", "https://ann:token@example.com/team/app.git")
    return checkout.write(dev=f"services: {{api: {{image: '{checkout.name}-api:v1', build: {{context: app}}}}}}\n")


def test_an_image_says_where_it_comes_from(project: Checkout) -> None:
    first = commit(project.root, "first")
    epoch = int(git(project.root, "log", "-1", "--format=%ct"))
    project.run("build", "dev")
    found = labels(f"{project.name}-api:v1")
    assert found[f"{OCI}revision"] == first
    assert found[f"{OCI}version"] == "1.4.0"
    assert found[f"{OCI}source"] == "https://example.com/team/app.git"
    assert found["dev.envman.built-for"] == project.name
    created = str(inspect(f"{project.name}-api:v1")["Created"])
    assert created == found[f"{OCI}created"]
    assert datetime.fromisoformat(created).timestamp() == epoch


def test_the_same_content_is_the_same_image(project: Checkout) -> None:
    commit(project.root, "first")
    name = f"{project.name}-api:v1"
    project.run("build", "dev", "--no-cache")
    first = inspect(name)["Id"]
    docker("rmi", name)
    project.run("build", "dev", "--no-cache")
    assert inspect(name)["Id"] == first
    # A commit in the same folder that a build is not sent.
    (project.root / "app/.dockerignore").write_text("notes")
    project.run("build", "dev")
    second = inspect(name)["Id"]
    (project.root / "app/notes").write_text("1")
    commit(project.root, "second")
    project.run("build", "dev")
    assert inspect(name)["Id"] == second


def test_two_environments_make_one_image_of_one_content(project: Checkout) -> None:
    commit(project.root, "first")
    project.write(
        dev=f"services: {{api: {{image: '{project.name}-api:dev', build: {{context: app}}}}}}\n",
        prod=f"services: {{web: {{image: '{project.name}-api:prod', build: {{context: app}}}}}}\n",
    )
    project.run("build", "dev")
    (project.root / "readme").write_text("1")
    commit(project.root, "second")
    project.run("build", "prod")
    assert inspect(f"{project.name}-api:dev")["Id"] == inspect(f"{project.name}-api:prod")["Id"]


def test_a_tree_with_changes_says_so_and_a_given_time_wins(project: Checkout) -> None:
    first = commit(project.root, "first")
    (project.root / "app/word").write_text("changed")
    project.run("build", "dev", SOURCE_DATE_EPOCH="1700000000")
    name = f"{project.name}-api:v1"
    assert labels(name)[f"{OCI}revision"] == f"{first}-dirty"
    assert labels(name)[f"{OCI}created"] == "2023-11-14T22:13:20Z"
    assert inspect(name)["Created"] == "2023-11-14T22:13:20Z"


def test_without_git_a_build_goes_as_well(project: Checkout) -> None:
    (project.root / ".git").rename(project.root.parent / "git")
    project.run("build", "dev")
    found = labels(f"{project.name}-api:v1")
    assert sorted(one for one in found if one.startswith(OCI)) == [f"{OCI}version"]


def test_up_builds_in_the_same_way_and_has_nothing_left_to_do(project: Checkout) -> None:
    commit(project.root, "first")
    text = (
        "services: {{api: {{image: '{0}-api:v1', init: true, command: [sleep, infinity], build: {{context: app}}}}}}\n"
    )
    project.write(dev=text.format(project.name))
    project.run("up", "dev")
    assert project.run("--format", "json", "plan", "dev").json["steps"] == []
    before = project.container_ids("dev")
    commit(project.root, "second")
    project.run("up", "dev", "--build")
    assert project.container_ids("dev") == before


def test_several_services_secrets_and_contexts_at_once(project: Checkout) -> None:
    root, name = project.root, project.name
    for folder in ("lib", "other"):
        (root / folder).mkdir()
    (root / "lib/Dockerfile").write_text("FROM busybox:1.37\nRUN echo from lib > /lib\n")
    (root / "other/file").write_text("from a context")
    (root / "secret").write_text("word of a file")
    (root / "app/Dockerfile").write_text(
        "FROM busybox:1.37\n"
        "ARG GREETING\n"
        "RUN --mount=type=secret,id=s --mount=type=secret,id=e "
        'sha256sum /run/secrets/s /run/secrets/e > /sums && echo "$GREETING" > /greeting\n'
        "RUN --mount=type=cache,target=/cache date > /cache/date\n"
        "RUN grep 192.0.2.7 /etc/hosts > /hosts; df -k /dev/shm | tail -n 1 > /shm; ulimit -n > /files\n"
        "COPY --from=lib /lib /lib\nCOPY --from=here file /file\n"
    )
    project.write(
        dev=f"""
        services:
          api:
            image: {name}-api:v1
            build:
              context: app
              args: {{GREETING: "a $${{b}} %{{c}} $$d"}}
              secrets: [s, e]
              additional_contexts: {{lib: "service:lib", here: ./other}}
              extra_hosts: {{somewhere: 192.0.2.7}}
              ulimits: {{nofile: {{soft: 123, hard: 456}}}}
              shm_size: 32m
              tags: ["{name}-api:further"]
          lib: {{image: "{name}-lib:v1", build: {{context: lib}}}}
        secrets:
          s: {{file: ./secret}}
          e: {{source: env, variable: BUILD_WORD}}
        """
    )
    done = project.run("build", "dev", BUILD_WORD="word of a variable")
    said = done.out + done.err
    assert "[api" in said
    assert "[lib" in said
    assert "is not set" not in said
    for word in ("word of a file", "word of a variable"):
        assert word not in said
    sums = docker(
        "run", "--rm", f"{name}-api:v1", "sh", "-c", "cut -c1-8 /sums; cat /greeting /lib /file /hosts /shm /files"
    )
    expected = [hashlib.sha256(word.encode()).hexdigest()[:8] for word in ("word of a file", "word of a variable")]
    assert sums.splitlines()[:4] == [*expected, "a ${b} %{c} $d", "from lib"]
    assert "from a context" in sums
    assert "192.0.2.7" in sums
    assert "32768" in sums
    assert sums.endswith("123")
    assert inspect(f"{name}-api:further")["Id"] == inspect(f"{name}-api:v1")["Id"]
    history = docker("history", "--no-trunc", f"{name}-api:v1")
    assert "word of" not in history
    for file in root.rglob(".envman/**/*"):
        assert not file.is_file() or "word of a variable" not in file.read_text(errors="replace")


def test_one_that_fails_among_several_is_named(project: Checkout) -> None:
    (project.root / "bad").mkdir()
    (project.root / "bad/Dockerfile").write_text("FROM busybox:1.37\nRUN echo the last word; exit 7\n")
    project.write(
        dev=f"services:\n  api: {{image: '{project.name}-api:v1', build: {{context: app}}}}\n"
        f"  bad.one: {{image: '{project.name}-bad:v1', build: {{context: bad}}}}\n"
    )
    done = project.run("build", "dev", status=1)
    assert "building bad.one failed" in done.err
    assert "the last word" in done.err


@pytest.fixture
def without_buildx(tmp_path: Path) -> Path:
    """A ``docker`` that has no buildx, as before it was a package of its own."""
    real = docker_path()
    wrapper = tmp_path / "bin/docker"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/sh\nfor word in "$@"; do [ "$word" = buildx ] && {{ echo "no such command" >&2; exit 1; }}; done\n'
        f'exec {real} "$@"\n'
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return wrapper.parent


def docker_path() -> str:
    found = shutil.which("docker")
    assert found is not None
    return found


def test_without_buildx_compose_builds_and_that_is_said(project: Checkout, without_buildx: Path) -> None:
    done = project.run("build", "dev", PATH=f"{without_buildx}:{os.environ['PATH']}")
    assert "Compose builds, as there is no buildx" in done.err
    assert "built: api" in done.out
    assert docker("run", "--rm", f"{project.name}-api:v1", "cat", "/word") == project.name


def test_what_bake_does_not_know_compose_builds(project: Checkout) -> None:
    project.write(
        dev=f"services: {{api: {{image: '{project.name}-api:v1', build: {{context: app, isolation: default}}}}}}\n"
    )
    done = project.run("build", "dev")
    assert "Compose builds, as api says `isolation`" in done.err
    assert docker("run", "--rm", f"{project.name}-api:v1", "cat", "/word") == project.name


def test_up_follows_the_tag_of_the_content(project: Checkout) -> None:
    name = f"{project.name}-api"
    text = (
        f"services: {{api: {{image: {name}, tag: content, init: true, command: [sleep, infinity], "
        "build: {context: app}}}\n"
    )
    project.write(dev=text)
    project.run("up", "dev")
    (first,) = docker("images", "--format", "{{.Tag}}", name).split()
    before = project.container_ids("dev")
    # At rest, with all that was looked at on the record; then an edit.
    for _ in range(2):
        project.run("up", "dev")
    assert project.container_ids("dev") == before
    (project.root / "app/word").write_text("changed")
    plan = project.run("--format", "json", "plan", "dev").json["steps"]
    assert {one["action"] for one in plan} == {"build", "recreate"}
    project.run("up", "dev")
    assert len(docker("images", "--format", "{{.Tag}}", name).split()) == 2
    assert project.sh("dev", "api", "cat /word") == "changed"
    (project.root / "app/word").write_text(project.name)
    project.run("up", "dev")
    assert project.sh("dev", "api", "cat /word") == project.name
    assert docker("inspect", "--format", "{{.Config.Image}}", *project.container_ids("dev")) == f"{name}:{first}"
