"""A project, and envman in it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from called import Ended, Envman
from results import check_result

from envman.cli.invocation import Invocation
from envman.cli.main import run

BLUEPRINTS = {
    "base": """\
        abstract: true
        variables:
          log_level: {type: enum, values: [info, debug], default: info}
        services:
          api:
            image: "busybox:1"
            environment: {LOG_LEVEL: "${log_level}"}
            ports: [{name: http, target: 80, published: auto}]
            secrets: [token]
        secrets:
          token: {source: generate}
        """,
    "dev": "extends: base\n",
    "prod": "extends: base\nprotected: true\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a project with the environments dev and prod."""
    root = tmp_path / "project"
    (root / "blueprints").mkdir(parents=True)
    (root / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    for name, text in BLUEPRINTS.items():
        (root / "blueprints" / f"{name}.yaml").write_text(textwrap.dedent(text))
    return root


@pytest.fixture
def envman(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Envman:
    """Return a function that runs envman in the project's folder; no engine answers it."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project}/no-engine.sock")
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)

    def call(*words: str, status: int | None = 0) -> Ended:
        found = run(Invocation(), words)
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        check_result(words, out)
        if status is not None:
            assert found == status, out + err
        return Ended(found, out, err)

    return call
