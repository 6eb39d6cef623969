from __future__ import annotations

from pathlib import Path

import pytest
from environments import attempt, facts, load

from envman.checks import advise, check_environment
from envman.diagnostics import Report
from envman.model.environment import Environment
from envman.render.compose import render

API = "services: {api: {image: 'busybox:1.37', %s}}\n"


def files(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        (root / name.replace("_", ".")).write_text(text)


def problems(environment: Environment, root: Path) -> list[str]:
    report = Report()
    check_environment(environment, root, report)
    return [f"{one.code} {one.span} {one.message}" for one in report]


def test_an_env_file_takes_declared_variables_and_those_of_dotenv_files_and_the_process(tmp_path: Path) -> None:
    files(
        tmp_path, a_env="A=$A1\nB=${B1}-${B2:-none}\nC='$NOT'\nD=$$NOT\nP=${P1}\nALONE\n", _env="B1=1\nALONE=x\nP1=no\n"
    )
    (tmp_path / ".env.dev").write_text("B1=2\nUNUSED=3\n")
    blueprint = "variables: {A1: {type: int, default: 7}}\n" + API % "env_file: a.env"
    environment = load(tmp_path, dev=blueprint, process={"P1": "process", "ALONE": "process"})
    assert environment.handed.values == {"A1": "7", "B1": "2", "P1": "process", "ALONE": "process"}
    assert {name: str(span) for name, span in environment.handed.files["api"].items()} == {
        "A1": "a.env:1:3",
        "B1": "a.env:2:3",
        "P1": "a.env:5:3",
        "ALONE": "a.env:6:1",
    }
    assert "A1" in environment.used_variables
    assert problems(environment, tmp_path) == []


def test_a_name_that_nobody_gives_is_an_error_at_its_place(tmp_path: Path) -> None:
    files(
        tmp_path,
        a_env='OK=1\nPASSWORD=pa$word9\nMORE="first\n  ${word10}"\nNEED=${X:?is needed}\nLATER=$LAST\nLAST=1\n',
    )
    environment = load(tmp_path, dev="variables: {word1: {type: string}}\n" + API % "env_file: a.env")
    assert problems(environment, tmp_path) == [
        "EV203 a.env:2:12 word9 has no value",
        "EV203 a.env:4:3 word10 has no value",
        'EV208 a.env:5:6 variable "X" is required: is needed',
        "EV203 a.env:6:7 LAST has no value",
    ]


def test_what_a_service_and_its_files_say_themselves_needs_no_variable(tmp_path: Path) -> None:
    files(tmp_path, a_env="OWN=1\nURL=http://${HOST}:$OWN\n", b_env="AGAIN=$URL ${HOST}\n")
    environment = load(tmp_path, dev=API % "env_file: [a.env, b.env], environment: {HOST: db}")
    assert (problems(environment, tmp_path), environment.handed.values) == ([], {})
    # A declared variable, as one of .env in Compose, goes before the service's own; an empty default does not.
    for default, given in (("x", {"HOST": "x"}), ("''", {})):
        text = f"variables: {{HOST: {{type: string, default: {default}}}}}\n"
        environment = load(tmp_path, dev=text + API % "env_file: [a.env, b.env], environment: {HOST: db}")
        assert environment.handed.values == given


def test_a_raw_file_is_not_interpolated(tmp_path: Path) -> None:
    files(tmp_path, a_env="A=${NOT}\nALONE\nOTHER\n", _env="ALONE=1\n")
    environment = load(tmp_path, dev=API % "env_file: [{path: a.env, format: raw}]")
    assert (problems(environment, tmp_path), environment.handed.values) == ([], {"ALONE": "1"})


def test_a_variable_of_the_docker_command_is_refused(tmp_path: Path) -> None:
    files(tmp_path, a_env="A=${DOCKER_HOST} ${HOME} ${COMPOSE_PROJECT_NAME}\n", _env="DOCKER_HOST=x\n")
    environment = load(tmp_path, dev=API % "env_file: a.env", process={"HOME": "/home/me"})
    assert [one.partition(" would")[0] for one in problems(environment, tmp_path)] == ["EV327 a.env:1:3 DOCKER_HOST"]
    assert "DOCKER_HOST" not in environment.handed.values


def test_a_changed_value_changes_the_digest_and_is_in_no_render(tmp_path: Path) -> None:
    files(tmp_path, a_env="A=$PW\n")
    environment = load(tmp_path, dev=API % "env_file: a.env", process={"PW": "hunter2"})
    first, second = (render(environment, facts(tmp_path, variables={"PW": mark})) for mark in ("1", "2"))
    assert first.digests != second.digests
    assert "hunter2" not in first.text()
    assert "Compose looks these up in its environment: PW." in first.text()


SECRET = (
    API % "secrets: [tok], configs: [cfg]" + "secrets: {tok: {environment: TOK}}\nconfigs: {cfg: {environment: CFG}}\n"
)


def test_secrets_and_configs_take_their_variables_from_wherever_envman_knows_them(tmp_path: Path) -> None:
    files(tmp_path, _env="TOK=dotenv\n")
    environment = load(tmp_path, dev="variables: {CFG: {type: string, default: declared}}\n" + SECRET)
    assert environment.handed.values == {"TOK": "dotenv", "CFG": "declared"}
    assert environment.scope["CFG"].confidential is False


def test_check_names_a_variable_without_a_value(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=SECRET)
    report = Report()
    advise(environment, tmp_path, report)
    assert [(one.code, one.severity, one.message, str(one.span)) for one in report] == [
        ("EV504", "warning", 'secret "tok" has no value: TOK is not set', "blueprints/dev.yaml:2:30"),
        ("EV504", "warning", 'config "cfg" has no value: CFG is not set', "blueprints/dev.yaml:3:30"),
    ]


def test_label_files_become_labels_with_their_places(tmp_path: Path) -> None:
    files(tmp_path, l_env="x=1\ny=$V\nALONE\n", m_env="y=2 ${x}\nz=3\n", _env="V=v\n")
    environment = load(tmp_path, dev=API % "label_file: [l.env, m.env], labels: {z: own}")
    assert environment.data["services"]["api"]["labels"] == {"x": "1", "y": "2 1", "z": "own"}
    assert str(environment.span("services", "api", "labels", "y")) == "m.env:1:1"
    document = render(environment, facts(tmp_path))
    assert "label_file" not in document.services["api"]
    assert document.services["api"]["labels"]["x"] == "1"


def test_a_label_file_without_a_value_is_an_error_at_its_place(tmp_path: Path) -> None:
    files(tmp_path, l_env="x=$V\n")
    environment, _ = attempt(tmp_path, dev=API % "label_file: l.env")
    assert environment is not None
    assert problems(environment, tmp_path) == ["EV203 l.env:1:3 V has no value"]


@pytest.mark.parametrize("kind", ["services", "jobs"])
def test_the_containers_before_a_service_and_jobs_are_looked_at_too(kind: str, tmp_path: Path) -> None:
    files(tmp_path, a_env="A=$V\n", _env="V=v\n")
    inner = (
        "pre_start: [{image: x, command: y, env_file: a.env}]"
        if kind == "services"
        else "env_file: a.env, triggers: {manual: true}"
    )
    environment = load(tmp_path, dev=f"{kind}: {{one: {{image: busybox, {inner}}}}}\n")
    assert list(environment.handed.files) == ["one"]
