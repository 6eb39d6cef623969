"""Standard streams that are closed or full, and bytes that are no text."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from called import Envman


def shell(project: Path, command: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``command`` in a shell, in which `envman` is this one; no engine answers it."""
    environ = {**os.environ, "DOCKER_HOST": f"unix://{project}/no-engine.sock"}
    script = f'envman() {{ "{sys.executable}" -m envman "$@"; }}; {command}'
    return subprocess.run(
        ["/bin/sh", "-c", script], cwd=project, env=environ, capture_output=True, check=False, timeout=60
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("words", "status"), [("check", 0), ("--format json check dev", 0), ("check nowhere", 1)])
def test_a_closed_stream_is_no_bug(project: Path, closed: str, words: str, status: int) -> None:
    done = shell(project, f"envman {words} {closed}")
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    assert b"EV901" not in done.stderr


def test_a_file_never_takes_the_place_of_a_closed_stream(project: Path) -> None:
    done = shell(project, "envman render dev >&- 2>&-")
    assert done.returncode == 0
    text = (project / ".envman/dev/docker-compose.yml").read_text()
    assert text.startswith("# Rendered by envman")
    assert "rendered" not in text.splitlines()[-1]


def test_a_full_device_is_a_diagnostic(project: Path) -> None:
    done = shell(project, "envman check > /dev/full")
    assert done.returncode == 1
    assert b"error[EV008]: standard output: no space left on device" in done.stderr


def test_a_variable_is_text(envman: Envman, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "variables: {v: {type: string, env: V, default: x}}\nservices: {a: {image: 'b:1', command: ['${v}']}}\n"
    (project / "blueprints/dev.yaml").write_text(text)
    monkeypatch.setenv("V", "a\udcff")
    told = envman("check", "dev", status=1).err
    assert 'error[EV205]: variable "v" from process environment (V) is not text' in told
    assert "blueprints/dev.yaml:1:13" in told


def test_a_context_that_is_no_text_is_an_unknown_one(envman: Envman) -> None:
    assert "error[EV407]" in envman("--context", "a\udcff", "status", status=3).err


def test_a_password_in_the_address_of_an_engine_is_never_shown(envman: Envman, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://me:hunter2@127.0.0.1:1")
    for words in (["status"], ["doctor"], ["--format", "json", "doctor"], ["plan", "dev"]):
        done = envman(*words, status=None)
        assert "hunter2" not in done.out + done.err
