"""Tags that are made by a rule: what they are, and that a kept render knows when they change."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from environments import attempt, facts, load

from envman.model.environment import Environment
from envman.source.measure import measure
from envman.source.tree import node_at
from envman.source.witness import Witness, watched

BUILT = """
variables:
  rule: {{type: string, default: {rule}}}
services:
  api:
    image: registry.example.com:5000/churn/api
    tag: "${{rule}}"
    build: {{context: app}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/Dockerfile").write_text("FROM busybox:1.37\n")
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    identity = {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **identity}
    done = subprocess.run(["git", "-C", str(root), *arguments], env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def committed(root: Path) -> str:
    git(root, "init", "--quiet")
    git(root, "add", "app")
    git(root, "commit", "--quiet", "--message", "first")
    return git(root, "rev-parse", "HEAD")


def tag(environment: Environment) -> str:
    return (environment.image("api") or "").rpartition(":")[2]


def loaded(root: Path, rule: str) -> str:
    return tag(load(root, dev=BUILT.format(rule=rule)))


def test_a_name_is_the_tag(root: Path) -> None:
    environment = load(root, dev=BUILT.format(rule="v1.2.0-rc.1"))
    assert environment.image("api") == "registry.example.com:5000/churn/api:v1.2.0-rc.1"


def test_a_rule_can_be_set_from_outside(root: Path) -> None:
    assert tag(load(root, dev=BUILT.format(rule="git"), settings={"rule": "v7"})) == "v7"


def test_git_describes_the_commit(root: Path) -> None:
    commit = committed(root)
    assert loaded(root, "git") == commit[:12]
    git(root, "tag", "v1.2.0")
    assert loaded(root, "git") == "v1.2.0"
    (root / "app/main.py").write_text("1")
    assert loaded(root, "git") == "v1.2.0"  # as for git, a new file is none until it is added
    git(root, "add", "app/main.py")
    assert loaded(root, "git") == "v1.2.0-dirty"
    git(root, "commit", "--quiet", "--message", "second")
    assert loaded(root, "git") == f"v1.2.0-1-g{git(root, 'rev-parse', 'HEAD')[:12]}"


def test_what_may_not_stand_in_a_tag_is_replaced(root: Path) -> None:
    committed(root)
    git(root, "tag", "release/1.0+cu124")
    assert loaded(root, "git") == "release_1.0_cu124"


def test_git_does_not_answer_for_the_repository_of_a_hook(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    committed(root)
    git(root, "tag", "v1")
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    process = {"PATH": os.environ["PATH"], "GIT_DIR": str(other / ".git")}
    assert tag(load(root, dev=BUILT.format(rule="git"), process=process)) == "v1"


def test_the_version_is_the_projects(root: Path) -> None:
    (root / "pyproject.toml").write_text('[project]\nname = "churn"\nversion = "1.4.0+local"\n')
    assert loaded(root, "version") == "1.4.0_local"


def test_content_is_what_the_build_sends(root: Path) -> None:
    first = loaded(root, "content")
    assert len(first) == 16
    (root / "elsewhere").write_text("1")
    assert loaded(root, "content") == first
    (root / "app/main.py").write_text("1")
    second = loaded(root, "content")
    (root / "app/main.py").unlink()
    assert loaded(root, "content") == first != second


def test_content_leaves_out_what_envman_renders_itself(root: Path) -> None:
    text = BUILT.format(rule="content").replace("app}", ".}")
    first = tag(load(root, dev=text))
    (root / ".envman/dev").mkdir(parents=True)
    (root / ".envman/dev/docker-compose.yml").write_text(f"image: api:{first}")
    assert tag(load(root, dev=text)) == first


def test_content_follows_the_builds_that_it_copies_from(root: Path) -> None:
    (root / "lib").mkdir()
    (root / "lib/Dockerfile").write_text("FROM busybox:1.37\n")
    text = BUILT.format(rule="content").replace("app}", "app, additional_contexts: {lib: 'service:lib'}}")
    text += "  lib: {image: lib:1, build: {context: lib, additional_contexts: {api: 'service:api'}}}\n"
    first = tag(load(root, dev=text))
    (root / "lib/main.py").write_text("1")
    assert tag(load(root, dev=text)) != first


def test_content_knows_an_argument_that_the_process_gives(root: Path) -> None:
    text = BUILT.format(rule="content").replace("app}", "app, args: {REVISION: null}}")
    assert tag(load(root, dev=text, process={"REVISION": "1"})) != tag(load(root, dev=text, process={"REVISION": "2"}))


def test_a_child_changes_the_rule_alone(root: Path) -> None:
    prod = "extends: dev\nservices: {api: {tag: v2}}\n"
    assert tag(load(root, "prod", dev=BUILT.format(rule="git"), prod=prod)) == "v2"


def test_the_tag_is_explained_by_the_rule(root: Path) -> None:
    environment = load(root, dev=BUILT.format(rule="v1"))
    image = node_at(environment.tree, ("services", "api", "image"))
    assert image is not None
    assert (image.span.line, image.overrides.span.line) == (7, 6)  # type: ignore[union-attr]


def test_the_render_has_the_name_and_not_the_rule(root: Path) -> None:
    from envman.render.compose import render

    service = render(load(root, dev=BUILT.format(rule="v1")), facts(root)).services["api"]
    assert service["image"].endswith("/api:v1")
    assert "tag" not in service


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("git", "`tag: git` finds nothing"),
        ("version", "`tag: version` finds no version"),
        ('"a b"', '"a b" is not a tag'),
        ('"' + "a" * 129 + '"', "is not a tag"),
    ],
)
def test_a_rule_that_gives_no_tag(root: Path, rule: str, says: str) -> None:
    environment, problems = attempt(root, dev=BUILT.format(rule=rule))
    assert environment is None
    assert [one.code for one in problems] == ["EV614"]
    assert says in problems[0].message


@pytest.mark.parametrize(
    "build", ["", "    build: {context: nowhere}\n", "    build: {context: 'https://example.com/a.git'}\n"]
)
def test_content_of_nothing(root: Path, build: str) -> None:
    _, problems = attempt(root, dev="services:\n  api:\n    image: api\n    tag: content\n" + build)
    assert [one.code for one in problems] == ["EV614"]


@pytest.mark.parametrize("image", ["image: 'api:v1', ", "image: 'api@sha256:" + "0" * 64 + "', ", ""])
def test_a_tag_that_does_not_go_with_the_image(root: Path, image: str) -> None:
    _, problems = attempt(root, dev=f"services:\n  api: {{{image}tag: v2, build: {{context: app}}}}\n")
    assert [one.code for one in problems] == ["EV615"]


def test_a_tag_of_the_wrong_type(root: Path) -> None:
    _, problems = attempt(root, dev="services:\n  api: {image: api, tag: 1.0, build: {context: app}}\n")
    assert [one.code for one in problems] == ["EV106"]


def test_what_was_measured_is_on_the_record(root: Path) -> None:
    committed(root)
    witness, environ = Witness(b"key"), {"PATH": os.environ["PATH"]}
    measure(watched(root, witness), environ, "git")
    measure(watched(root, witness), environ, "content", '[{"context": "app"}]')
    assert witness.complete

    def holds() -> bool:
        return Witness(b"key").still_holds(witness.held(), environ)

    assert holds()
    git(root, "tag", "v1")
    assert not holds()
    git(root, "tag", "--delete", "v1")
    assert holds()
    (root / "app/new.py").write_text("1")
    assert not holds()
    (root / "app/new.py").unlink()
    assert holds()
    (root / ".git/HEAD").unlink()
    assert not holds()
