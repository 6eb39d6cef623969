"""Which images a Dockerfile starts from."""

from __future__ import annotations

import textwrap

import pytest

from envman.diagnostics import EnvmanError, Source
from envman.registry.dockerfile import base_images, context_name


def names(text: str, target: str | None = None, contexts: tuple[str, ...] = (), **arguments: str) -> list[str]:
    source = Source("Dockerfile", textwrap.dedent(text))
    return [one.name for one in base_images(source, arguments=arguments, target=target, contexts=contexts)]


def test_the_last_stage_is_the_target_and_decides_what_counts() -> None:
    text = """\
        FROM golang:1.24 AS unused
        FROM node:22 AS assets
        FROM nginx:1.28
        COPY --from=assets /dist /usr/share/nginx/html
    """
    assert names(text) == ["node:22", "nginx:1.28"]
    assert names(text, target="unused") == ["golang:1.24"]
    assert names(text, target="1") == ["node:22"]


def test_arguments_before_from_are_filled_in() -> None:
    text = """\
        ARG PYTHON=3.13
        ARG BASE=python:${PYTHON}-slim
        FROM ${BASE}
    """
    assert names(text) == ["python:3.13-slim"]
    assert names(text, PYTHON="3.12") == ["python:3.12-slim"]
    assert names(text, BASE="debian:13") == ["debian:13"]
    assert names(text, OTHER="x") == ["python:3.13-slim"]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("$IMAGE:1", "app:1"),
        ("${NONE:-busybox:1.37}", "busybox:1.37"),
        ("${NONE-busybox}", "busybox"),
        ("${EMPTY:-busybox}", "busybox"),
        ("app${EMPTY-x}", "app"),
        ("app${IMAGE:+-slim}", "app-slim"),
        ("app${EMPTY:+-slim}", "app"),
        ('"app:1"', "app:1"),
    ],
)
def test_every_operator_of_a_dockerfile_is_known(written: str, name: str) -> None:
    assert names(f'ARG IMAGE=app EMPTY=""\nFROM {written}\n') == [name]


def test_arguments_of_a_stage_count_for_no_from() -> None:
    assert names("ARG BASE=one\nFROM ${BASE} AS a\nARG BASE=two\nFROM ${BASE}\n") == ["one"]


def test_mounts_and_copies_name_images_too() -> None:
    text = """\
        # syntax=docker/dockerfile:1.7
        FROM --platform=$BUILDPLATFORM debian:13 AS build
        RUN --network=none --mount=type=bind,from=ghcr.io/astral-sh/uv:0.8,source=/uv,target=/uv \\
            --mount=type=cache,target=/root/.cache \\
            # a comment inside

            echo --mount=type=bind,from=not-this
        copy --chown=1:1 --from=busybox:1.37 /bin/sh /bin/sh
        FROM scratch
        COPY --from=BUILD / /
    """
    assert names(text) == ["docker/dockerfile:1.7", "debian:13", "ghcr.io/astral-sh/uv:0.8", "busybox:1.37"]


def test_what_stands_in_a_here_document_is_no_instruction() -> None:
    text = """\
        FROM busybox:1.37
        RUN <<EOF cat && <<-"END" cat
        FROM not:this
        EOF
        COPY --from=not-this . .
        \tEND
        COPY --from=nginx:1.28 /etc/nginx /etc/nginx
    """
    assert names(text) == ["busybox:1.37", "nginx:1.28"]


def test_another_escape_character_continues_lines() -> None:
    assert names("# escape=`\nFROM `\n  busybox:1.37\n") == ["busybox:1.37"]


def test_a_directive_stands_at_the_very_top_or_is_a_comment() -> None:
    assert names("# a comment\n# syntax=docker/dockerfile:1\nFROM busybox\n") == ["busybox"]
    assert names("FROM busybox\n", BUILDKIT_SYNTAX="docker/dockerfile:2") == ["docker/dockerfile:2", "busybox"]


def test_a_named_context_stands_for_an_image_or_a_stage() -> None:
    text = "FROM node:22 AS assets\nFROM nginx:latest\nCOPY --from=assets /a /b\n"
    assert names(text, contexts=("assets",)) == ["nginx:latest"]
    assert names(text, contexts=("nginx",)) == ["node:22"]
    assert names(text, contexts=("node:22", "docker.io/library/nginx:latest")) == []


def test_a_stage_may_have_the_name_of_the_image_that_it_starts_from() -> None:
    assert names("FROM nginx AS nginx\nFROM nginx\n") == ["nginx"]


def test_an_image_is_named_once() -> None:
    assert names("FROM busybox AS a\nFROM busybox\nCOPY --from=a / /\nCOPY --from=0 / /\n") == ["busybox"]


@pytest.mark.parametrize(
    ("text", "target", "says"),
    [
        ("ARG BASE\nFROM ${BASE}\n", None, "an argument has no value"),
        ("RUN true\n", None, "has no stage"),
        ("", None, "has no stage"),
        ("FROM a b\n", None, "names no image"),
        ("FROM a AS one\n", "two", 'no stage "two"'),
    ],
)
def test_what_cannot_be_told_is_said_with_its_place(text: str, target: str | None, says: str) -> None:
    with pytest.raises(EnvmanError) as caught:
        names(text, target)

    (found,) = caught.value.diagnostics
    assert found.code == "EV541"
    assert says in found.message
    assert found.span is not None


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("docker.io/library/nginx:latest", "nginx"),
        ("nginx", "nginx"),
        ("nginx:1.28", "nginx:1.28"),
        ("Builder", "builder"),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
    ],
)
def test_contexts_are_looked_for_as_buildkit_does(name: str, context: str) -> None:
    assert context_name(name) == context
