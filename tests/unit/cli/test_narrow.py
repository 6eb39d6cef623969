"""A narrowed command tree says and does what the whole one does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envman.cli import narrow
from envman.cli.app import app
from envman.cli.fast import command_of
from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.cli.narrow import narrowed


def names() -> list[str]:
    return [narrow._name(one) for one in app.registered_commands] + [str(one.name) for one in app.registered_groups]


LINES = [
    "--help",
    "-h",
    "",
    "nonsense",
    "chekc",
    "check --nonsense",
    "--format xml check",
    "--nonsense check",
    "secrets --help",
    "secrets list --help",
    "secrets nonsense",
    "-C check",
    "--help check",
    *(f"{name} --help" for name in names()),
]


@pytest.fixture
def result(capfd: pytest.CaptureFixture[str]) -> Callable[[list[str]], tuple[int, str, str]]:
    def call(words: list[str]) -> tuple[int, str, str]:
        return run(Invocation(), words), *capfd.readouterr()

    return call


@pytest.mark.parametrize("line", LINES)
def test_it_says_the_same(
    line: str, result: Callable[[list[str]], tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = line.split()
    said = result(words)
    monkeypatch.setattr(narrow, "narrowed", lambda whole, _: whole)
    assert result(words) == said


@pytest.mark.parametrize("name", names())
def test_one_command_alone_is_built(name: str) -> None:
    made = narrowed(app, ["--directory", "check", name, "--help"])
    assert len(made.registered_commands) + len(made.registered_groups) == 1
    assert len(app.registered_commands) + len(app.registered_groups) == len(names())


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("check", "check"),
        ("-C folder up --yes", "up"),
        ("--format=json --context remote ps dev", "ps"),
        ("--version check", ""),
        ("-Cfolder check", ""),
        ("--directory", ""),
        ("--directory --format check", ""),
        ("", ""),
    ],
)
def test_the_command_is_found_past_global_options(line: str, command: str) -> None:
    assert command_of(line.split()) == command
