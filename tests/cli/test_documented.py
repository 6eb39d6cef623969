"""The pages name every command, every option and every variable of the process that there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from envman.cli.app import app
from envman.cli.everywhere import accept_everywhere
from envman.cli.invocation import Invocation

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


# typer brings a click of its own.
UsageError: Any = typer.BadParameter.__mro__[1]
# What a command is missing where only its name stands in a text.
NAMED = {"MissingParameter", "BadParameter", "NoArgsIsHelpError", "BadOptionUsage"}
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


# --- every command that a page tells, understood by the real command line

PROGRAM = accept_everywhere(get_command(app))
TEMPLATE = ROOT / "cookiecutter-mlproject/{{cookiecutter.__project_slug}}"
TOLD = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").iterdir()),
    *(TEMPLATE / name for name in ("README.md", "Makefile", "scripts/ci")),
    *sorted((TEMPLATE / "docs").glob("*.md")),
]
# In a page: the blocks that a reader types, and what stands between backticks in its text.
_BLOCKS = re.compile(r"^```(?:console|sh|bash|shell)\b[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`(envman [^`\n]+)`(?!`)")
# What a reader puts in, or leaves out: `[ENV]`, `SERVICE...`, `…`.
_SYNTAX = re.compile(r"[\[\]|…]|\.\.\.|--\w+,|^envman (?:COMMAND|--help)")
_WORDS = re.compile(r"(?:^|[\s;&|(])envman((?:\s+(?:'[^']*'|\"[^\"]*\"|\$\([^()]*\)|[^\s;&|<>()#\\]+))+)")


def told(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the envman commands of a page or script as they are typed, and whether only its text names them."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    named: list[str] = []
    if path.suffix == ".md":
        typed = "\n".join(_BLOCKS.findall(text)).splitlines()
        if any(line.startswith("$ ") for line in typed):
            typed = [line[2:] for line in typed if line.startswith("$ ")]
        named = [one for one in _INLINE.findall(text) if not _SYNTAX.search(one)]
    else:
        typed = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for lines, in_text in ((typed, False), (named, True)):
        for line in lines:
            for one in _WORDS.findall(re.sub(r"\{[%{].*?[%}]\}", "x", line)):
                yield one.strip(), in_text


def understand(words: list[str]) -> None:
    """Let the real command line parse ``words``, without running anything; raises click's errors."""
    command: Any = PROGRAM
    context, name = None, "envman"
    while True:
        context = command.make_context(name, words, parent=context, obj=Invocation())
        words = [*context._protected_args, *context.args] if hasattr(command, "commands") else []
        if not words:
            return
        name, command, words = command.resolve_command(context, words)


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_pages_tell_to_type_is_understood(path: Path) -> None:
    for line, in_text in told(path):
        words = [word for word in shlex.split(line) if not word.startswith("${") and word != "$@"]
        try:
            understand(words)
        except typer.Exit:
            pass
        except UsageError as error:
            if in_text and type(error).__name__ in NAMED:
                continue  # text names commands without their arguments
            pytest.fail(f"`envman {line}`: {error.format_message()}")


def test_commands_are_found_where_they_are_told() -> None:
    found = {path.name: [line for line, _ in told(path)] for path in TOLD}
    assert "up local" in found["README.md"]
    assert "cp data/raw/subscribers.csv dev:data/raw/" in found["your-own-data.md"]
    assert any(one.startswith("run ") for one in found["ci"])
    assert sum(map(len, found.values())) > 150
    with pytest.raises(UsageError):
        understand(["cp"])
    with pytest.raises(UsageError):
        understand(["up", "dev", "--no-such-option"])
