"""Annotated renders: comments behind the lines, and nothing else changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from environments import facts, load
from hypothesis import given, settings
from hypothesis import strategies as st

from envman.diagnostics import Report
from envman.explanation import explain
from envman.explanation.annotate import annotate, line_paths
from envman.project import load_environment, open_project
from envman.render.compose import render
from envman.shipped import shipped
from envman.source.writer import write_yaml

DEV = """\
variables: {tag: {type: string, default: "1"}}
services:
  api:
    image: "app:${tag}"
    environment: {HASH: "a # b", LINES: "a\\nb", DOLLAR: "$$x"}
    ports: ["8080:80"]
    secrets: [gone, kept]
secrets:
  gone: {source: env, variable: G, optional: true}
  kept: {source: generate}
"""


def test_the_origin_stands_behind_each_line(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=DEV)
    text = annotate(environment, render(environment, facts(tmp_path, absent_secrets=frozenset({"gone"}))))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    comments = {line.split("  # ")[0].strip(): line.rpartition("  # ")[2] for line in lines}
    assert comments['image: "app:1"'] == "blueprints/dev.yaml:4:12, tag from blueprints/dev.yaml:1:42"
    assert comments["environment:"] == "blueprints/dev.yaml:5:5"
    assert comments['- source: "kept"'] == "blueprints/dev.yaml:7:21"
    assert comments['name: "churn-dev"'] == "envman: PROJECT-ENVIRONMENT[-INSTANCE]"
    assert comments["default:"] == "envman: the network of services that name none"
    columns = {line.rindex("  # ") for line in lines if len(line.split("  # ")[0].rstrip()) <= 72}
    assert columns == {72}, "the comments stand in one column"


def test_a_variable_of_an_includes_own_env_file(tmp_path: Path) -> None:
    for part, tag in (("a", "1"), ("b", "2")):
        (tmp_path / part).mkdir()
        (tmp_path / part / ".env").write_text(f"TAG={tag}\nONLY_{part}={tag}\nLISTED={tag}\nUNUSED=1\n")
        service = f'{part}: {{image: "{part}:${{TAG}}-${{ONLY_{part}}}", environment: [LISTED]}}'
        (tmp_path / part / "compose.yaml").write_text(f"services: {{{service}}}\n")
    environment = load(tmp_path, dev="include: [a/compose.yaml, b/compose.yaml]\n")
    document = render(environment, facts(tmp_path))
    text = annotate(environment, document)
    lines = {line.split("  # ")[0].strip(): line.rpartition("  # ")[2] for line in text.splitlines()}
    assert lines['image: "a:1-1"'] == (
        "a/compose.yaml:1:23, TAG from the includes' own .env files, which differ, ONLY_a from a/.env:2"
    )
    assert lines['image: "b:2-2"'].endswith("ONLY_b from b/.env:2")
    assert {"TAG", "LISTED", "ONLY_a", "ONLY_b"} <= set(explain(environment, document, "").variables)
    assert "UNUSED" not in environment.scope


def test_it_means_the_same(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=DEV)
    document = render(environment, facts(tmp_path))
    annotated = annotate(environment, document)
    assert yaml.safe_load(annotated) == yaml.safe_load(document.text())
    assert annotated.count("\n") == document.text().count("\n")


@pytest.mark.parametrize("name", ["local", "dev", "staging", "prod"])
def test_every_shipped_blueprint_can_be_annotated(name: str, tmp_path: Path) -> None:
    (tmp_path / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    shutil.copytree(shipped("blueprints"), tmp_path / "blueprints")
    environment = load_environment(open_project(tmp_path), name, Report(), settings={}, process={})
    assert environment is not None
    document = render(environment, facts(tmp_path))
    annotated = annotate(environment, document)
    assert yaml.safe_load(annotated) == yaml.safe_load(document.text())
    body = [line for line in annotated.splitlines() if not line.startswith("#")]
    assert all(("  # blueprints/" in line) or ("  # envman" in line) for line in body)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), DATA, min_size=1, max_size=4))
def test_there_is_a_path_for_each_line_that_is_written(data: dict[str, object]) -> None:
    assert len(list(line_paths(data))) == write_yaml(data).count("\n")
