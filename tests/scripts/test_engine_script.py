"""What scripts/engine says and refuses without ever starting anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "scripts" / "engine"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="scripts/engine is for Debian")


@pytest.fixture
def no_docker(tmp_path: Path) -> dict[str, str]:
    """An environment in which no Docker answers, ours or the machine's."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DOCKER_HOST": f"unix://{tmp_path}/nowhere.sock",
        "ENVMAN_ENGINE_HOME": str(tmp_path / "engine"),
    }


def engine(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ENGINE, *arguments], env=env, capture_output=True, text=True, check=False)


def test_status_says_that_none_runs(no_docker: dict[str, str]) -> None:
    done = engine("status", env=no_docker)
    assert (done.returncode, done.stdout, done.stderr) == (1, "engine:  none\n", "")


def test_env_prints_nothing_to_evaluate_where_none_runs(no_docker: dict[str, str]) -> None:
    done = engine("env", env=no_docker)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "engine: no engine runs: 'scripts/engine up' starts one\n"


@pytest.mark.parametrize("command", ["down", "purge", "status", "env"])
def test_looking_and_stopping_leave_nothing_behind(no_docker: dict[str, str], command: str) -> None:
    engine(command, env=no_docker)
    assert not Path(no_docker["ENVMAN_ENGINE_HOME"]).exists()


def test_an_unknown_command_is_a_usage_error(no_docker: dict[str, str]) -> None:
    done = engine("start", env=no_docker)
    assert done.returncode == 2
    assert "scripts/engine up " in done.stderr


def fake_program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_a_machine_with_docker_is_left_alone(no_docker: dict[str, str], tmp_path: Path) -> None:
    fake_program(tmp_path / "bin", "docker", 'case "$1" in compose) echo 2.40.3 ;; esac')
    env = {**no_docker, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = engine("up", env=env)
    assert (done.returncode, done.stderr) == (0, "engine: this machine's own Docker works: nothing to do\n")
    assert engine("env", env=env).stdout == ""
    assert not Path(env["ENVMAN_ENGINE_HOME"]).exists()


def test_run_passes_the_exit_status_on(no_docker: dict[str, str], tmp_path: Path) -> None:
    fake_program(tmp_path / "bin", "docker", 'case "$1" in compose) echo v2.24.0 ;; esac')
    env = {**no_docker, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    assert engine("run", "sh", "-c", "exit 7", env=env).returncode == 7


def test_a_docker_with_an_old_compose_is_refused_not_replaced(no_docker: dict[str, str], tmp_path: Path) -> None:
    fake_program(tmp_path / "bin", "docker", 'case "$1" in compose) echo 2.23.3 ;; esac')
    env = {**no_docker, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = engine("up", env=env)
    assert done.returncode == 3
    assert "its Compose is too old (have: 2.23.3, need: 2.24 or newer)" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_without_root_it_explains_what_to_do(no_docker: dict[str, str]) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here")
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", "bash", "-s", "up"],
        input=f'source "{ENGINE}"',
        env=no_docker,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "Run 'sudo scripts/engine up', or start your own Docker." in done.stderr


@pytest.mark.parametrize("number", ["1", "nonsense", "", "4194304999"])
def test_a_pid_file_that_names_somebody_else_counts_for_nothing(tmp_path: Path, number: str) -> None:
    (tmp_path / "pid").write_text(number)
    script = f'source "{ROOT}/scripts/lib/common.sh"; pid_of "{tmp_path}/pid" dockerd envman'
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("minimum", "version", "enough"),
    [("2.24", "2.24.0", True), ("2.24", "v2.40.3-3", True), ("2.24", "2.9.1", False), ("2.24", "none", False)],
)
def test_versions_compare_as_numbers(minimum: str, version: str, enough: bool) -> None:
    script = f'source "{ROOT}/scripts/lib/common.sh"; at_least {minimum} {version}'
    assert (subprocess.run(["bash", "-euc", script], check=False).returncode == 0) is enough


@pytest.mark.parametrize(
    ("folder", "image", "repository"),
    [
        ("busybox-1.37", "busybox:1.37", "library/busybox:1.37"),
        ("python-3.13-slim", "python:3.13-slim", "library/python:3.13-slim"),
        ("prom/prometheus-v2.53.3", "prom/prometheus:v2.53.3", "prom/prometheus:v2.53.3"),
        ("some-one/two-words-1.4", "some-one/two-words:1.4", "some-one/two-words:1.4"),
    ],
)
def test_a_stand_in_is_called_as_its_folder_says(folder: str, image: str, repository: str) -> None:
    script = """
        for part in common hub stand-ins; do source "$SCRIPTS/lib/$part.sh"; done
        image_of "$1"
        hub_repository "$(image_of "$1")"
    """
    done = subprocess.run(
        ["bash", "-euc", script, "bash", folder],
        env={**os.environ, "SCRIPTS": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [image, repository], done.stderr


def test_every_recipe_names_an_image() -> None:
    script = """
        for part in common hub stand-ins; do source "$SCRIPTS/lib/$part.sh"; done
        for stand_in in $(stand_ins); do image_of "$stand_in"; done
    """
    environ = {**os.environ, "SCRIPTS": str(ROOT / "scripts")}
    done = subprocess.run(["bash", "-euc", script], env=environ, capture_output=True, text=True, check=True)
    images = set(done.stdout.split())
    assert len(images) == len(list((ROOT / "scripts/stand-ins").rglob("recipe")))
    documented = (ROOT / "docs/engine.md").read_text()
    assert {image for image in images if f"| `{image}` |" not in documented} == set()
