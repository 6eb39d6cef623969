"""What people and editors read: colours, help, one line for each diagnostic."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from called import Envman

from envman.cli.app import app


def test_concise_is_a_line_for_each_diagnostic_and_nothing_else(envman: Envman, project: Path) -> None:
    (project / "blueprints/dev.yaml").write_text("services:\n  api: {imge: b}\n  db: {image: 5}\n")
    (project / "blueprints/prod.yaml").write_text("services: {api: {image: b}}\n")
    done = envman("--format", "concise", "check", status=1)
    assert done.out == ""
    assert [line.rpartition("]:")[0] for line in done.err.splitlines()] == [
        "blueprints/dev.yaml:2:9: error[EV105",
        "blueprints/dev.yaml:3:15: error[EV106",
        "blueprints/prod.yaml:1:25: warning[EV314",
    ]


def test_concise_says_nothing_where_there_is_nothing_to_say(envman: Envman) -> None:
    done = envman("--format", "concise", "check")
    assert (done.out, done.err) == ("", "")


def test_concise_tells_usage_in_a_line(envman: Envman) -> None:
    done = envman("--format", "concise", "rendr", status=2)
    assert done.err.splitlines() == ["error[EV902]: No such command 'rendr'. Did you mean 'render'?"]


def on_a_terminal(root: Path, *words: str, **environ: str) -> str:
    """Return what envman writes to a terminal."""
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    master, slave = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "envman", "-C", str(root), *words],
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            check=False,
            env={**plain, "TERM": "xterm", **environ},
        )
    finally:
        os.close(slave)
    written = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not part:
            break
        written += part
    os.close(master)
    return written.decode()


def test_colours_on_a_terminal(project: Path) -> None:
    assert "\x1b[1;31merror[EV003]\x1b[0m" in on_a_terminal(project, "render", "nope")


def test_no_colours_where_they_are_not_wanted(project: Path) -> None:
    written = on_a_terminal(project, "render", "nope", NO_COLOR="1")
    assert "error[EV003]" in written
    assert "\x1b" not in written


def test_no_colours_elsewhere(envman: Envman, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b" not in envman("render", "nope", status=1).err


def test_a_terminal_that_is_not_utf_8_is_no_bug(project: Path) -> None:
    (project / "blueprints/dev.yaml").write_text("services: {api: {image: b, labels: {a: 名前}}}\n")
    done = subprocess.run(
        [sys.executable, "-m", "envman", "-C", str(project), "render", "dev", "-o", "-"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert rb"\u540d\u524d" in done.stdout


# --- help


def commands() -> list[tuple[str, ...]]:
    def walk(group: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        found = []
        for name, command in getattr(group, "commands", {}).items():
            found += [(*path, name), *walk(command, (*path, name))]
        return found

    return walk(ROOT, ())


ROOT = typer.main.get_command(app)
COMMANDS = commands()


def test_the_walk_sees_the_commands() -> None:
    assert {("up",), ("render",), ("secrets", "show")} <= set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_says_what_a_command_does_and_takes(envman: Envman, path: tuple[str, ...]) -> None:
    done = envman(*path, "--help")
    usage, _, rest = done.out.partition("\n")
    assert usage.startswith(f"Usage: envman {' '.join(path)} ")
    summary = rest.strip().partition("\n\n")[0]
    assert summary.rstrip().endswith("."), "a sentence says what it does"


def test_help_has_a_short_name(envman: Envman) -> None:
    assert envman("up", "-h").out == envman("up", "--help").out


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_of_a_command_is_explained(path: tuple[str, ...]) -> None:
    command: object = ROOT
    for step in path:
        command = getattr(command, "commands")[step]  # noqa: B009 - of a vendored class
    bare = [one.name for one in getattr(command, "params", []) if not getattr(one, "help", None) and one.name != "help"]
    assert bare == []


def test_help_lists_every_command(envman: Envman) -> None:
    text = envman("--help").out
    assert [path[0] for path in COMMANDS if f"\n  {path[0]} " not in text] == []


def test_version(envman: Envman) -> None:
    from envman.version import installed_version

    assert envman("--version").out == f"envman {installed_version()}\n"
