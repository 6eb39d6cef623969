"""The baked project on a real engine: its images build, and its own checks pass inside of them."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

# Where builds are behind a proxy that intercepts TLS, this file has its authorities.
CA_CERTIFICATES = Path(os.environ.get("ENVMAN_CA_CERTIFICATES") or "/etc/ssl/certs/ca-certificates.crt")

Build = Callable[[str], str]


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=check)


@pytest.fixture(scope="module")
def build(project: Path) -> Iterator[Build]:
    """Build a target of the project's Dockerfile, and return its image's name."""
    name = f"envman-test-template-{secrets.token_hex(4)}"
    made: list[str] = []

    def run(target: str) -> str:
        image = f"{name}:{target}"
        if image not in made:
            secret = ["--secret", f"id=ca_certificates,src={CA_CERTIFICATES}"] if CA_CERTIFICATES.is_file() else []
            alone = target in {"gateway", "prometheus"}
            context, dockerfile = (
                (project / "docker" / target, project / "docker" / target / "Dockerfile")
                if alone
                else (project, project / "docker/Dockerfile")
            )
            stage = [] if alone else ["--target", target]
            options = ["--tag", image, "--file", str(dockerfile), *stage, *secret]
            done = docker("build", *options, str(context), check=False)
            assert done.returncode == 0, done.stderr[-4000:]
            made.append(image)
        return image

    yield run
    if made:
        docker("image", "rm", "--force", *made)


def inside(image: str, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return docker("run", "--rm", "--log-driver=none", "--network=none", *options, image, *command, check=False)


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--check", "--no-cache", "."),
        ("mypy", "--cache-dir=/tmp/mypy"),
        ("pytest", "-p", "no:cacheprovider"),
    ],
    ids=["ruff", "format", "mypy", "pytest"],
)
def test_its_own_checks_pass_in_its_own_image(build: Build, command: tuple[str, ...]) -> None:
    done = inside(build("dev"), *command)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_jobs_run_in_their_images_on_a_read_only_file_system(build: Build) -> None:
    volume = build("batch").replace(":", "-")
    hard = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    # Named, so that it takes the owner of the image's folder over; models lie beside the data.
    mounted = (*hard, f"--volume={volume}:/data", "--env=MODEL_FOLDER=/data/models")
    try:
        # First the image that knows the folder.
        untrained = inside(build("batch"), options=mounted)
        assert untrained.returncode == 1
        assert "run the train job" in untrained.stdout
        for target in ("train", "batch"):
            done = inside(build(target), options=mounted)
            assert done.returncode == 0, done.stdout + done.stderr
        scored = inside(build("batch"), "cat", "/data/processed/sample.csv", options=mounted).stdout.splitlines()
        assert len(scored) == 151
        assert scored[0].endswith(",prediction,probability,model_version")
        refused = inside(build("train"), options=(*mounted, "--env=MINIMUM_ACCURACY=1"))
        assert refused.returncode == 1
        assert "the model is not registered" in refused.stdout
    finally:
        docker("volume", "rm", "--force", volume)


@pytest.mark.parametrize("target", ["train", "batch", "serve", "tracking", "dev", "gateway", "prometheus"])
def test_images_run_as_a_numeric_user_without_a_trace_of_the_build(build: Build, target: str) -> None:
    image = build(target)
    inspected = docker("image", "inspect", "--format", "{{.Config.User}} {{json .Config.Env}}", image).stdout
    assert inspected.startswith({"gateway": "101:101 ", "prometheus": "65534:65534 "}.get(target, "10001:10001 "))
    for word in ("PIP_", "PASSWORD", "SECRET", "http://", "https://"):
        assert word not in inspected


def test_the_service_is_small(build: Build) -> None:
    base = int(docker("image", "inspect", "--format", "{{.Size}}", "python:3.13-slim").stdout)
    serve = int(docker("image", "inspect", "--format", "{{.Size}}", build("serve")).stdout)
    # With the official base image, of some 125 MB, this is under 450 MB.
    assert (serve - base) / 1e6 < 325


def test_only_the_tracking_server_has_a_full_mlflow(build: Build) -> None:
    probe = "import importlib.util as u, sys; sys.exit(u.find_spec('sqlalchemy') is not None)"
    assert inside(build("tracking"), "python", "-c", probe).returncode == 1
    for target in ("train", "batch", "serve"):
        assert inside(build(target), "python", "-c", probe).returncode == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("alerts.yml", "> 0.05", "> 0.5", "alertname: ApiErrors"),
        ("alerts.yml", "rate(http_requests_total", "rte(http_requests_total", 'unknown function with name "rte"'),
        ("prometheus.yml", "scrape_configs:", "scrape_config:", "field scrape_config not found"),
    ],
    ids=["a rule that does something else", "a rule that is none", "a configuration that is none"],
)
def test_rules_that_fail_their_tests_become_no_image(
    project: Path, tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    folder = shutil.copytree(project / "docker/prometheus", tmp_path / "prometheus")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    done = docker("build", "--progress=plain", str(folder), check=False)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
