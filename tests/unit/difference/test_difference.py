"""What differs between two Compose files, and what only looks as if it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import load
from hypothesis import given, settings
from hypothesis import strategies as st

from envman.diagnostics import EnvmanError
from envman.difference import ABSENT, Change, Group, difference, group_of
from envman.difference.environments import Difference, compare
from envman.model.service import Service


def api(**attributes: Any) -> dict[str, Any]:
    return {"services": {"api": attributes}}


def told(changes: tuple[Change, ...]) -> list[tuple[str, Any, Any]]:
    return [(".".join(one.path), one.left, one.right) for one in changes]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"stop_grace_period": "90s"}, {"stop_grace_period": "1m30s"}),
        ({"mem_limit": "1g"}, {"mem_limit": "1024m"}),
        ({"mem_limit": 1073741824}, {"mem_limit": "1gb"}),
        ({"healthcheck": {"interval": "60s"}}, {"healthcheck": {"interval": "1m"}}),
        ({"deploy": {"resources": {"limits": {"cpus": "1"}}}}, {"deploy": {"resources": {"limits": {"cpus": 1.0}}}}),
        ({"environment": {"A": 1}}, {"environment": {"A": "1"}}),
        ({"environment": {"A": True}}, {"environment": {"A": "true"}}),
        ({"command": "serve --fast 'a b'"}, {"command": ["serve", "--fast", "a b"]}),
        ({"healthcheck": {"test": "true"}}, {"healthcheck": {"test": ["CMD-SHELL", "true"]}}),
        ({"cap_drop": ["A", "B"]}, {"cap_drop": ["B", "A"]}),
        (
            {"ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]},
            {"ports": [{"target": "80", "published": 8080}]},
        ),
        (
            {"ports": [{"name": "a", "target": 1}, {"name": "b", "target": 2}]},
            {"ports": [{"name": "b", "target": 2}, {"name": "a", "target": 1}]},
        ),
        (
            {"volumes": [{"type": "volume", "source": "d", "target": "/d/"}]},
            {"volumes": [{"type": "volume", "source": "d", "target": "/d/", "volume": {}, "read_only": False}]},
        ),
        ({"networks": {"back": None}}, {"networks": {"back": {}}}),
        ({"deploy": {"replicas": 1}}, {}),
        ({"environment": {}}, {}),
        ({"labels": {"dev.envman.environment": "a"}}, {"labels": {"dev.envman.environment": "b"}}),
        ({"labels": {"dev.envman.environment": "a"}}, {}),
    ],
)
def test_what_means_the_same_is_no_difference(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert told(difference(api(**left), api(**right))) == []
    assert told(difference(api(**right), api(**left))) == []


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ({"environment": {"A": None}}, {}, [("services.api.environment.A", None, ABSENT)]),
        ({"environment": {"A": ""}}, {"environment": {"A": None}}, [("services.api.environment.A", "", None)]),
        (
            {"environment": {"A": "1.10"}},
            {"environment": {"A": "1.1"}},
            [("services.api.environment.A", "1.10", "1.1")],
        ),
        ({"command": ["a", "b"]}, {"command": ["b", "a"]}, [("services.api.command", ["a", "b"], ["b", "a"])]),
        ({"command": []}, {}, [("services.api.command", [], ABSENT)]),
        ({"x-tool": {"a": 1}}, {"x-tool": {"a": "1"}}, [("services.api.x-tool.a", 1, "1")]),
        ({"cap_drop": ["A"]}, {"cap_drop": ["A", "B"]}, [("services.api.cap_drop.B", ABSENT, "B")]),
        ({"networks": {"back": None}}, {}, [("services.api.networks.back", None, ABSENT)]),
        (
            {"ports": [{"name": "http", "target": 80, "published": "auto"}]},
            {"ports": [{"name": "http", "target": 80, "published": "8080"}]},
            [("services.api.ports.http.published", "auto", "8080")],
        ),
        (
            {"ports": [{"target": 53, "protocol": "udp"}]},
            {"ports": [{"target": 53, "protocol": "tcp"}]},
            [
                ("services.api.ports.53/udp", {"target": 53, "protocol": "udp"}, ABSENT),
                ("services.api.ports.53/tcp", ABSENT, {"target": 53, "protocol": "tcp"}),
            ],
        ),
        (
            {"tmpfs": ["/tmp:size=1m"]},
            {"tmpfs": ["/run", "/tmp:size=2m"]},
            [("services.api.tmpfs./tmp", "/tmp:size=1m", "/tmp:size=2m"), ("services.api.tmpfs./run", ABSENT, "/run")],
        ),
        (
            {"env_file": [{"path": "a"}, {"path": "b"}]},
            {"env_file": [{"path": "b"}, {"path": "a"}]},
            [("services.api.env_file", [{"path": "a"}, {"path": "b"}], [{"path": "b"}, {"path": "a"}])],
        ),
        (
            {"ports": [{"target": 80, "published": "1"}, {"target": 80, "published": "2"}]},
            {"ports": [{"target": 80, "published": "2"}]},
            [("services.api.ports.80/tcp published=1", {"target": 80, "published": "1"}, ABSENT)],
        ),
    ],
)
def test_what_differs(left: dict[str, Any], right: dict[str, Any], expected: list[tuple[str, Any, Any]]) -> None:
    assert told(difference(api(**left), api(**right))) == expected


def test_places_are_those_of_each_side() -> None:
    left = api(ports=[{"name": "a", "target": 1}, {"name": "b", "target": 2}])
    right = api(ports=[{"name": "b", "target": 3}])
    first, second = difference(left, right)
    assert (first.left_at, first.right_at) == (("services", "api", "ports", 0), None)
    assert (second.left_at, second.right_at) == (
        ("services", "api", "ports", 1, "target"),
        ("services", "api", "ports", 0, "target"),
    )


def test_a_whole_service_is_one_difference_and_the_project_none() -> None:
    left: dict[str, Any] = {"name": "churn-a", "services": {"api": {"image": "x"}}, "x-anchors": {"a": 1}}
    right: dict[str, Any] = {"name": "churn-b", "services": {"api": {"image": "x"}, "db": {"image": "y"}}}
    assert told(difference(left, right)) == [("services.db", ABSENT, {"image": "y"})]


def test_differences_are_told_by_group() -> None:
    left = {"services": {"a": {"user": "0", "image": "x"}, "b": {"image": "x"}}}
    right = {"services": {"a": {"user": "1", "image": "y"}, "b": {"image": "y"}}}
    assert [(one.group, one.service) for one in difference(left, right)] == [
        (Group.IMAGES, "a"),
        (Group.IMAGES, "b"),
        (Group.SECURITY, "a"),
    ]


def test_groups_name_attributes_that_exist() -> None:
    from envman.difference.groups import _BY_ATTRIBUTE

    assert set(_BY_ATTRIBUTE) <= set(Service.model_fields)
    assert group_of(("services", "api")) is Group.SERVICES
    assert group_of(("networks", "back")) is Group.OTHER


SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "1", "1s", "1000ms", "1k"])
LISTS = st.lists(SCALARS.filter(lambda one: one is not None) | st.fixed_dictionaries({"target": SCALARS}), max_size=3)
VALUES = SCALARS | LISTS | st.dictionaries(st.sampled_from(["a", "b", "condition", "labels"]), SCALARS, max_size=2)
ATTRIBUTES = [
    "environment",
    "ports",
    "volumes",
    "cap_drop",
    "command",
    "deploy",
    "mem_limit",
    "stop_grace_period",
    "x-a",
]
SERVICES = st.dictionaries(
    st.sampled_from(["api", "db"]), st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES), max_size=2
)


@settings(deadline=None)
@given(SERVICES, SERVICES)
def test_a_difference_is_the_same_from_either_side(left: dict[str, Any], right: dict[str, Any]) -> None:
    there = difference({"services": left}, {"services": right})
    back = difference({"services": right}, {"services": left})
    assert {(one.path, one.left_at, one.right_at) for one in there} == {
        (one.path, one.right_at, one.left_at) for one in back
    }
    assert difference({"services": left}, {"services": left}) == ()


# --- environments

BLUEPRINTS: dict[str, Any] = {
    "base": """\
    abstract: true
    variables: {level: {type: string, default: info}, db_password: {type: string, default: one}}
    services:
      api:
        image: "${ENVMAN_PROJECT}:${COMPOSE_PROJECT_NAME}"
        environment:
          LEVEL: "${level}"
          NAME: "in ${ENVMAN_ENVIRONMENT}"
          URL: "postgres://app:${db_password}@db"
          PGPASSWORD: {secret: db}
        ports: [{name: http, target: 80, published: auto}]
    secrets: {db: {source: generate}}
    """,
    "a": "extends: base",
    "b": """\
    extends: base
    variables: {level: {default: debug}, db_password: {default: two}}
    services:
      worker: {image: w}
      api: {environment: {PGPASSWORD: {secret: other}}}
    secrets: {other: {source: generate}}
    """,
}


def compared(root: Path, path: str | None = None) -> tuple[Difference, ...]:
    return compare(load(root, "a", **BLUEPRINTS), load(root, "b"), path)


def test_environments_differ_in_values_not_in_their_names(tmp_path: Path) -> None:
    found = {".".join(one.path): one for one in compared(tmp_path)}
    assert set(found) == {
        "services.worker",
        "services.api.environment.LEVEL",
        "services.api.environment.URL",
        "services.api.environment.PGPASSWORD.secret",
        "secrets.other",
    }


def test_both_sides_say_where_they_come_from(tmp_path: Path) -> None:
    (level,) = compared(tmp_path, "api.environment.LEVEL")
    assert (level.left.value, level.right.value) == ("info", "debug")
    assert str(level.left.span) == str(level.right.span) == "blueprints/base.yaml:7:14"
    assert [one.source for one in level.left.variables] == ["blueprints/base.yaml:2:44"]
    assert [one.source for one in level.right.variables] == ["blueprints/b.yaml:2:30"]


def test_secret_values_are_withheld_but_their_names_are_not(tmp_path: Path) -> None:
    found = {one.path[3]: one for one in compared(tmp_path, "api.environment")}
    assert (found["URL"].left.withheld, found["URL"].left.value, found["URL"].right.value) == (True, None, None)
    assert (found["PGPASSWORD"].left.value, found["PGPASSWORD"].right.value) == ("db", "other")
    assert not found["PGPASSWORD"].left.withheld


def test_what_differs_only_in_a_password_is_withheld_whole(tmp_path: Path) -> None:
    text = "services: {{api: {{image: x, environment: {{DSN: 'postgres://app:{}@db'}}}}}}"
    left, right = (load(tmp_path, name, **{name: text.format(password)}) for name, password in (("a", "1"), ("b", "2")))  # type: ignore[arg-type]
    (dsn,) = compare(left, right)
    assert (dsn.left.withheld, dsn.left.value, dsn.right.withheld, dsn.right.value) == (True, None, True, None)


def test_a_path_that_one_side_has(tmp_path: Path) -> None:
    (worker,) = compared(tmp_path, "services.worker.image")
    assert (worker.path, worker.left.present, worker.right.present) == (("services", "worker"), False, True)


def test_a_path_that_no_side_has(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        compared(tmp_path, "services.wrker")
    assert caught.value.diagnostics[0].code == "EV012"


@pytest.mark.parametrize("name", ["a", "b"])
def test_an_environment_does_not_differ_from_itself(name: str, tmp_path: Path) -> None:
    assert compare(load(tmp_path, name, **BLUEPRINTS), load(tmp_path, name, instance="two")) == ()
