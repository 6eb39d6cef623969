"""`scripts/ci` of projects at both ends of the options, on a real engine: built, tested, up, trained, asked, gone."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.nightly, pytest.mark.timeout(1200)]

CA_CERTIFICATES = Path(os.environ.get("ENVMAN_CA_CERTIFICATES") or "/etc/ssl/certs/ca-certificates.crt")
# As many services, images and requirements as there can be, and as few.
LARGEST = {"artifacts": "s3", "notebook": "jupyter", "gpu": "optional"}
SMALLEST = {"ci": "none", "tracking": "none", "gateway": "none", "monitoring": "none"}


def docker(*arguments: str) -> list[str]:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()


@dataclass
class Baked:
    """A project of its own name, and the environment that its commands run in."""

    folder: Path
    environ: dict[str, str]

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def refuse_remains(self) -> None:
        for kind in ("container", "volume", "network"):
            everything = ["--all"] if kind == "container" else []
            assert docker(kind, "ls", "--quiet", *everything, "--filter", f"name={self.folder.name}") == []


@pytest.fixture
def baked(bake: Callable[..., Path], tmp_path: Path) -> Iterator[Callable[..., Baked]]:
    """Make projects with the answers given; their images are removed at the end."""
    names = []

    def make(**answers: str) -> Baked:
        names.append(f"envman-test-{secrets.token_hex(4)}")
        project = bake(project_name=names[-1], **answers)
        envman = tmp_path / "bin/envman"
        envman.parent.mkdir()
        envman.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m envman "$@"\n')
        envman.chmod(0o755)
        environ = {
            **os.environ,
            "PATH": f"{envman.parent}:{os.environ['PATH']}",
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "IMAGE_REGISTRY": "",
        }
        if CA_CERTIFICATES.is_file():
            environ["ENVMAN_CA_CERTIFICATES"] = str(CA_CERTIFICATES)
        return Baked(project, environ)

    yield make
    for name in names:
        if images := docker("image", "ls", "--quiet", "--filter", f"reference={name}-*"):
            docker("image", "rm", "--force", *set(images))


@pytest.mark.parametrize(
    "answers",
    [pytest.param(LARGEST, id="largest"), pytest.param(SMALLEST, id="smallest")],
)
def test_all_that_ci_does_passes(answers: dict[str, str], baked: Callable[..., Baked]) -> None:
    project = baked(**answers)
    assert '"probability"' in project.run("scripts/ci")
    project.refuse_remains()


def test_without_a_gateway_the_api_of_prod_answers_itself(baked: Callable[..., Baked]) -> None:
    project = baked(**SMALLEST)
    environments = ("staging", "prod")
    ask = ("curl", "--fail", "--silent", "--show-error", "--max-time", "30")
    try:
        for environment in environments:
            project.run("envman", "up", environment)
            project.run("envman", "run", "--no-tty", environment, "train")
            api = f"http://{project.run('envman', 'port', environment, 'api', 'http').strip()}"
            project.run(*ask, "--retry", "30", "--retry-delay", "1", "--retry-all-errors", f"{api}/health/ready")
            example = project.run(*ask, f"{api}/example")
            assert '"probability"' in project.run(*ask, f"{api}/predict", "--json", example)
    finally:
        for environment in environments:
            project.run("envman", "down", environment, "--volumes", "--no-snapshot", "--confirm", environment)
    project.refuse_remains()
