"""Which services are replaced a few containers at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from environments import facts, load

from envman.plan.observed import ContainerState, MountPoint
from envman.plan.rolling import Rolling, rolling_of
from envman.render.compose import render

RUNNING = ContainerState(
    id="1", name="churn-dev-api-1", project="churn-dev", service="api", number=1, oneoff=False, state="running",
    health=None, exit_code=None, image="a", image_id="b", created_at=0.0, labels={},
)  # fmt: skip


def rolling(tmp_path: Path, api: str, *containers: ContainerState, others: str = "") -> Rolling | None:
    environment = load(tmp_path, dev=f"services:\n  api: {{image: a, {api}}}\n{others}")
    return rolling_of(
        environment, render(environment, facts(tmp_path)), "api", containers or (RUNNING, RUNNING, RUNNING)
    )


def policy(text: str = "", more: str = "") -> str:
    return f"deploy: {{replicas: 3, update_config: {{{text}}}}}{more}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Rolling("api", 1, 0.0, start_first=False, failure="pause")),
        ("parallelism: 0", Rolling("api", 3, 0.0, start_first=False, failure="pause")),
        ("parallelism: 2, delay: 90s, order: start-first", Rolling("api", 2, 90.0, start_first=True, failure="pause")),
        ("failure_action: rollback", Rolling("api", 1, 0.0, start_first=False, failure="rollback")),
        ("failure_action: continue", Rolling("api", 1, 0.0, start_first=False, failure="continue")),
    ],
)
def test_the_policy_is_read_as_the_specification_has_it(tmp_path: Path, text: str, expected: Rolling) -> None:
    assert rolling(tmp_path, policy(text)) == expected


def test_without_a_policy_compose_replaces_all_at_once(tmp_path: Path) -> None:
    assert rolling(tmp_path, "deploy: {replicas: 3}") is None


@pytest.mark.parametrize(
    "api",
    ["deploy: {update_config: {}}, container_name: api", policy(more=", pre_stop: [{command: [stop]}]")],
    ids=["fixed name", "pre_stop"],
)
def test_what_only_compose_can_replace_is_left_to_it(tmp_path: Path, api: str) -> None:
    assert rolling(tmp_path, api) is None


def test_whose_namespace_others_share_is_left_to_compose(tmp_path: Path) -> None:
    assert rolling(tmp_path, policy(), others="  side: {image: a, network_mode: 'service:api'}\n") is None


def test_anonymous_volumes_are_left_to_compose_which_carries_them_over(tmp_path: Path) -> None:
    with_volume = replace(RUNNING, mounts=(MountPoint("volume", "a" * 64, "/data"),))
    named = replace(RUNNING, mounts=(MountPoint("volume", "churn-dev_data", "/data"),))

    assert rolling(tmp_path, policy(), with_volume) is None
    assert rolling(tmp_path, policy(), named) is not None


def test_a_published_port_makes_the_old_one_stop_first(tmp_path: Path) -> None:
    api = "deploy: {update_config: {order: start-first}}, ports: ['8080:80']"
    found = rolling(tmp_path, api)

    assert found is not None
    assert not found.start_first


def test_nothing_that_runs_is_nothing_to_keep_serving(tmp_path: Path) -> None:
    assert rolling(tmp_path, policy(), replace(RUNNING, state="exited")) is None


def test_it_says_how(tmp_path: Path) -> None:
    found = rolling(tmp_path, policy("parallelism: 5, order: start-first"))

    assert found is not None
    assert found.describe(3) == "3 of 3 at a time, new ones first"
