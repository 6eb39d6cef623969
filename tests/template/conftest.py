"""Projects baked from the template, by cookiecutter as a user would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Bake = Callable[..., Path]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def bake(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """Make a project with the answers given, by plain ``cookiecutter --no-input``, and return its folder."""

    def run(**answers: str) -> Path:
        work = tmp_path_factory.mktemp("bake")
        options = [f"{name}={value}" for name, value in answers.items()]
        subprocess.run(
            [
                *(sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", str(work / "out")),
                *(str(root / "cookiecutter-mlproject"), *options),
            ],
            # Away from the answers and settings that this machine's user has in the home folder.
            env={**os.environ, "HOME": str(work)},
            check=True,
            capture_output=True,
            text=True,
        )
        [made] = (work / "out").iterdir()
        return made

    return run


@pytest.fixture(scope="session")
def project(bake: Bake) -> Path:
    """A project with the default answers, to be read only."""
    return bake()


@pytest.fixture(scope="session")
def other(bake: Bake) -> Path:
    """A project with the same files but without a single default answer, to be read only."""
    return bake(
        project_name="churn-of-customers",
        package_name="customer_churn_prediction",
        description='Who "leaves" & why <soon>',
        author="Zoë O'Brien",
        python_version="3.11",
        licence="MIT",
        gpu="optional",
        registry="registry.example.com/team",
    )
