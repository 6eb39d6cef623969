"""Locks as they are made, kept, upgraded and checked, without an engine and with registries of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from locks import Hub, digest, project, workspace

from envman.diagnostics import EnvmanError, Severity
from envman.lock.text import read_lock, read_lock_file
from envman.operations.frozen import freeze, refuse_unheld, required_lock
from envman.operations.locking import Locking, make_lock, write_lock
from envman.operations.moved import look_up
from envman.operations.verify import check_lock
from envman.operations.workspace import Workspace

DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG BASE=python:3.13-slim
FROM ${BASE} AS base
FROM node:22 AS unused
FROM base
COPY --from=ghcr.io/astral-sh/uv:0.8 /uv /uv
"""
PROD = """\
variables:
  workers: {type: int, default: 2}
  dsn: {type: string, default: "postgres://app:hunter2@db/app", env: DSN}
services:
  api:
    build: {context: app, args: {BASE: "python:3.12"}}
    environment: {WORKERS: "${workers}", DSN: "${dsn}"}
    pre_start: [{image: "busybox:1", command: ["true"]}]
    volumes: [{type: image, source: "quay.io/team/tools:2", target: /tools}]
  db: {image: "postgres:17", secrets: [db_password], env_file: [db.env]}
secrets: {db_password: {source: generate}}
"""
FILES = {"app/Dockerfile": DOCKERFILE, "app/main.py": "print(1)\n", "db.env": "TOKEN=s3cret\n"}
IMAGES = [
    "docker.io/docker/dockerfile:1",
    "docker.io/library/busybox:1",
    "docker.io/library/postgres:17",
    "docker.io/library/python:3.12",
    "ghcr.io/astral-sh/uv:0.8",
    "quay.io/team/tools:2",
]


@pytest.fixture
def here(tmp_path: Path, own_folders: Path) -> Workspace:
    project(tmp_path, "prod", FILES, prod=PROD)
    made = workspace(tmp_path, own_folders)
    made.store(made.environment("prod")).write("db_password", "hunter3")
    return made


def again(here: Workspace, **environ: str) -> Workspace:
    return Workspace.at(here.project.root, {**here.environ, **environ})


def lock(here: Workspace, hub: Hub | None = None, **options: Any) -> Locking:
    fresh = again(here)
    made = make_lock(fresh, fresh.environment("prod"), hub or Hub(), **options)
    write_lock(fresh, made)
    return made


def text(here: Workspace) -> str:
    return (here.project.root / "blueprints/prod.lock").read_text()


def codes(error: pytest.ExceptionInfo[EnvmanError]) -> list[str]:
    return [one.code for one in error.value.diagnostics]


def parted(here: Workspace, **environ: str) -> list[str]:
    fresh = again(here, **environ)
    _, found, _ = check_lock(fresh, fresh.environment("prod"))
    return [f"{one.code} {one.kind} {one.name}" for one in found]


def test_a_lock_holds_every_image_by_digest_and_platform(here: Workspace) -> None:
    lock(here)
    data = yaml.safe_load(text(here))

    assert list(data["images"]) == IMAGES
    assert data["images"]["docker.io/library/postgres:17"] == {
        "digest": digest("docker.io/library/postgres:17"),
        "platforms": {
            one: {
                "manifest": digest(f"docker.io/library/postgres:17 {one}"),
                "image": digest(f"docker.io/library/postgres:17 {one} id"),
            }
            for one in ("linux/amd64", "linux/arm64")
        },
        "used_by": ["services.db"],
    }
    assert {name: one["used_by"] for name, one in data["images"].items()} == {
        "docker.io/docker/dockerfile:1": ["services.api.build"],
        "docker.io/library/busybox:1": ["services.api.pre_start[0]"],
        "docker.io/library/postgres:17": ["services.db"],
        "docker.io/library/python:3.12": ["services.api.build"],
        "ghcr.io/astral-sh/uv:0.8": ["services.api.build"],
        "quay.io/team/tools:2": ["services.api.volumes"],
    }
    assert data["builds"]["api"]["bases"] == [IMAGES[0], IMAGES[3], IMAGES[4]]
    assert data["variables"] == {"workers": {"value": 2, "origin": "default (blueprints/prod.yaml)"}}
    assert list(data["secrets"]) == [
        "db_password", "env_file db.env", "services.api.environment.DSN", "variables.dsn",
    ]  # fmt: skip
    assert list(data["parts"]) == ["networks.default", "secrets.db_password", "services.api", "services.db"]


def test_no_value_of_a_secret_is_in_a_lock(here: Workspace) -> None:
    lock(here)
    for value in ("hunter2", "hunter3", "s3cret"):
        assert value not in text(here)


def test_the_same_input_is_the_same_lock_to_the_byte(here: Workspace) -> None:
    lock(here)
    before = text(here)
    (here.project.root / "blueprints/prod.lock").unlink()
    lock(here)
    assert text(here) == before
    fresh = again(here)
    assert not write_lock(fresh, make_lock(fresh, fresh.environment("prod"), Hub()))


def test_it_is_the_same_in_another_place_and_instance(here: Workspace, tmp_path: Path, own_folders: Path) -> None:
    lock(here)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project(elsewhere, "prod", FILES, prod=PROD)
    (elsewhere / "blueprints/prod.lock").write_text(text(here))
    there = workspace(elsewhere, own_folders, ENVMAN_INSTANCE="two")

    file, found, unknown = check_lock(there, there.environment("prod"))

    assert found == []
    assert set(unknown) == {"env_file db.env", "services.api.environment.DSN", "variables.dsn"}
    # Fingerprints under a key that is not there stay, also of what has no value there.
    made = make_lock(there, there.environment("prod"), Hub())
    assert made.text == text(here)
    assert "db_password" in file.lock.secrets


def test_what_is_locked_stays_until_it_is_upgraded(here: Workspace) -> None:
    lock(here)
    hub = Hub(moved={"docker.io/library/postgres:17": "newer", "docker.io/library/busybox:1": "newer"})

    assert lock(here, hub).changes == ()
    assert hub.asked == []
    made = lock(here, hub, upgrade=True, services=["db"])

    assert [(one.reference.familiar, one.old, one.new) for one in made.moves] == [
        ("postgres:17", digest("docker.io/library/postgres:17"), digest("newer"))
    ]
    assert made.moves[0].created is not None
    assert [one.name for one in made.changes] == ["docker.io/library/postgres:17"]
    assert [one.reference.familiar for one in lock(here, hub, upgrade=True).moves] == ["busybox:1"]


def test_only_what_is_new_is_asked_for(here: Workspace) -> None:
    lock(here)
    blueprint = here.project.root / "blueprints/prod.yaml"
    blueprint.write_text(PROD.replace("postgres:17", "postgres:18"))
    hub = Hub()

    made = lock(here, hub)

    assert hub.asked == ["docker.io/library/postgres:18"]
    assert [(one.kind, one.name, one.old is None, one.new is None) for one in made.changes] == [
        ("image", "docker.io/library/postgres:17", False, True),
        ("image", "docker.io/library/postgres:18", True, False),
        ("part", "services.db", False, False),
    ]


def test_an_image_that_no_registry_has_is_said_with_who_names_it(here: Workspace) -> None:
    fresh = again(here)
    with pytest.raises(EnvmanError) as caught:
        make_lock(fresh, fresh.environment("prod"), Hub(missing={"ghcr.io/astral-sh/uv:0.8"}))

    (found,) = caught.value.diagnostics
    assert found.code == "EV421"
    assert str(found.span) == "app/Dockerfile:6:1"
    assert "for services.api.build" in [note.text for note in found.notes]
    assert not (here.project.root / "blueprints/prod.lock").exists()


IDLE = """
services:
  api: {image: "busybox:1"}
  grafana: {image: "grafana/grafana:12", profiles: [dashboards]}
  trainer: {build: trainer, profiles: [jobs], depends_on: [tools]}
  tools: {image: "quay.io/team/tools:2", profiles: [jobs]}
"""


def test_a_service_behind_a_profile_that_cannot_be_locked_is_left_out(tmp_path: Path, own_folders: Path) -> None:
    project(tmp_path, "prod", {"trainer/Dockerfile": "FROM python:3.12\n"}, prod=IDLE)
    away = Hub(missing={"docker.io/grafana/grafana:12", "docker.io/library/python:3.12"})
    here = workspace(tmp_path, own_folders)
    made = make_lock(here, here.environment("prod"), away)
    assert sorted(made.lock.images) == ["docker.io/library/busybox:1", "quay.io/team/tools:2"]
    assert not made.lock.builds
    said = [(one.code, one.severity.value, str(one.span)) for one in here.report if one.code == "EV543"]
    assert said == [("EV543", "warning", "blueprints/prod.yaml:4:20"), ("EV543", "warning", "trainer/Dockerfile:1:1")]
    write_lock(here, made)

    fresh = again(here)
    assert parted(here) == []
    frozen = freeze(fresh, fresh.environment("prod"), online=False)
    refuse_unheld(fresh, frozen, ["api", "tools"])
    with pytest.raises(EnvmanError) as caught:
        refuse_unheld(fresh, frozen, ["api", "grafana", "trainer"])
    assert codes(caught) == ["EV533", "EV533"]

    asked = again(here)
    with pytest.raises(EnvmanError) as caught:
        make_lock(asked, asked.environment("prod"), away, profiles=["dashboards"])
    assert codes(caught) == ["EV421", "EV543"]
    asked = again(here)
    whole = make_lock(asked, asked.environment("prod"), Hub(), profiles=["dashboards"])
    assert "docker.io/grafana/grafana:12" in whole.lock.images


def test_an_image_lacks_the_platform_that_its_service_asks_for(here: Workspace) -> None:
    (here.project.root / "blueprints/prod.yaml").write_text(
        PROD.replace('image: "postgres:17",', 'image: "postgres:17", platform: linux/riscv64,')
    )
    fresh = again(here)
    with pytest.raises(EnvmanError) as caught:
        make_lock(fresh, fresh.environment("prod"), Hub())
    assert codes(caught) == ["EV537"]
    assert caught.value.diagnostics[0].expected == "one of linux/amd64, linux/arm64"


def test_an_id_is_no_name_that_can_be_locked(here: Workspace) -> None:
    (here.project.root / "blueprints/prod.yaml").write_text(PROD.replace("postgres:17", "sha256:" + "1" * 64))
    fresh = again(here)
    with pytest.raises(EnvmanError) as caught:
        make_lock(fresh, fresh.environment("prod"), Hub())
    assert codes(caught) == ["EV536"]


def test_a_lock_that_was_edited_is_made_anew_and_not_believed(here: Workspace) -> None:
    lock(here)
    edited = text(here).replace(digest("docker.io/library/postgres:17"), digest("evil"))
    (here.project.root / "blueprints/prod.lock").write_text(edited)
    fresh = again(here)
    with pytest.raises(EnvmanError) as caught:
        freeze(fresh, fresh.environment("prod"), online=False)
    assert codes(caught) == ["EV531"]

    made = make_lock(fresh, fresh.environment("prod"), Hub())

    assert made.lock.images["docker.io/library/postgres:17"].digest == digest("docker.io/library/postgres:17")
    assert [(one.code, one.severity) for one in fresh.report] == [("EV531", Severity.WARNING)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("lock: 99\n", "EV530"),
        ("<<<<<<< HEAD\nlock: 1\n=======\nlock: 1\n>>>>>>> other\n", "EV100"),
        ("lock: 1\n", "EV107"),
    ],
)
def test_what_is_no_lock_is_written_over_and_said(here: Workspace, content: str, code: str) -> None:
    (here.project.root / "blueprints/prod.lock").write_text(content)
    fresh = again(here)
    made = make_lock(fresh, fresh.environment("prod"), Hub())
    assert {one.code for one in fresh.report} == {code}
    assert not fresh.report.errors
    write_lock(fresh, made)
    assert parted(here) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"app/main.py": "print(2)\n"}, ["EV535 context api"]),
        ({"app/new.py": ""}, ["EV535 context api"]),
        (
            {"app/Dockerfile": DOCKERFILE.replace("uv:0.8", "uv:0.9")},
            [
                "EV533 image ghcr.io/astral-sh/uv:0.9",
                "EV535 context api",
                "EV535 bases api",
            ],
        ),
        ({"db.env": "TOKEN=other\n"}, ["EV534 secret env_file db.env"]),
        (
            {"blueprints/prod.yaml": PROD.replace("postgres:17", "postgres:18")},
            [
                "EV533 image docker.io/library/postgres:18",
                "EV534 part services.db",
            ],
        ),
        (
            {"blueprints/prod.yaml": PROD.replace("default: 2", "default: 3")},
            ["EV534 variable workers", "EV534 part services.api"],
        ),
        (
            {"blueprints/prod.yaml": PROD + "volumes: {data: null}\n"},
            ["EV533 part volumes.data"],
        ),
        (
            {"blueprints/prod.yaml": PROD.replace("services:\n", "services:\n  cache: {image: 'busybox:1'}\n")},
            ["EV533 part services.cache"],
        ),
        (
            {"blueprints/prod.yaml": PROD.replace("hunter2", "hunter9")},
            ["EV534 secret services.api.environment.DSN", "EV534 secret variables.dsn"],
        ),
        (
            {"blueprints/prod.yaml": PROD.replace("context: app,", "context: app, target: base,")},
            ["EV534 image ghcr.io/astral-sh/uv:0.8", "EV535 bases api", "EV534 part services.api"],
        ),
    ],
)  # fmt: skip
def test_everything_in_which_lock_and_blueprint_part_is_named(
    here: Workspace, change: dict[str, str], expected: list[str]
) -> None:
    lock(here)
    for path, content in change.items():
        (here.project.root / path).write_text(content)

    assert parted(here) == expected
    fresh = again(here)
    if not expected:
        freeze(fresh, fresh.environment("prod"), online=False)
        return
    with pytest.raises(EnvmanError) as caught:
        freeze(fresh, fresh.environment("prod"), online=False)
    assert codes(caught) == [one.partition(" ")[0] for one in expected]
    assert all(one.span is not None for one in caught.value.diagnostics)
    # What was locked anew holds.
    lock(here)
    assert parted(here) == []


def test_values_of_the_process_count(here: Workspace) -> None:
    lock(here)
    assert parted(here, DSN="postgres://app:other@db/app") == [
        "EV534 secret services.api.environment.DSN",
        "EV534 secret variables.dsn",
    ]
    here.store(here.environment("prod")).write("db_password", "rotated")
    assert parted(here) == ["EV534 secret db_password"]


def test_files_of_envman_in_a_context_are_none_of_it(here: Workspace) -> None:
    (here.project.root / "blueprints/prod.yaml").write_text(PROD.replace("context: app", "context: ."))
    (here.project.root / "Dockerfile").write_text("FROM python:3.12\nCOPY . .\n")
    lock(here)
    assert parted(here) == []


def test_a_frozen_render_names_digests(here: Workspace) -> None:
    lock(here)
    fresh = again(here)
    loaded = fresh.environment("prod")
    plain = fresh.offline_document(loaded)

    frozen = freeze(fresh, loaded, online=False)
    document = fresh.offline_document(frozen)

    assert document.digests == plain.digests
    assert document.services["db"]["image"] == "postgres:17@" + digest("docker.io/library/postgres:17")
    api = document.services["api"]
    assert api["pre_start"][0]["image"] == "busybox:1@" + digest("docker.io/library/busybox:1")
    assert api["volumes"][0]["source"] == "quay.io/team/tools:2@" + digest("quay.io/team/tools:2")
    assert api["build"]["additional_contexts"] == {
        "ghcr.io/astral-sh/uv:0.8": "docker-image://ghcr.io/astral-sh/uv:0.8@" + digest("ghcr.io/astral-sh/uv:0.8"),
        "python:3.12": "docker-image://python:3.12@" + digest("docker.io/library/python:3.12"),
    }
    assert api["build"]["args"] == {
        "BASE": "python:3.12",
        "BUILDKIT_SYNTAX": "docker/dockerfile:1@" + digest("docker.io/docker/dockerfile:1"),
    }


def test_without_a_lock_nothing_is_frozen(here: Workspace) -> None:
    with pytest.raises(EnvmanError) as caught:
        required_lock(here, here.environment("prod"))
    assert codes(caught) == ["EV532"]


def test_the_lock_of_another_environment_does_not_count(here: Workspace) -> None:
    lock(here)
    (here.project.root / "blueprints/staging.yaml").write_text("extends: prod\n")
    (here.project.root / "blueprints/staging.lock").write_text(text(here))
    with pytest.raises(EnvmanError) as caught:
        read_lock(here.project.root, "staging")
    assert codes(caught) == ["EV542"]


def test_what_registries_say_of_a_lock_later(here: Workspace) -> None:
    lock(here)
    fresh = again(here)
    file = read_lock_file(here.project.root, "prod")
    assert file is not None
    gone = "docker.io/library/postgres:17@" + digest("docker.io/library/postgres:17")
    hub = Hub(moved={"docker.io/library/busybox:1": "newer"}, missing={gone})

    found = look_up(fresh, fresh.environment("prod"), file, hub)

    assert [(one.code, one.severity) for one in found] == [("EV539", Severity.WARNING), ("EV538", Severity.ERROR)]
    assert all(one.span is not None and one.span.source.name == "blueprints/prod.lock" for one in found)


def test_what_no_lock_can_hold_is_said(tmp_path: Path, own_folders: Path) -> None:
    text = "services: {api: {build: 'https://git.example.com/api.git'}}\nmodels: {llm: {model: ai/smollm2}}\n"
    project(tmp_path, "prod", {}, prod=text)
    here = workspace(tmp_path, own_folders)
    made = make_lock(here, here.environment("prod"), Hub())
    assert list(made.lock.builds) == ["api"]
    assert [(one.code, str(one.span)) for one in here.report if one.code == "EV543"] == [
        ("EV543", "blueprints/prod.yaml:1:25"),
        ("EV543", "blueprints/prod.yaml:1:25"),
        ("EV543", "blueprints/prod.yaml:2:23"),
    ]
