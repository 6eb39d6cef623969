"""The registry map."""

from __future__ import annotations

from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.project import open_project
from envman.registry.places import is_prefix, mapped, moved, rule_of
from envman.registry.reference import parse_reference
from envman.state.places import machine_places

PLACES = {
    "docker.io": "registry.example.com/hub",
    "docker.io/library": "registry.example.com/official",
    "docker.io/library/python": "other.example.com:5000",
    "ghcr.io/team": "ghcr.io/copies/team",
}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("postgres:17", "registry.example.com/official/postgres:17"),
        ("python", "registry.example.com/official/python:latest"),
        ("library/python/x", "other.example.com:5000/x:latest"),
        ("library2/x", "registry.example.com/hub/library2/x:latest"),
        ("ghcr.io/team/api:1", "ghcr.io/copies/team/api:1"),
        ("ghcr.io/teams/api:1", "ghcr.io/teams/api:1"),
        ("quay.io/a/b@sha256:" + "0" * 64, "quay.io/a/b@sha256:" + "0" * 64),
        ("index.docker.io/a/b:1", "registry.example.com/hub/a/b:1"),
    ],
)
def test_the_longest_prefix_of_whole_parts_wins_and_is_applied_once(written: str, found: str) -> None:
    reference = parse_reference(written)
    assert reference is not None
    assert mapped(reference, PLACES).canonical == found


def test_a_digest_stays_what_it_is() -> None:
    digest = "sha256:" + "1" * 64
    place = moved(f"postgres:17@{digest}", PLACES)
    assert place is not None
    assert place.canonical == f"registry.example.com/official/postgres:17@{digest}"
    assert moved("quay.io/a:1", PLACES) is None
    assert moved("${not a name}", PLACES) is None


def test_which_rule_it_was_can_be_told() -> None:
    reference = parse_reference("a/b")
    assert reference is not None
    assert rule_of(reference, PLACES) == "docker.io"


@pytest.mark.parametrize("text", ["docker.io", "localhost/a", "localhost:5000", "a.b/c/d-e", "[::1]:5000/x", "a:80"])
def test_a_registry_and_parts_of_a_path_are_a_prefix(text: str) -> None:
    assert is_prefix(text)


@pytest.mark.parametrize("text", ["", "library", "a/b", "a.b/", "a.b//c", "https://a.b", "a.b/c:1", "a.b/C", "a b.c"])
def test_everything_else_is_none(text: str) -> None:
    assert not is_prefix(text)


def project(root: Path, places: str) -> Path:
    (root / "envman.yaml").write_text(f"name: churn\nlanguage: 1\nregistry:\n{places}")
    return root


def test_the_project_says_where_images_come_from(tmp_path: Path) -> None:
    found = open_project(project(tmp_path, "  index.docker.io/library: 127.0.0.1:5000/hub\n"))
    assert found.places == {"docker.io/library": "127.0.0.1:5000/hub"}


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ("  library: a.b/c\n", '"library" names no registry'),
        ("  docker.io/: a.b/c\n", "ends with a slash"),
        ("  docker.io: https://a.b\n", "is a URL"),
        ("  docker.io/library/x:1: a.b\n", "names a tag or digest"),
        ("  docker.io/library/x: 'a.b/x@sha256:00'\n", "names a tag or digest"),
        ("  docker.io: 'a b'\n", "is not the beginning of an image's name"),
        ("  docker.io: a.b\n  index.docker.io: c.d\n", "is mapped twice"),
    ],
)
def test_a_map_that_is_wrong_is_told_at_its_place(tmp_path: Path, places: str, words: str) -> None:
    with pytest.raises(EnvmanError) as caught:
        open_project(project(tmp_path, places))
    [problem] = caught.value.diagnostics
    assert problem.code == "EV428"
    assert words in problem.message
    assert problem.span is not None
    assert problem.span.line in {4, 5}


def test_a_machine_has_a_map_of_its_own(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert machine_places(environ) == {}
    (tmp_path / "envman").mkdir()
    file = tmp_path / "envman" / "registry.yaml"
    file.write_text("registry:\n  docker.io: a.b\n")
    assert machine_places(environ) == {"docker.io": "a.b"}
    file.write_text("registry:\n  hub: a.b\n")
    with pytest.raises(EnvmanError, match="EV428"):
        machine_places(environ)
    file.write_text("registries: {}\n")
    with pytest.raises(EnvmanError, match="EV105"):
        machine_places(environ)
