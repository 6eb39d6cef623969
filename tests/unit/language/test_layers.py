"""Parents: each ancestor once, parents first; what is inherited and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import attempt, load

from envman.diagnostics import EnvmanError

ABSTRACT = "abstract: true\nservices: {api: {image: b}}\n"


def value(image: str, extends: str = "") -> str:
    head = f"extends: {extends}\n" if extends else ""
    return f"{head}services: {{api: {{image: {image}}}}}\n"


def test_parents_come_first_and_in_order(tmp_path: Path) -> None:
    found = load(tmp_path, a=value("a"), b=value("b"), dev="extends: [a, b]\n")
    assert found.layers == ("a", "b", "dev")
    assert found.files == ("blueprints/a.yaml", "blueprints/b.yaml", "blueprints/dev.yaml")
    assert found.data["services"]["api"]["image"] == "b"


def test_an_ancestor_of_two_parents_applies_once_before_both(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        top=value("top"),
        left=value("left", "top"),
        right="extends: top\ndescription: says nothing of the image\n",
        dev="extends: [left, right]\n",
    )
    assert found.layers == ("top", "left", "right", "dev")
    assert found.data["services"]["api"]["image"] == "left", "the top, applied again, would have won"


def test_a_chain_of_three(tmp_path: Path) -> None:
    found = load(tmp_path, a=value("a"), b=value("b", "a"), dev=value("c", "b"))
    assert found.layers == ("a", "b", "dev")
    assert found.data["services"]["api"]["image"] == "c"


@pytest.mark.parametrize(
    ("blueprints", "shown"),
    [
        ({"dev": value("x", "dev")}, "dev -> dev"),
        ({"dev": value("x", "a"), "a": value("x", "dev")}, "dev -> a -> dev"),
        ({"dev": value("x", "a"), "a": value("x", "b"), "b": value("x", "a")}, "a -> b -> a"),
    ],
)
def test_a_cycle_is_shown_as_a_chain(tmp_path: Path, blueprints: dict[str, Any], shown: str) -> None:
    environment, found = attempt(tmp_path, **blueprints)
    assert environment is None
    assert [(one.code, one.message) for one in found] == [("EV202", f"the parents form a cycle: {shown}")]


def test_a_missing_parent_gets_a_near_match_at_its_place(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, base=ABSTRACT, dev="extends: [bsae]\nservices: {api: {image: b}}\n")
    assert environment is None
    assert [(one.code, one.expected, str(one.span)) for one in found] == [
        ("EV201", 'did you mean "base"?', "blueprints/dev.yaml:1:11")
    ]


def test_what_is_wrong_with_a_parent_is_said_of_the_parent(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, base="abstract: perhaps\n", dev="extends: base\n")
    assert environment is None
    assert [str(one.span) for one in found] == ["blueprints/base.yaml:1:11"]


def test_a_long_chain_ends_in_an_error_and_not_in_a_crash(tmp_path: Path) -> None:
    chain: dict[str, Any] = {f"b{index}": f"extends: b{index + 1}\n" for index in range(150)}
    environment, found = attempt(tmp_path, **chain, b150=ABSTRACT, dev="extends: b0\n")
    assert environment is None
    assert [one.code for one in found] == ["EV202"]


def test_protection_description_and_abstractness_are_not_inherited(tmp_path: Path) -> None:
    base = "abstract: true\nprotected: true\ndescription: the base\nservices: {api: {image: b}}\n"
    found = load(tmp_path, base=base, dev="extends: base\n")
    assert (found.protected, found.description) == (False, "")
    own = load(tmp_path, "prod", base=base, prod="extends: base\nprotected: true\ndescription: mine\n")
    assert (own.protected, own.description) == (True, "mine")


def test_the_header_is_no_part_of_the_stack(tmp_path: Path) -> None:
    text = f"description: a\nprotected: true\nvariables: {{x: {{type: int, default: 1}}}}\n{value('b')}"
    assert list(load(tmp_path, dev=text).data) == ["services"]


def test_a_parent_is_of_this_project_never_of_the_package(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, dev="extends: postgres\nservices: {api: {image: b}}\n")
    assert environment is None
    assert [one.code for one in found] == ["EV201"], "blueprints/postgres.yaml is shipped, and yet not this project's"


@pytest.mark.parametrize("parent", ["../base", "/etc/passwd", "a/b", "base.yaml"])
def test_a_parent_is_a_name_and_no_path(tmp_path: Path, parent: str) -> None:
    (tmp_path / "base.yaml").write_text(ABSTRACT)
    environment, found = attempt(tmp_path, base=ABSTRACT, dev=f"extends: {parent}\n")
    assert environment is None
    assert [one.code for one in found] == ["EV201"]


def test_unknown_environments_get_a_near_match(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        attempt(tmp_path, "prdo", base=ABSTRACT, prod="extends: base\n")
    assert caught.value.diagnostics[0].code == "EV003"
    assert caught.value.diagnostics[0].help == 'did you mean "prod"?'


def test_an_abstract_blueprint_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        attempt(tmp_path, "base", base=ABSTRACT)
    assert [one.code for one in caught.value.diagnostics] == ["EV009"]


@pytest.mark.parametrize("instance", ["Two", "a-b", "a b", "../x", "x" * 31])
def test_an_instances_name_must_be_readable_backwards(tmp_path: Path, instance: str) -> None:
    with pytest.raises(EnvmanError) as caught:
        attempt(tmp_path, instance=instance, dev=value("b"))
    assert [one.code for one in caught.value.diagnostics] == ["EV004"]


def test_relative_paths_of_every_layer_mean_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    base = "abstract: true\nservices: {api: {image: b, volumes: ['./src:/app']}}\n"
    found = load(tmp_path, base=base, dev="extends: base\n").data["services"]["api"]["volumes"]
    assert [one["source"] for one in found] == ["./src"]
