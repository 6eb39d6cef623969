"""The rules that look at one service, volume, network or secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import complaints
from trees import marked

# --- EV304


def test_a_service_runs_something(tmp_path: Path) -> None:
    text = "services: {api: {user: '1'}, db: {image: b}, c: {build: .}, d: {provider: {type: x}}}\n"
    found = complaints(tmp_path, "EV304", dev=text)
    assert [one.message for one in found] == ["service api has neither image nor build"]
    assert found[0].span is not None
    assert marked(found[0].span) == "api"


# --- EV107


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("{source: env}", 'secret "s" has `source: env` without `variable:`'),
        ("{source: file}", 'secret "s" has `source: file` without `path:`'),
        ("{}", 'secret "s" has no source'),
    ],
)
def test_a_secret_says_where_its_value_comes_from(tmp_path: Path, secret: str, message: str) -> None:
    text = f"services: {{api: {{image: b}}}}\nsecrets: {{s: {secret}}}\n"
    assert [one.message for one in complaints(tmp_path, "EV107", dev=text)] == [message]


@pytest.mark.parametrize(
    "secret",
    [
        "{source: generate}",
        "{source: env, variable: S}",
        "{source: file, path: s}",
        "{file: ./s}",
        "{environment: S}",
        "{external: true}",
    ],
)
def test_a_secret_with_a_source(tmp_path: Path, secret: str) -> None:
    text = f"services: {{api: {{image: b}}}}\nsecrets: {{s: {secret}}}\n"
    assert complaints(tmp_path, "EV107", dev=text) == []


# --- EV210

SERVICE = "services: {api: {image: b}}\n"


@pytest.mark.parametrize("kind", ["volumes", "networks"])
@pytest.mark.parametrize("entry", ["{name: fixed}", "{external: true}", "{external: true, name: fixed}"])
def test_a_fixed_name_is_not_inherited_unasked(tmp_path: Path, kind: str, entry: str) -> None:
    prod = f"{SERVICE}{kind}: {{data: {entry}}}\n"
    found = complaints(tmp_path, "EV210", "staging", prod=prod, staging="extends: prod\n")
    assert [one.message for one in found] == [
        f'{kind[:-1]} "data" is the same one in every environment that inherits this'
    ]
    assert str(found[0].span).startswith("blueprints/prod.yaml")
    assert complaints(tmp_path, "EV210", "prod", prod=prod) == [], "its own name is its own"


@pytest.mark.parametrize(
    "staging",
    [
        "volumes: {data: {name: mine}}",
        "volumes: {data: {shared: true}}",
        "volumes: {data: {name: !reset null}}",
        "volumes: {data: !reset null}",
        "volumes: {data: !override {driver: local}}",
    ],
)
def test_a_fixed_name_that_is_meant_or_gone(tmp_path: Path, staging: str) -> None:
    prod = f"{SERVICE}volumes: {{data: {{name: fixed}}}}\n"
    assert complaints(tmp_path, "EV210", "staging", prod=prod, staging=f"extends: prod\n{staging}\n") == []


def test_shared_is_inherited(tmp_path: Path) -> None:
    prod = f"{SERVICE}volumes: {{data: {{name: fixed, shared: true}}}}\n"
    assert complaints(tmp_path, "EV210", "staging", prod=prod, staging="extends: prod\n") == []


# --- EV308


@pytest.mark.parametrize(
    ("db", "severity"),
    [
        ("{image: b}", ["warning"]),
        ("{image: b, healthcheck: {disable: true}}", ["error"]),
        ("{image: b, healthcheck: {disable: 'yes'}}", ["error"]),
        ("{image: b, healthcheck: {test: NONE}}", ["error"]),
        ("{image: b, healthcheck: {test: [NONE]}}", ["error"]),
        ("{image: b, healthcheck: {test: [CMD, x]}}", []),
        ("{build: .}", []),
    ],
)
def test_who_waits_for_health_needs_a_health_check(tmp_path: Path, db: str, severity: list[str]) -> None:
    text = f"services: {{api: {{image: b, depends_on: {{db: {{condition: service_healthy}}}}}}, db: {db}}}\n"
    found = complaints(tmp_path, "EV308", dev=text)
    assert [one.severity.value for one in found] == severity
    assert all(one.span is not None and marked(one.span) == "service_healthy" for one in found)


def test_who_waits_for_the_start_alone_needs_none(tmp_path: Path) -> None:
    text = "services: {api: {image: b, depends_on: [db]}, db: {image: b, healthcheck: {disable: true}}}\n"
    assert complaints(tmp_path, "EV308", dev=text) == []


# --- EV309, EV310


def test_a_secret_in_a_variable_is_a_warning(tmp_path: Path) -> None:
    text = "services: {api: {image: b, environment: {PW: {secret: s}, A: x}}}\nsecrets: {s: {source: generate}}\n"
    found = complaints(tmp_path, "EV309", dev=text)
    assert [(one.severity.value, one.message) for one in found] == [
        ("warning", 'secret "s" is handed to api as the variable PW')
    ]


@pytest.mark.parametrize(("replicas", "severities"), [("1", []), ("2", ["error"])])
def test_a_container_name_allows_one_container(tmp_path: Path, replicas: str, severities: list[str]) -> None:
    text = f"services: {{api: {{image: b, container_name: one, scale: {replicas}}}}}\n"
    found = complaints(tmp_path, "EV310", dev=text)
    assert [one.severity.value for one in found] == severities
