from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envman.checks import advise, check_environment
from envman.diagnostics import EnvmanError, Report
from envman.operations.initialise import initialise
from envman.project import load_environment, open_project


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def services(root: Path, environment: str) -> dict[str, Any]:
    """Return the services of an environment about which `check` has nothing to say."""
    project, report = open_project(root), Report()
    loaded = load_environment(project, environment, report, settings={}, process={})
    assert loaded is not None
    check_environment(loaded, root, report)
    advise(loaded, root, report)
    assert list(report) == []
    made: dict[str, Any] = loaded.data["services"]
    return made


def test_an_empty_folder_gets_an_example(tmp_path: Path) -> None:
    done = initialise(tmp_path / "My App", None, None)
    assert done.name == "my-app"
    assert [str(path) for path in done.written] == [
        "envman.yaml",
        *(f"blueprints/{name}.yaml" for name in ("base", "local", "dev", "staging", "prod")),
    ]
    for name in ("local", "dev", "staging", "prod"):
        assert services(tmp_path / "My App", name)["web"]["image"] == "nginx:1.28"


def test_a_dockerfile_becomes_a_service(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nEXPOSE 8080\nEXPOSE 53/udp\n")
    done = initialise(tmp_path, "churn", None)
    assert done.found.ports == ((8080, "tcp"), (53, "udp"))
    for name in ("local", "dev", "staging", "prod"):
        app = services(tmp_path, name)["app"]
        assert app["build"]["context"] == "."
        assert [(port["target"], port["protocol"], port["published"]) for port in app["ports"]] == [
            (8080, "tcp", "auto"),
            (53, "udp", "auto"),
        ]
        assert ("restart" in app) == (name in {"staging", "prod"})
    assert "protected: true" in (tmp_path / "blueprints/prod.yaml").read_text()


@pytest.mark.parametrize("place", ["docker/Dockerfile", "Containerfile"])
def test_a_dockerfile_elsewhere(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("FROM a\n")
    done = initialise(tmp_path, "churn", ["local"])
    assert services(tmp_path, "local")["app"]["build"] == {"context": ".", "dockerfile": place}
    assert any("exposes no port" in line for line in done.advice)


def test_nothing_that_is_there_is_touched(tmp_path: Path) -> None:
    for name in ("Dockerfile", ".gitignore", ".dockerignore", "src/app.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# mine\n")
    before = tree(tmp_path)
    done = initialise(tmp_path, "churn", None)
    after = tree(tmp_path)
    assert before.items() <= after.items()
    added = after.keys() - before.keys()
    assert added - {str(path) for path in done.written} == {".envman/.gitignore", ".envman/schema.json"}


def test_it_says_which_lines_to_add(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nEXPOSE 1\n")
    (tmp_path / ".gitignore").write_text("/.env\n")
    (tmp_path / ".dockerignore").write_text("**/.envman\n.env*\n")
    [line] = initialise(tmp_path, "churn", None).advice
    assert line.startswith("add to .gitignore: .env.*   (")


def test_an_ignore_file_that_lets_nothing_through_is_enough(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nEXPOSE 1\n")
    (tmp_path / ".gitignore").write_text(".env*\n")
    (tmp_path / ".dockerignore").write_text("*\n!src/\n")
    assert initialise(tmp_path, "churn", None).advice == ()


def test_environments_of_ones_own(tmp_path: Path) -> None:
    initialise(tmp_path, "churn", ["qa", "staging", "qa"])
    assert sorted(path.name for path in (tmp_path / "blueprints").iterdir()) == ["base.yaml", "qa.yaml", "staging.yaml"]
    assert "extends: base" in (tmp_path / "blueprints/staging.yaml").read_text(), "there is no prod to be like"
    assert services(tmp_path, "qa").keys() == services(tmp_path, "staging").keys() == {"web"}


def test_staging_is_like_prod(tmp_path: Path) -> None:
    initialise(tmp_path, "churn", None)
    assert services(tmp_path, "staging") == services(tmp_path, "prod")


@pytest.mark.parametrize("there", ["envman.yaml", "blueprints/dev.yaml", "blueprints/other.yaml"])
def test_what_is_there_is_refused(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("name: churn\n")
    before = tree(tmp_path)
    with pytest.raises(EnvmanError) as caught:
        initialise(tmp_path, "churn", None)
    assert caught.value.diagnostics[0].code == "EV011"
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", [".gitignore", ".dockerignore"])
def test_an_ignore_file_that_is_no_text_is_said_before_anything_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / name).write_bytes("# Grüße\n".encode("latin-1"))
    before = tree(tmp_path)
    with pytest.raises(EnvmanError) as caught:
        initialise(tmp_path, "churn", None)
    [problem] = caught.value.diagnostics
    assert (problem.code, str(problem.span)) == ("EV002", f"{name}:1:5")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("file", ["compose.yaml", "docker-compose.yml"])
def test_compose_files_are_to_be_imported(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("services: {a: {image: b}}\n")
    with pytest.raises(EnvmanError) as caught:
        initialise(tmp_path, "churn", None)
    assert caught.value.diagnostics[0].code == "EV717"
    assert f"`envman import {file}`" in caught.value.diagnostics[0].help
    assert [path.name for path in tmp_path.iterdir()] == [file]
    initialise(tmp_path, "churn", None, beside_compose=True)
    assert (tmp_path / "envman.yaml").is_file()


@pytest.mark.parametrize(("name", "environments"), [("Churn", None), (None, ["a-b"]), (None, ["base"]), (None, [""])])
def test_bad_names(tmp_path: Path, name: str | None, environments: list[str] | None) -> None:
    with pytest.raises(EnvmanError) as caught:
        initialise(tmp_path, name, environments)
    assert caught.value.diagnostics[0].code == "EV004"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_name_is_no_help(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        initialise(tmp_path / "123", None, None)
    assert '"123" is not a name' in caught.value.diagnostics[0].message


def test_what_was_begun_is_taken_back_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / ".envman").write_text("a file where the folder would be")
    with pytest.raises(EnvmanError):
        initialise(tmp_path, "churn", None)
    assert list((tmp_path / "blueprints").iterdir()) == []
    assert not (tmp_path / "envman.yaml").exists()
