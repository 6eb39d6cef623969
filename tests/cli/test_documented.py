"""The pages name every command, every option and every variable of the process that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from envman.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))}
# What stands on every command line, or in every help.
EVERYWHERE = {"--help"}
# What envman says to processes of its own, and what typer's completion says to envman.
BETWEEN_PROGRAMS = {"ENVMAN_SECRET_", "ENVMAN_COMPLETE"}


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if not below:
        yield " ".join(words), command
        return
    for name, one in below.items():
        yield from commands(one, (*words, name))


COMMANDS = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_in_the_guide_with_its_options(name: str) -> None:
    assert re.search(rf"`{name}[ `]", PAGES["guide.md"]), f"`{name}` is not in docs/guide.md"
    options = {one for parameter in COMMANDS[name].params for one in parameter.opts if one.startswith("--")}
    missing = [one for one in sorted(options - EVERYWHERE) if not any(one in text for text in PAGES.values())]
    assert not missing, f"no page names {', '.join(missing)} of `{name}`"


def test_variables_of_the_process_are_documented() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "envman").rglob("*.py"))
    variables = set(re.findall(r"ENVMAN_[A-Z_]+", code)) - BETWEEN_PROGRAMS
    assert len(variables) >= 5
    assert [one for one in sorted(variables) if not any(one in text for text in PAGES.values())] == []
