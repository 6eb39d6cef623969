"""A project on a machine, without its engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import load
from stand_ins import CHECKOUT

from envman.diagnostics import EnvmanError
from envman.operations.workspace import Workspace, automatic_ports, reserved_ports, uses_gpu
from envman.state.selection import Selection, write_selection


@pytest.fixture
def workspace(tmp_path: Path, own_folders: Path) -> Workspace:
    prod = "services: {api: {image: b, ports: [{name: http, target: 80, published: auto}, 'auto:81/udp', '82:82']}}\n"
    load(tmp_path, prod=prod, dev="services: {api: {image: b}}\n")
    return Workspace.at(tmp_path, {"XDG_STATE_HOME": str(own_folders / "state")})


def test_a_named_environment_goes_before_the_chosen_one(workspace: Workspace) -> None:
    write_selection(workspace.checkout.state, Selection("dev"))
    assert workspace.chosen("prod") == "prod"
    assert workspace.chosen(None) == "dev"


def test_where_several_are_none_is_guessed(workspace: Workspace) -> None:
    with pytest.raises(EnvmanError) as caught:
        workspace.chosen(None)
    assert caught.value.diagnostics[0].code == "EV010"
    assert caught.value.diagnostics[0].expected == "one of dev, prod"


def test_the_only_environment_need_not_be_named(workspace: Workspace) -> None:
    (workspace.project.root / "blueprints/prod.yaml").write_text("abstract: true\nservices: {api: {image: b}}\n")
    assert workspace.chosen(None) == "dev"


def test_where_an_instance_comes_from(workspace: Workspace) -> None:
    assert workspace.chosen_instance() is None
    write_selection(workspace.checkout.state, Selection("dev", "chosen"))
    assert workspace.chosen_instance() == "chosen"
    workspace.environ = {**workspace.environ, "ENVMAN_INSTANCE": "process"}
    assert workspace.chosen_instance() == "process"
    workspace.instance = "option"
    assert workspace.chosen_instance() == "option"


def test_an_environment_comes_checked_with_all_its_errors(workspace: Workspace) -> None:
    (workspace.project.root / "blueprints/dev.yaml").write_text(
        "services: {api: {networks: [a], volumes: ['bb:/b']}}\n"
    )
    with pytest.raises(EnvmanError) as caught:
        workspace.environment("dev")
    assert [one.code for one in caught.value.diagnostics] == ["EV304", "EV301", "EV301"]


def test_secret_values_of_the_process_go_before_those_of_files(workspace: Workspace) -> None:
    (workspace.project.root / ".env").write_text("A=env\nB=env\nC=env\n")
    (workspace.project.root / ".env.dev").write_text("A=dev\nB=dev\n")
    blueprint = workspace.project.root / "blueprints/dev.yaml"
    blueprint.write_text(blueprint.read_text() + "secrets: {a: {source: env, variable: A}, b: {environment: B}}\n")
    workspace.environ = {**workspace.environ, "A": "process", "C": "of no secret"}
    handed = workspace.environment("dev").handed
    assert (handed.sources, handed.values) == ({"A": "process"}, {"B": "dev"})


def test_an_offline_render_allocates_nothing_and_is_the_same_each_time(workspace: Workspace) -> None:
    first = workspace.offline_document(workspace.environment("prod")).text()
    assert first == workspace.offline_document(workspace.environment("prod")).text()
    assert not (workspace.checkout.state / "ports.json").exists()


def test_which_ports_envman_chooses(workspace: Workspace) -> None:
    assert automatic_ports(workspace.environment("prod")) == [("api", "http"), ("api", "81/udp")]


def test_which_ports_the_others_hold() -> None:
    recorded = {"dev": {("api", "http"): 1}, "prod": {("api", "http"): 2, ("db", "sql"): 3}}
    assert reserved_ports(recorded, "dev") == {2, 3}
    assert reserved_ports(recorded, "staging") == {1, 2, 3}


@pytest.mark.parametrize(("gpu", "expected"), [("none", False), ("optional", True), ("required", True)])
def test_who_would_take_a_gpu(tmp_path: Path, gpu: str, expected: bool) -> None:
    assert uses_gpu(load(tmp_path, dev=f"services: {{api: {{image: b, gpu: {gpu}}}}}\n")) is expected


def test_a_checkouts_id_is_of_the_form_that_tests_assume(workspace: Workspace) -> None:
    assert len(workspace.checkout.id) == len(CHECKOUT)
    assert set(workspace.checkout.id) <= set("0123456789abcdef")
