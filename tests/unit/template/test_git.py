from __future__ import annotations

from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.template.git import GitError, need_git, run_git


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("version", ["2.37.9", "1.9", "2.9.5"])
def test_a_git_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    fake(tmp_path, monkeypatch, f"echo 'git version {version}'")
    with pytest.raises(EnvmanError) as caught:
        need_git()
    assert caught.value.diagnostics[0].code == "EV704"
    assert version in caught.value.diagnostics[0].message


@pytest.mark.parametrize("version", ["2.38.0", "2.50.1 (Apple Git-155)", "3.0"])
def test_a_git_that_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    fake(tmp_path, monkeypatch, f"echo 'git version {version}'")
    need_git()


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvmanError) as caught:
        need_git()
    assert caught.value.diagnostics[0].code == "EV704"


def test_what_git_complains_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "echo no room >&2; exit 7")
    with pytest.raises(GitError) as caught:
        run_git("status")
    assert (caught.value.status, caught.value.message) == (7, "no room\n")
    assert run_git("status", good=(7,)) == b""


def test_a_hooks_variables_lead_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, 'echo "$GIT_DIR|$GIT_INDEX_FILE|$LC_ALL"')
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/elsewhere/index")
    assert run_git("status") == b"||C\n"
    assert run_git("status", environ={"GIT_DIR": "here"}) == b"here||C\n"
