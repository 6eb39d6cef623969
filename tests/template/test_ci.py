"""`scripts/ci` of projects at both ends of the options, on a real engine: built, tested, up, trained, asked, gone."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
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


@pytest.mark.parametrize(
    "answers",
    [pytest.param(LARGEST, id="largest"), pytest.param(SMALLEST, id="smallest")],
)
def test_all_that_ci_does_passes(
    answers: dict[str, str], bake: Callable[..., Path], root: Path, tmp_path: Path
) -> None:
    options = json.loads((root / "cookiecutter-mlproject/cookiecutter.json").read_text())
    name = f"envman-test-{secrets.token_hex(4)}"
    project = bake(project_name=name, **{option: answer for option, answer in answers.items() if option in options})
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
    try:
        done = subprocess.run(["scripts/ci"], cwd=project, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        assert '"probability"' in done.stdout
        for kind in ("container", "volume", "network"):
            everything = ["--all"] if kind == "container" else []
            assert docker(kind, "ls", "--quiet", *everything, "--filter", f"name={name}") == []
    finally:
        if images := docker("image", "ls", "--quiet", "--filter", f"reference={name}-*"):
            docker("image", "rm", "--force", *set(images))
