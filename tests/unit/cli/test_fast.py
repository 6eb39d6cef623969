"""The way past typer: only where a command line surely means the same, and with the same result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from envman.cli import fast, rendering
from envman.cli.invocation import Format, Invocation
from envman.cli.main import run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `render` was asked for."""
    calls: list[dict[str, Any]] = []

    def note(invocation: Invocation, environment: str | None, **options: Any) -> None:
        options["settings"] = list(options["settings"])
        about = {
            "directory": invocation.directory,
            "format": invocation.format,
            "context": invocation.context,
            "environment": environment,
        }
        calls.append({**about, **options})

    monkeypatch.setattr(rendering, "render_environment", note)
    return calls


UNDERSTOOD = [
    "render",
    "render dev",
    "render dev --output -",
    "render -o out.yml dev",
    "render --output=out.yml dev",
    "render dev --set a=1 --set b=2=3",
    "render dev --set=a=1",
    "render --instance bob dev --no-cache",
    "render dev --annotate -o -",
    "render --annotate --no-cache dev",
    "render --frozen dev -o -",
    "-C folder render dev",
    "--directory folder --format json render dev",
    "--format=concise --context=remote render dev",
    "--format json --format human render dev --instance a --instance b -o a -o b",
    "render render",
]
LEFT_TO_TYPER = [
    "",
    "--help",
    "check",
    "render --help",
    "render -h",
    "render dev prod",
    "render dev --nonsense",
    "render dev --outpu x",
    "render dev -oout.yml",
    "render dev -o=out.yml",
    "render dev --output",
    "render dev --instance -x",
    "render dev --set --no-cache",
    "render --output --no-cache dev",
    "render --output --annotate dev",
    "--no-cache render dev",
    "render -- dev",
    "-Cfolder render dev",
    "--version render dev",
    "--format xml render dev",
    "--format JSON render dev",
    "--directory render dev",
    "up render",
    "explain render services",
]


@pytest.mark.parametrize("line", UNDERSTOOD)
def test_it_asks_for_what_typer_would_ask_for(
    line: str, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = line.split()
    assert fast.plain_render(Invocation(), words) is not None
    assert run(Invocation(), words) == 0
    monkeypatch.setattr(fast, "plain_render", lambda *_: None)
    assert run(Invocation(), words) == 0
    assert len(asked) == 2
    assert asked[0] == asked[1]


@pytest.mark.parametrize("line", LEFT_TO_TYPER)
def test_every_other_command_line_is_typers(line: str) -> None:
    invocation = Invocation()
    assert fast.plain_render(invocation, line.split()) is None
    assert (invocation.directory, invocation.format) == (Path.cwd(), Format.HUMAN)


def test_so_are_empty_words_and_completion() -> None:
    assert fast.plain_render(Invocation(), ["render", ""]) is None
    assert fast.plain_render(Invocation(), ["render", "--instance", ""]) is None
    environ = {**os.environ, "_ENVMAN_COMPLETE": "complete_bash"}
    assert fast.plain_render(Invocation(environ=environ), ["render", "dev"]) is None


def test_up_and_status_alone_are_plain_too(tmp_path: Path) -> None:
    assert fast.plain_up(Invocation(), ["-C", str(tmp_path), "up", "dev", "--set", "a=1"]) is not None
    assert fast.plain_up(Invocation(), ["up", "--frozen", "dev"]) is not None
    assert fast.plain_status(Invocation(), ["--format", "json", "status", "--instance", "bob"]) is not None


@pytest.mark.parametrize(
    "line", ["up dev api", "up dev --build", "up --timeout 3", "up dev --no-cache", "up -y", "run up", "up --adopt dev"]
)
def test_an_up_that_asks_for_more_is_typers(line: str) -> None:
    assert fast.plain_up(Invocation(), line.split()) is None


@pytest.mark.parametrize("line", ["status dev", "status --watch", "status --help", "status --set a=1", "logs status"])
def test_a_status_that_asks_for_more_is_typers(line: str) -> None:
    assert fast.plain_status(Invocation(), line.split()) is None


@pytest.mark.parametrize(
    "line",
    [
        "switch dev",
        "-C folder --format json switch dev --from prod",
        "switch --from=prod dev --snapshot",
        "switch dev --no-snapshot --set a=1 --set b=2 --instance bob",
    ],
)
def test_a_switch_asks_for_what_typer_would_ask_for(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def keep(invocation: Invocation, environment: str, **options: Any) -> None:
        asked.append(
            {
                "environment": environment,
                "directory": invocation.directory,
                "format": invocation.format,
                **{name: value for name, value in options.items() if value and name not in {"timeout", "wait"}},
            }
        )
        assert (options.get("timeout", 300.0), options.get("wait", True)) == (300.0, True)
        asked[-1].setdefault("frozen", None)

    monkeypatch.setattr("envman.cli.switching.switch_environment", keep)
    monkeypatch.setattr("envman.cli.switch.switch_environment", keep)
    words = line.split()
    assert fast.plain_switch(Invocation(), words) is not None
    assert run(Invocation(), words) == 0
    monkeypatch.setattr(fast, "plain_switch", lambda *_: None)
    assert run(Invocation(), words) == 0
    assert len(asked) == 2
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    "line",
    [
        "snapshot create",
        "snapshot create dev",
        "-C folder --format json snapshot create dev --name=one",
        "snapshot create --volume a dev --volume b --live",
        "snapshot create dev --set a=1 --set b=2 --instance bob --name one",
    ],
)
def test_a_snapshot_asks_for_what_typer_would_ask_for(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def keep(invocation: Invocation, environment: str | None, **options: Any) -> None:
        common = {"environment": environment, "directory": invocation.directory, "format": invocation.format}
        asked.append({**common, **{name: value or None for name, value in options.items()}})

    monkeypatch.setattr("envman.cli.snapshotting.take_snapshot", keep)
    words = line.split()
    assert fast.plain_snapshot(Invocation(), words) is not None
    assert run(Invocation(), words) == 0
    monkeypatch.setattr(fast, "plain_snapshot", lambda *_: None)
    assert run(Invocation(), words) == 0
    assert len(asked) == 2
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    "line",
    ["snapshot", "snapshot list", "snapshot create a b", "snapshot --live create", "snapshot create --wrong", "create"],
)
def test_what_is_no_plain_snapshot_is_typers(line: str) -> None:
    assert fast.plain_snapshot(Invocation(), line.split()) is None


@pytest.mark.parametrize(
    "line",
    ["switch", "switch --resume", "switch --abort", "switch dev --frozen", "switch dev --timeout 3", "switch a b"],
)
def test_a_switch_that_asks_for_more_is_typers(line: str) -> None:
    assert fast.plain_switch(Invocation(), line.split()) is None
