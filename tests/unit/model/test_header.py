"""What a blueprint says of itself, and the project file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import attempt, load

from envman.diagnostics import Diagnostic, EnvmanError
from envman.project import Project, open_project
from envman.source.root import find_root

SERVICE = "services: {api: {image: b}}\n"


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("abstract: perhaps\n", "EV106", "blueprints/dev.yaml:1:11"),
        ("abstract: 'true'\n", "EV106", "blueprints/dev.yaml:1:11"),
        ("protected: 1\n", "EV106", "blueprints/dev.yaml:1:12"),
        ("description: [a]\n", "EV106", "blueprints/dev.yaml:1:14"),
        ("description: 5\n", "EV106", "blueprints/dev.yaml:1:14"),
        ("extends: {a: b}\n", "EV106", "blueprints/dev.yaml:1:10"),
        ("extends: [5]\n", "EV106", "blueprints/dev.yaml:1:11"),
        ("variables: [a]\n", "EV106", "blueprints/dev.yaml:1:12"),
    ],
)
def test_a_wrong_header_is_an_error_at_its_place(tmp_path: Path, text: str, code: str, place: str) -> None:
    environment, found = attempt(tmp_path, dev=text + SERVICE)
    assert environment is None
    assert [(one.code, str(one.span)) for one in found] == [(code, place)], [one.message for one in found]


def test_a_header_may_say_nothing(tmp_path: Path) -> None:
    found = load(tmp_path, dev=SERVICE)
    assert (found.protected, found.description, found.layers) == (False, "", ("dev",))


def project(root: Path, text: str) -> Project:
    (root / "envman.yaml").write_text(text)
    return open_project(root)


def refused(root: Path, text: str) -> Diagnostic:
    with pytest.raises(EnvmanError) as caught:
        project(root, text)
    assert len(caught.value.diagnostics) == 1, [one.message for one in caught.value.diagnostics]
    return caught.value.diagnostics[0]


@pytest.mark.parametrize("name", ["a", "churn", "churn-model", "a1", "a" * 40])
def test_a_projects_name(tmp_path: Path, name: str) -> None:
    assert project(tmp_path, f"name: {name}\nlanguage: 1\n").name == name


@pytest.mark.parametrize("name", ["Churn", "1a", "-a", "a-", "a_b", "a b", "''", "a" * 41, "ä", "a.b", "5"])
def test_what_is_no_projects_name(tmp_path: Path, name: str) -> None:
    found = refused(tmp_path, f"name: {name}\nlanguage: 1\n")
    assert (found.code, str(found.span)) == ("EV004", "envman.yaml:1:7")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name: a\n", "EV107"),
        ("language: 1\n", "EV107"),
        ("name: a\nlanguage: one\n", "EV106"),
        ("name: a\nlanguage: 2\n", "EV006"),
        ("name: a\nlanguage: 1\nlanguages: 1\n", "EV105"),
        ("name: a\nlanguage: 1\nrequires: '>=99'\n", "EV006"),
        ("name: a\nlanguage: 1\nrequires: '>=0.0.1, <1'\n", "EV005"),
        ("name: a\nlanguage: 1\nrequires: latest\n", "EV005"),
        ("name: a\nlanguage: 1\nregistry: hub\n", "EV106"),
        ("- a\n", "EV106"),
        ("", "EV111"),
    ],
)
def test_a_wrong_project_file(tmp_path: Path, text: str, code: str) -> None:
    assert refused(tmp_path, text).code == code


@pytest.mark.parametrize("requires", [">=0", ">=0.0.1", ">= 0.0"])
def test_a_requirement_that_is_met(tmp_path: Path, requires: str) -> None:
    assert project(tmp_path, f"name: a\nlanguage: 1\nrequires: '{requires}'\n").name == "a"


def test_the_root_is_the_nearest_folder_upward(tmp_path: Path) -> None:
    inner, deep = tmp_path / "a/b", tmp_path / "a/b/c/d"
    deep.mkdir(parents=True)
    (tmp_path / "envman.yaml").write_text("name: outer\nlanguage: 1\n")
    (inner / "envman.yaml").write_text("name: inner\nlanguage: 1\n")
    assert find_root(deep) == inner
    assert find_root(tmp_path / "a") == tmp_path
    # Reached by another way, it is the same folder.
    assert find_root(inner / ".." / inner.name) == inner


def test_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        find_root(tmp_path)
    assert caught.value.diagnostics[0].code == "EV001"
    assert "envman init" in caught.value.diagnostics[0].help


def test_a_blueprint_whose_file_is_no_environments_name(tmp_path: Path) -> None:
    blueprints: dict[str, Any] = {"my-dev": SERVICE}
    with pytest.raises(EnvmanError) as caught:
        attempt(tmp_path, "my-dev", **blueprints)
    assert [one.code for one in caught.value.diagnostics] == ["EV004"]
