"""The order of containers that exist, from Compose's labels alone."""

from __future__ import annotations

from typing import Any

import pytest
from stand_ins import container, labels

from envman.plan.observed import ContainerState
from envman.plan.order import may_start, one_shots, stopping_order, with_dependents


def one(service: str, needs: str = "", **known: Any) -> ContainerState:
    return container(service, labels={**labels(), "com.docker.compose.depends_on": needs}, **known)


@pytest.mark.parametrize(
    ("condition", "known", "expected"),
    [
        ("service_started", {"state": "created"}, False),
        ("service_started", {"state": "running"}, True),
        ("service_started", {"state": "exited", "exit_code": 0, "started_at": 1.0}, True),
        ("service_started", {"state": "exited", "exit_code": 1, "started_at": 1.0}, False),
        ("service_healthy", {"health": "starting"}, False),
        ("service_healthy", {"health": "healthy"}, True),
        ("service_healthy", {"state": "exited", "health": "healthy"}, False),
        ("service_completed_successfully", {"state": "running"}, False),
        ("service_completed_successfully", {"state": "exited", "exit_code": 0, "started_at": 1.0}, True),
        ("service_completed_successfully", {"state": "exited", "exit_code": 2, "started_at": 1.0}, False),
        ("service_completed_successfully", {"state": "created", "exit_code": 0}, False),
    ],
)
def test_a_container_starts_when_its_dependencies_are_so_far(
    condition: str, known: dict[str, Any], expected: bool
) -> None:
    db = one("db", **known)
    assert may_start(one("api", f"db:{condition}:false"), {"db": [db]}) is expected


def test_what_is_not_there_is_not_waited_for() -> None:
    assert may_start(one("api", "cache:service_started:false"), {})
    assert may_start(one("api"), {})


def test_a_service_that_others_wait_for_to_complete_is_a_one_shot() -> None:
    web = one("web", "migrate:service_completed_successfully:false,db:service_healthy:true")
    assert one_shots([web, one("db"), one("migrate", "db:service_started:false")]) == {"migrate"}


def test_what_others_depend_on_stops_last() -> None:
    db, api, web, other = (
        one("db"),
        one("api", "db:service_healthy:false"),
        one("web", "api:service_started:true"),
        one("other"),
    )
    waves = [[each.service for each in wave] for wave in stopping_order([db, api, web, other])]
    assert waves == [["web", "other"], ["api"], ["db"]]


def test_a_circle_is_stopped_all_the_same() -> None:
    pair = [one("a", "b:service_started:false"), one("b", "a:service_started:false")]
    assert stopping_order(pair) == [pair]


def test_what_depends_on_a_container_goes_with_it() -> None:
    db, api, web, other = (
        one("db"),
        one("api", "db:service_healthy:false"),
        one("web", "api:service_started:true"),
        one("other"),
    )
    assert [each.service for each in with_dependents([db, api, web, other], {"api1"})] == ["api", "web"]
    assert with_dependents([db, api], set()) == []
