"""`render` and `use`: where a render goes, and that it is written whole or not at all."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from called import Envman

DEFAULT = ".envman/dev/docker-compose.yml"


def test_it_goes_to_its_environments_folder(envman: Envman, project: Path) -> None:
    done = envman("render", "dev")
    assert (done.out, done.err) == (f"{DEFAULT}\n", "")
    assert yaml.safe_load((project / DEFAULT).read_text())["name"] == "churn-dev"


def test_an_instance_has_a_folder_of_its_own(envman: Envman, project: Path) -> None:
    assert envman("render", "dev", "--instance", "two").out == ".envman/dev-two/docker-compose.yml\n"
    assert yaml.safe_load((project / ".envman/dev-two/docker-compose.yml").read_text())["name"] == "churn-dev-two"


def test_it_goes_where_it_is_told(envman: Envman, project: Path, tmp_path: Path) -> None:
    target = tmp_path / "new/folder/out.yml"
    assert envman("render", "dev", "--output", str(target)).out == f"{target}\n"
    assert yaml.safe_load(target.read_text())["name"] == "churn-dev"
    assert not (project / DEFAULT).exists()


def test_a_relative_output_means_the_folder_one_is_in(
    envman: Envman, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "sub").mkdir()
    monkeypatch.chdir(project / "sub")
    envman("render", "dev", "-o", "out.yml")
    assert (project / "sub/out.yml").is_file()


def test_standard_output_gets_the_same_bytes(envman: Envman, project: Path) -> None:
    shown = envman("render", "dev", "-o", "-").out
    assert not (project / DEFAULT).exists()
    envman("render", "dev")
    assert shown == (project / DEFAULT).read_text()


@pytest.mark.parametrize("words", [["render", "dev"], ["schema"]])
def test_what_goes_into_a_pipe_is_all_that_is_in_it(words: list[str], envman: Envman, project: Path) -> None:
    plain = envman(*words, "-o", "-").out
    program = "import sys; from envman.cli.main import main; main(sys.argv[1:])"
    for name in ("/dev/stdout", "/dev/fd/1"):
        done = subprocess.run(
            [sys.executable, "-c", program, *words, "-o", name], cwd=project, capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == (plain, "")
    pipe = project / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        assert envman(*words, "-o", str(pipe)).out == ""
        assert reader.communicate(timeout=60)[0] == plain
    assert envman("--format", "json", *words, "-o", os.devnull).document["result"]["file"] == os.devnull


def test_two_runs_write_the_same_bytes_and_the_second_nothing(envman: Envman, project: Path) -> None:
    envman("render", "dev")
    first = (project / DEFAULT).stat()
    envman("render", "dev")
    assert (project / DEFAULT).stat().st_ino == first.st_ino


def test_set_changes_it(envman: Envman) -> None:
    text = envman("render", "dev", "--set", "log_level=debug", "-o", "-").out
    assert yaml.safe_load(text)["services"]["api"]["environment"] == {"LOG_LEVEL": "debug"}


def test_an_error_leaves_what_was_there(envman: Envman, project: Path) -> None:
    envman("render", "dev")
    before = (project / DEFAULT).read_bytes()
    envman("render", "dev", "--set", "log_level=loud", status=1)
    (project / "blueprints/dev.yaml").write_text("services: {api: {imge: b}}\n")
    envman("render", "dev", status=1)
    assert (project / DEFAULT).read_bytes() == before
    assert [path.name for path in (project / DEFAULT).parent.iterdir()] == ["docker-compose.yml"]


def test_a_write_that_fails_in_the_middle_leaves_what_was_there(envman: Envman, project: Path) -> None:
    envman("render", "dev")
    before = (project / DEFAULT).read_bytes()

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        done = envman("render", "dev", "--set", "log_level=debug", status=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "error[EV008]" in done.err
    assert "file too large" in done.err
    assert (project / DEFAULT).read_bytes() == before
    assert [path.name for path in (project / DEFAULT).parent.iterdir()] == ["docker-compose.yml"]


def test_a_folder_in_the_way_is_an_error(envman: Envman, project: Path) -> None:
    (project / "out.yml").mkdir()
    assert "error[EV008]" in envman("render", "dev", "-o", "out.yml", status=1).err
    assert list((project / "out.yml").iterdir()) == []


def test_no_value_of_a_secret_is_in_it(envman: Envman, monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    envman("secrets", "set", "dev", "token")
    envman("render", "dev")
    assert not any(b"hunter2" in path.read_bytes() for path in project.rglob("*") if path.is_file())


def test_render_does_without_state_what_it_can(envman: Envman, project: Path) -> None:
    envman("render", "dev", "-o", "-")
    assert not (project / ".envman/dev").exists()


# --- use


def test_use_chooses_what_is_meant_where_none_is_named(envman: Envman) -> None:
    assert envman("use").out == "none is chosen\n"
    assert envman("use", "dev").out == "using dev\n"
    assert envman("use").out == "dev\n"
    assert envman("render").out == f"{DEFAULT}\n"
    assert envman("render", "prod").out == ".envman/prod/docker-compose.yml\n"


def test_use_refuses_what_is_no_environment_and_keeps_the_choice(envman: Envman) -> None:
    envman("use", "dev")
    envman("use", "base", status=1)
    envman("use", "prdo", status=1)
    assert envman("use").out == "dev\n"


def test_use_chooses_an_instance_too(envman: Envman) -> None:
    assert envman("use", "dev", "--instance", "two").out == "using dev, instance two\n"
    assert envman("use").out == "dev, instance two\n"
    assert envman("render").out == ".envman/dev-two/docker-compose.yml\n"
    assert envman("use", "dev").out == "using dev\n"
    assert envman("render").out == f"{DEFAULT}\n"


def test_the_choice_is_this_checkouts_alone(envman: Envman, project: Path) -> None:
    envman("use", "dev")
    assert not any("dev" in path.name for path in (project / ".envman").iterdir())
