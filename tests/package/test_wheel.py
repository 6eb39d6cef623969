"""The wheel is all that a user gets: it must carry the blueprints and the template, and work from anywhere."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from envman.diagnostics.codes import CODES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_carries_what_is_shipped(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    blueprints = {f"envman/shipped_files/blueprints/{path.name}" for path in (ROOT / "blueprints").glob("*.yaml")}
    assert len(blueprints) >= 5
    assert blueprints <= names
    assert "envman/shipped_files/cookiecutter-mlproject/cookiecutter.json" in names
    assert {f"envman/diagnostics/pages/{code}.md" for code in CODES} <= names
    assert "envman/py.typed" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_an_installed_wheel_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = venv / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", str(wheel)], check=True, timeout=280)
    envman = str(venv / "bin" / "envman")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def call(*arguments: str, folder: Path = elsewhere) -> str:
        done = subprocess.run([envman, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert call("--version").startswith("envman ")
    call("new", "churn", "--no-input")
    assert call("check", folder=elsewhere / "churn").startswith("4 environments checked")
    assert call("render", "prod", folder=elsewhere / "churn") == ".envman/prod/docker-compose.yml\n"
    (elsewhere / "other").mkdir()
    assert "blueprints/prod.yaml" in call("init", folder=elsewhere / "other")
