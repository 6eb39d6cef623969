"""EV307: files of the project that the stack needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import complaints
from trees import marked


def api(text: str) -> str:
    return f"services: {{api: {{{text}}}}}\n"


@pytest.mark.parametrize(
    ("text", "message", "at", "severity"),
    [
        ("build: ./nowhere", "./nowhere does not exist", "./nowhere", "warning"),
        ("build: {context: ./app}", "Dockerfile does not exist", "./app", "warning"),
        ("build: {context: ./app, dockerfile: other}", "other does not exist", "other", "warning"),
        ("image: b, env_file: some.env", "some.env does not exist", "some.env", "error"),
        ("image: b, env_file: [{path: some.env}]", "some.env does not exist", "some.env", "error"),
        ("image: b, volumes: [{type: bind, source: ./nowhere, target: /a}]", "./nowhere does not exist", "./nowhere", "warning"),
    ],
)  # fmt: skip
def test_a_missing_file_is_told_where_it_is_named(
    tmp_path: Path, text: str, message: str, at: str, severity: str
) -> None:
    (tmp_path / "app").mkdir()
    found = complaints(tmp_path, "EV307", dev=api(text))
    assert [(one.message, one.severity.value) for one in found] == [(message, severity)]
    assert found[0].span is not None
    assert marked(found[0].span) == at


def test_a_bind_that_the_engine_would_make_belongs_to_root(tmp_path: Path) -> None:
    found = complaints(tmp_path, "EV307", dev=api("image: b, volumes: ['./nowhere:/a']"))
    assert [one.message for one in found] == [
        "./nowhere does not exist; the engine would make a folder that belongs to root"
    ]


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_a_file_of_a_config_or_secret(tmp_path: Path, kind: str) -> None:
    text = f"{kind}: {{a: {{file: ./nowhere}}}}\n" + api("image: b")
    assert [one.message for one in complaints(tmp_path, "EV307", dev=text)] == ["./nowhere does not exist"]


@pytest.mark.parametrize(
    "text",
    [
        "build: ./full",
        "build: {context: ./full, dockerfile: sub/other}",
        "build: {context: ./app, dockerfile_inline: FROM b}",
        "build: https://example.com/repo.git",
        "build: git@example.com:repo.git",
        "build: github.com/owner/repo",
        "image: b, env_file: [{path: some.env, required: false}]",
        "image: b, env_file: there.env",
        "image: b, volumes: ['./app:/a', data:/b]",
    ],
)
def test_what_is_there_or_need_not_be(tmp_path: Path, text: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "full/sub").mkdir(parents=True)
    for name in ("full/Dockerfile", "full/sub/other", "there.env"):
        (tmp_path / name).write_text("")
    assert complaints(tmp_path, "EV307", dev=api(text) + "volumes: {data: null}\n") == []


@pytest.mark.parametrize(
    ("mount", "codes"),
    [
        ("'./a:/b'", ["EV104"]),
        ("{type: bind, source: ./a, target: /b}", ["EV104"]),
        ("{type: bind, source: ./a, target: /b, bind: {create_host_path: false}}", []),
        ("'data:/b'", []),
    ],
)
def test_a_bind_with_a_colon_is_refused_where_compose_cannot_mount_it(
    tmp_path: Path, mount: str, codes: list[str]
) -> None:
    root = tmp_path / "with:colon"
    (root / "a").mkdir(parents=True)
    found = complaints(root, "EV104", dev=api(f"image: b, volumes: [{mount}]") + "volumes: {data: {}}\n")
    assert [one.code for one in found] == codes
