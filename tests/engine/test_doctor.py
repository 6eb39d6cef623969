"""The table of `doctor`, on a real engine and without one."""

from __future__ import annotations

import os
from pathlib import Path

from stacks import Checkout

CHECKS = [
    "engine",
    "docker command",
    "Compose",
    "buildx",
    "one engine",
    "disk",
    "ports",
    "hub",
    "proxy",
    "CA certificates",
    "GPU runtime",
    "Swarm",
]


def test_every_check_has_a_row_outside_of_a_project_too(tmp_path: Path) -> None:
    done = Checkout(tmp_path, "").run("doctor", status=None)
    header, *rows = done.out.split("\n\n")[0].splitlines()
    assert header.split() == ["CHECK", "FOUND"]
    assert len(rows) == len(CHECKS)
    for row, name in zip(rows, CHECKS, strict=True):
        assert row[0] in "✓!✗-"
        assert row[1:].lstrip().startswith(f"{name} ")
    found = {one["check"]: one for one in Checkout(tmp_path, "").run("--format", "json", "doctor", status=None).json}
    assert list(found) == CHECKS
    assert [found[name]["status"] for name in ("engine", "docker command", "Compose", "one engine")] == ["ok"] * 4
    assert done.status == (3 if any(one["status"] == "fail" for one in found.values()) else 0)


def test_without_an_engine_the_other_checks_are_made_all_the_same(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/nothing.sock"
    done = Checkout(tmp_path, "").run("doctor", status=3, DOCKER_HOST=host)
    assert f"✗  engine           no Docker engine at {host} (DOCKER_HOST): there is no such socket\n" in done.out
    assert "-  one engine       no engine to ask\n" in done.out
    assert (
        "What to do:\n  engine: start Docker (`systemctl start docker`, or Docker Desktop); "
        "`docker context ls` shows other engines\n"
    ) in done.out


def test_a_compose_that_is_too_old(tmp_path: Path) -> None:
    script = tmp_path / "docker"
    script.write_text('#!/bin/sh\ncase "$*" in *"compose version"*) echo 2.17.3; exit 0;; esac\nexit 1\n')
    script.chmod(0o755)
    done = Checkout(tmp_path, "").run("doctor", status=3, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "✗  Compose          2.17.3 is too old\n" in done.out
    assert "  Compose: upgrade it to 2.24 or newer\n" in done.out


def test_an_unknown_context_is_all_that_there_is_to_say(tmp_path: Path) -> None:
    done = Checkout(tmp_path, "").run("--context", "prdo", "doctor", status=3, DOCKER_CONFIG=str(tmp_path))
    assert '✗  context  there is no Docker context "prdo" (--context)\n' in done.out
