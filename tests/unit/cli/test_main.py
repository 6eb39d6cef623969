from __future__ import annotations

from pathlib import Path

import pytest

from envman.cli.invocation import Invocation
from envman.cli.main import run

VALUE = "hunter2"


def test_a_bug_becomes_a_diagnostic_and_a_log_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise KeyError(VALUE)

    (tmp_path / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    monkeypatch.setattr(Invocation, "workspace", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run(Invocation(directory=tmp_path), ["render", "dev"]) == 4
    error = capsys.readouterr().err
    assert error.startswith("error[EV901]: envman has a bug: KeyError\n")
    assert "Traceback" not in error
    (log,) = tmp_path.glob("envman-bug-*.log")
    assert str(log) in error
    assert VALUE not in error + log.read_text()
