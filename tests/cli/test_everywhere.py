"""Options stand before or behind a command, and what Compose calls otherwise is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from called import Envman, without_engine

from envman.cli.docker_words import COMMANDS, advice


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "json", "check", "dev"),
        ("check", "dev", "--format", "json"),
        ("check", "--format=json", "dev"),
        ("secrets", "list", "dev", "--format", "json"),
        ("render", "dev", "--format", "json"),
        ("use", "dev", "--format", "json"),
    ],
    ids=" ".join,
)
def test_a_global_option_means_the_same_behind_the_command(envman: Envman, words: tuple[str, ...]) -> None:
    assert envman(*words).document["exit_status"] == 0


def test_a_project_and_an_engine_are_named_behind_the_command(
    envman: Envman, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert envman("render", "dev", "-C", str(project)).out == ".envman/dev/docker-compose.yml\n"
    assert envman("check", "dev", "-C", str(project)).status == 0
    monkeypatch.delenv("DOCKER_HOST")
    for words in (("status",), ("plan", "dev"), ("up", "dev")):
        done = without_engine(envman, *words, "-C", str(project), "--host", "unix:///nowhere.sock")
        assert "unix:///nowhere.sock" in done.err


def test_host_and_context_contradict_each_other(envman: Envman) -> None:
    assert "EV902" in envman("status", "--host", "unix:///a", "--context", "b", status=2).err


def test_an_option_of_a_command_keeps_its_meaning(envman: Envman) -> None:
    assert "| api |" not in envman("diff", "dev", "prod", "--format", "markdown").out
    assert "--format" in envman("diff", "--help").out


def test_a_wrong_command_line_is_json_wherever_the_format_stands(envman: Envman) -> None:
    assert envman("up", "dev", "--nope", "--format", "json", status=2).document["diagnostics"][0]["code"] == "EV902"


def test_help_does_not_repeat_global_options(envman: Envman) -> None:
    assert "--directory" not in envman("up", "--help").out


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_of_compose_is_told_by_another_name(envman: Envman, command: str) -> None:
    assert COMMANDS[command] in envman(command, "dev", status=2).err


def test_advice_is_for_the_command_that_it_was_given_to() -> None:
    assert "import" in advice("", "-f")
    assert advice("up", "-t").startswith("the time that a container has to stop")
    assert advice("render", "--nope") == ""
