"""Where values come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import facts, load

from envman.diagnostics import EnvmanError
from envman.explanation import Explanation, Value, explain
from envman.render.compose import render
from envman.source.tree import dotted

BASE = """\
abstract: true
variables:
  level: {type: string, default: info, env: LEVEL}
services:
  api:
    image: "app:1"
    environment:
      LEVEL: "${level}"
      A: base
    command: [serve, --slow]
    ports: [{name: http, target: 80, published: "8080"}]
    volumes: ["data:/data:ro", "./src:/src"]
volumes: {data: {retain: keep}}
"""
MIDDLE = """\
abstract: true
extends: base
services:
  api:
    environment: {A: middle}
"""
DEV = """\
extends: middle
variables: {level: {default: debug}}
services:
  api:
    environment: {A: dev}
    command: [serve]
    ports: [{name: http, published: auto}]
    volumes: ["cache:/data"]
volumes: {cache: {}}
"""


def explained(root: Path, path: str, *, known: dict[str, Any] | None = None, **options: Any) -> Explanation:
    blueprints = {"base": BASE, "middle": MIDDLE, "dev": DEV} | options.pop("blueprints", {})
    environment = load(root, **blueprints, **options)
    return explain(environment, render(environment, facts(root, **(known or {}))), path)


def one(explanation: Explanation) -> Value:
    (value,) = explanation.values
    return value


def test_a_value_with_the_chain_of_what_it_overrode(tmp_path: Path) -> None:
    value = one(explained(tmp_path, "services.api.environment.A"))
    assert (value.value, str(value.span)) == ("dev", "blueprints/dev.yaml:5:22")
    assert [(earlier.value, str(earlier.span)) for earlier in value.earlier] == [
        ("middle", "blueprints/middle.yaml:5:22"),
        ("base", "blueprints/base.yaml:9:10"),
    ]


def test_the_variable_in_a_value_has_its_own_origin(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "api.environment.LEVEL")
    value = one(explanation)
    assert (value.value, value.written, value.using) == ("debug", '"${level}"', ("level",))
    variable = explanation.variables["level"]
    assert (variable.value, variable.origin, str(variable.span)) == ("debug", "default", "blueprints/dev.yaml:2:30")
    assert [str(origin.span) for origin in variable.overrides] == ["blueprints/base.yaml:3:34"]


@pytest.mark.parametrize(
    ("options", "origin", "over"),
    [
        ({"settings": {"level": "x"}, "process": {"LEVEL": "y"}}, "--set", "process environment (LEVEL)"),
        ({"process": {"LEVEL": "y"}}, "process environment (LEVEL)", ".env"),
        ({}, ".env", "default"),
    ],
)
def test_where_a_variable_got_its_value_and_over_what(
    tmp_path: Path, options: dict[str, Any], origin: str, over: str
) -> None:
    (tmp_path / ".env").write_text("# a comment\nLEVEL=z\n")
    variable = explained(tmp_path, "variables.level", **options).variables["level"]
    assert variable.origin == origin
    assert variable.overrides[0].text == over
    if origin == ".env":
        assert variable.source == ".env:2"


def test_a_list_that_was_replaced_is_one_value(tmp_path: Path) -> None:
    value = one(explained(tmp_path, "api.command"))
    assert value.value == ["serve"]
    assert [earlier.value for earlier in value.earlier] == [["serve", "--slow"]]


def test_a_port_that_merged_by_field_and_was_chosen_by_envman(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "services.api.ports.http", known={"ports": {("api", "http"): 21234}})
    values = {value.path[-1]: value for value in explanation.values}
    assert dotted(explanation.path) == "services.api.ports[0]"
    assert (values["published"].value, values["published"].rendered) == ("auto", "21234")
    assert [earlier.value for earlier in values["published"].earlier] == ["8080"]
    assert str(values["target"].span) == "blueprints/base.yaml:11:34"
    assert (values["protocol"].span, values["protocol"].reason) == (None, "envman: Compose's default")


def test_a_mount_that_replaced_another_whole(tmp_path: Path) -> None:
    values = {value.path[-1]: value for value in explained(tmp_path, "api.volumes./data").values}
    assert values["source"].value == "cache"
    assert [earlier.value for earlier in values["source"].earlier] == ["data"]
    assert "read_only" not in values


@pytest.mark.parametrize(
    "path",
    [
        "services.api.ports[0].target",
        "services.api.ports.0.target",
        "api.ports.http.target",
        'services["api"].ports[0].target',
    ],
)
def test_ways_to_write_a_path(path: str, tmp_path: Path) -> None:
    assert one(explained(tmp_path, path)).value == 80


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("api.ports.53/udp", "services.api.ports[1]"),
        ("api.ports.53/tcp", "services.api.ports[0]"),
        ("api.ports.53", "services.api.ports[0]"),
        ("api.ports.1", "services.api.ports[1]"),
        ("api.tmpfs./run", "services.api.tmpfs[1]"),
        ("api.cap_drop.ALL", "services.api.cap_drop[0]"),
        ("api.secrets.s", "services.api.secrets[0]"),
    ],
)
def test_entries_go_by_the_names_that_diff_gives_them(path: str, at: str, tmp_path: Path) -> None:
    dev = """\
    services:
      api:
        image: x
        ports: ["53:53", "53:53/udp"]
        tmpfs: ["/tmp", "/run:size=1m"]
        cap_drop: [ALL]
        secrets: [s]
    secrets: {s: {source: generate}}
    """
    assert dotted(explained(tmp_path, path, blueprints={"dev": dev}).path) == at


def test_keys_with_dots(tmp_path: Path) -> None:
    dev = "services: {api: {image: x, labels: {com.example.team: ml}}}"
    for path in ("api.labels.com.example.team", 'api.labels["com.example.team"]', "api.labels[com.example.team]"):
        assert one(explained(tmp_path, path, blueprints={"dev": dev})).value == "ml"


def test_what_envman_adds_is_said_to_be_its_own(tmp_path: Path) -> None:
    everything = explained(tmp_path, "", blueprints={"dev": "services: {api: {image: x}}"})
    own = {dotted(value.path): value.reason for value in everything.values if value.span is None}
    assert own["name"] == "envman: PROJECT-ENVIRONMENT[-INSTANCE]"
    assert own["services.api.labels.dev.envman.checkout"] == "envman: identity, this checkout's ID"
    assert own["networks.default.labels.dev.envman.project"] == "envman: identity, the project"
    assert [dotted(value.path) for value in everything.values if value.span is not None] == ["services.api.image"]


def test_what_is_in_no_compose_file(tmp_path: Path) -> None:
    assert one(explained(tmp_path, "volumes.data.retain")).reason == "envman's own"


def test_a_reset_value_is_gone_and_what_follows_stands_alone(tmp_path: Path) -> None:
    dev = "extends: base\nservices: {api: {environment: !override {B: x}, command: !reset null}}"
    explanation = explained(tmp_path, "api.environment", blueprints={"dev": dev})
    assert [(value.path[-1], value.earlier) for value in explanation.values] == [("B", ())]
    with pytest.raises(EnvmanError) as caught:
        explained(tmp_path, "api.command", blueprints={"dev": dev})
    assert caught.value.diagnostics[0].code == "EV012"


SECRETIVE = """\
variables:
  db_password: {type: string, env: DB_PASSWORD}
  harmless: {type: string, env: HARMLESS, default: quiet}
services:
  api:
    image: x
    command: [serve, "--password=${db_password}"]
    environment:
      URL: "postgres://app:hunter2@db/app"
      API_TOKEN: hunter2
      PASSWORD_FILE: /run/secrets/db
      OTHER: "x${harmless}"
      HANDED: {secret: token}
secrets:
  token: {source: env, variable: HARMLESS}
"""


def test_what_looks_like_a_secret_is_withheld(tmp_path: Path) -> None:
    process = {"DB_PASSWORD": "hunter2", "HARMLESS": "hunter2"}
    explanation = explained(tmp_path, "", blueprints={"dev": SECRETIVE}, process=process)
    assert "hunter2" not in repr([(value.value, value.rendered, value.written) for value in explanation.values])
    assert "hunter2" not in repr([using.value for using in explanation.variables.values()])
    withheld = {dotted(value.path) for value in explanation.values if value.withheld}
    assert withheld == {
        "services.api.command",
        "services.api.environment.API_TOKEN",
        "services.api.environment.OTHER",
    }
    values = {dotted(value.path): value.value for value in explanation.values}
    assert values["services.api.environment.URL"] == "postgres://app:***@db/app"
    assert values["services.api.environment.PASSWORD_FILE"] == "/run/secrets/db"
    assert values["services.api.environment.HANDED.secret"] == "token"


def test_an_absent_optional_secret(tmp_path: Path) -> None:
    dev = "services: {api: {image: x, secrets: [gone, kept]}}\nsecrets: {gone: {source: env, variable: G, optional: true}, kept: {source: generate}}"
    explanation = explained(
        tmp_path, "api.secrets", blueprints={"dev": dev}, known={"absent_secrets": frozenset({"gone"})}
    )
    assert [(value.value, value.reason) for value in explanation.values] == [
        ("gone", "left out: this machine has no such secret"),
        ("kept", ""),
    ]


def test_who_removed_something_is_forgotten_where_a_later_layer_brings_it_back(tmp_path: Path) -> None:
    layers: dict[str, Any] = {
        "base": "abstract: true\nservices: {api: {image: 'app:1'}, worker: {image: 'app:1', labels: {a: x, b: x}}}\n",
        "middle": "abstract: true\nextends: base\nservices: {worker: !reset null}\n",
        "dev": "extends: middle\nservices: {worker: {image: 'app:2', labels: {a: y}}}\n",
        "prod": "extends: middle\nservices: {api: {labels: {a: x}}}\n",
    }
    dev = load(tmp_path, **layers)
    [image] = explain(dev, render(dev, facts(tmp_path)), "worker.image").values
    assert (image.value, str(image.span)) == ("app:2", "blueprints/dev.yaml:2:28")
    prod = load(tmp_path, "prod", **layers)
    for path in ("worker", "services.worker.labels.a"):
        with pytest.raises(EnvmanError) as raised:
            explain(prod, render(prod, facts(tmp_path)), path)
        [problem] = raised.value.diagnostics
        assert (problem.code, str(problem.span)) == ("EV012", "blueprints/middle.yaml:3:20")
        assert [str(note.span) for note in problem.notes] == ["blueprints/base.yaml:2:43"]
