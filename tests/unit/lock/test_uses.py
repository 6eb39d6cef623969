"""Which images an environment is made of, and who names them."""

from __future__ import annotations

from pathlib import Path

from environments import load

from envman.diagnostics import Source
from envman.lock.uses import Uses, image_uses, local_context

DEV = """\
services:
  api:
    build:
      context: .
      args: {TAG: null, BASE: python}
      additional_contexts: {tools: "docker-image://quay.io/team/tools:1", more: ./more}
  worker: {image: "registry.example.com:5000/team/worker"}
  again: {image: "docker.io/library/busybox", volumes: [{type: image, source: busybox, target: /b}]}
  hooked: {image: "busybox:latest", pre_start: [{command: [a]}, {image: "alpine:3", command: [b]}]}
  outside: {provider: {type: awesomecloud}}
jobs:
  nightly: {image: "busybox:1", triggers: {manual: true}}
"""
DOCKERFILE = "ARG BASE\nARG TAG=3.13\nFROM ${BASE}:${TAG} AS one\nFROM tools\nCOPY --from=one /a /a\n"


def uses(root: Path, text: str = DEV, dockerfile: str | None = DOCKERFILE, **process: str) -> Uses:
    source = None if dockerfile is None else Source("Dockerfile", dockerfile)
    return image_uses(load(root, dev=text), {"api": source}, process)


def test_every_image_is_named_once_with_all_who_name_it(tmp_path: Path) -> None:
    found = uses(tmp_path, TAG="3.12")
    assert {name: [place.what for place in one.places] for name, one in found.images.items()} == {
        "docker.io/library/alpine:3": ["services.hooked.pre_start[1]"],
        "docker.io/library/busybox:1": ["jobs.nightly"],
        "docker.io/library/busybox:latest": ["services.again", "services.again.volumes", "services.hooked"],
        "docker.io/library/python:3.12": ["services.api.build"],
        "quay.io/team/tools:1": ["services.api.build"],
        "registry.example.com:5000/team/worker:latest": ["services.worker"],
    }
    assert found.images["docker.io/library/busybox:latest"].written == (
        "docker.io/library/busybox",
        "busybox",
        "busybox:latest",
    )
    assert {name: list(one.bases) for name, one in found.builds.items()} == {"api": ["python:3.12"]}
    assert found.problems == ()


def test_what_cannot_be_told_says_which_build_it_is_about(tmp_path: Path) -> None:
    found = uses(tmp_path, dockerfile="ARG A\nFROM ${A}\n")
    (problem,) = found.problems
    assert problem.code == "EV541"
    assert problem.notes[-1].text == "the Dockerfile of services.api.build"
    assert [one.code for one in uses(tmp_path, dockerfile="FROM UPPER:1\n").problems] == ["EV541"]


def test_without_a_dockerfile_nothing_is_guessed(tmp_path: Path) -> None:
    assert uses(tmp_path, dockerfile=None).builds["api"].bases == {}


def test_a_context_may_be_elsewhere(tmp_path: Path) -> None:
    for context, local in (("./app", True), ("https://example.com/team/app.git#main", False), ("git@h:a.git", False)):
        environment = load(tmp_path, dev=f'services: {{api: {{build: {{context: "{context}"}}}}}}\n')
        assert (local_context(environment, "services", "api") is not None) == local
