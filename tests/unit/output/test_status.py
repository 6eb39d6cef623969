from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

import pytest
from stand_ins import container, labels

from envman.operations.images import ServiceImage
from envman.operations.status import EnvironmentStatus
from envman.output.images import image_data, image_table
from envman.output.status import container_data, container_table, status_data, status_table
from envman.plan.observed import PublishedPort
from envman.plan.published import Url

URLS = (Url("api", "http", 80, "http://localhost:1"), Url("db", None, 5432, "tcp://localhost:2"))
UP = EnvironmentStatus("dev", None, "up", "healthy", ("api", "db"), 0.0, URLS, chosen=True)
DOWN = EnvironmentStatus("prod", "two", "down, data kept", "", (), None, (), chosen=False, snapshots=3)


def test_a_row_for_each_environment() -> None:
    up = replace(UP, since=time.time() - 200, locked="locked")
    drifting = replace(up, name="staging", chosen=False, urls=(), drift=("api: missing",), locked="differs")
    unknown = replace(up, name="local", chosen=False, urls=(), drift=None, locked="no")
    urls = "api http http://localhost:1  db tcp://localhost:2"
    assert status_table([up, DOWN, drifting, unknown]).splitlines() == [
        "  ENVIRONMENT  STATE            HEALTH   SINCE  DRIFT      LOCKED   SNAPSHOTS  URLS",
        f"* dev          up               healthy  3 min  none       locked              {urls}",
        "  prod (two)   down, data kept                             no       3",
        "  staging      up               healthy  3 min  1 service  differs",
        "  local        up               healthy  3 min  unknown    no",
        "  staging: api: missing",
    ]


def test_a_status_as_data() -> None:
    assert json.loads(json.dumps(status_data(DOWN))) == {
        "environment": "prod",
        "instance": "two",
        "state": "down, data kept",
        "health": "",
        "services": [],
        "since": None,
        "urls": [],
        "chosen": False,
        "drift": [],
        "locked": "no",
        "blueprint": True,
        "snapshots": 3,
    }


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({}, "running"),
        ({"health": "healthy"}, "healthy"),
        ({"health": "starting"}, "starting"),
        ({"state": "exited", "exit_code": 137}, "exited (137)"),
        ({"state": "exited", "exit_code": 0, "health": "unhealthy"}, "exited (0)"),
        ({"state": "created", "exit_code": 0}, "created"),
    ],
)
def test_the_state_of_a_container_in_a_word(known: dict[str, Any], state: str) -> None:
    row = container_table([container(**known)]).splitlines()[1]
    assert re.split(" {2,}", row)[2] == state


def test_containers_stand_by_service_and_number() -> None:
    rows = container_table(
        [container("web", 10), container("web", 2), container("api"), container("api", 3, oneoff=True)]
    )
    assert [line.split()[0] + "/" + line.split("churn-dev-")[1].split()[0] for line in rows.splitlines()[1:]] == [
        "api/api-1",
        "api/api-3",
        "web/web-2",
        "web/web-10",
    ]
    assert "api (job)" in rows


def test_a_container_as_data() -> None:
    one = container(
        labels=labels(digest="abc"),
        ports=(PublishedPort("127.0.0.1", 1, 80, "tcp"),),
        restart_count=2,
        health_output="no",
    )
    assert json.loads(json.dumps(container_data(one))) == {
        "service": "api",
        "name": "churn-dev-api-1",
        "id": "api1",
        "job": False,
        "state": "running",
        "health": None,
        "exit_code": None,
        "restarts": 2,
        "image": "b",
        "image_id": "sha256:0",
        "digest": "abc",
        "urls": [{"service": "api", "port": 80, "name": None, "url": "http://127.0.0.1:1"}],
        "health_output": "no",
    }


def test_images_that_are_there_and_that_are_not() -> None:
    images = [
        ServiceImage("api", "churn-dev-api", True, "sha256:0123456789abcdef", None, 141_000_000, time.time() - 7200),
        ServiceImage("db", "postgres:17", False, None, None, None, None),
        ServiceImage("web", "churn-dev-web", True, None, None, None, None),
    ]
    assert image_table(images).splitlines() == [
        "SERVICE  IMAGE          ID            SIZE    CREATED  IN REGISTRY",
        "api      churn-dev-api  0123456789ab  141 MB  2 h ago",
        "db       postgres:17    not pulled",
        "web      churn-dev-web  not built",
    ]
    assert image_data(images[1])["reference"] == "postgres:17"
