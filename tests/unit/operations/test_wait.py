"""What an environment's containers say of its services, while `up` waits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from environments import load
from stand_ins import container, labels

from envman.operations.progress import Silent, Waiting
from envman.operations.wait import SETTLED, TRIES, StackWatch
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed

TEXT = """\
services:
  api: {image: b, depends_on: {init: {condition: service_completed_successfully}}}
  init: {image: b}
  many: {image: b, scale: 2}
  none: {image: b, scale: 0}
  other: {provider: {type: x}}
"""
BEGAN = 1000.0


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def ready(self, service: str, state: str) -> None:
        self.said.append(f"{service} {state}")

    def waiting(self, services: Sequence[Waiting]) -> None:
        self.said.append("waiting " + ", ".join(f"{one.service} {one.state}" for one in services))


class Staged(StackWatch):
    """A watch that sees what it is given."""

    there: tuple[ContainerState, ...] = ()

    def observe(self) -> Observed:
        return Observed(self.there)


def watch(root: Path, *services: str, digests: dict[str, str] | None = None) -> Staged:
    environment = load(root, dev=TEXT)
    return Staged(Workspace.at(root, {}), environment, services, Heard(), BEGAN, digests)


def verdict(root: Path, service: str, *there: ContainerState, digests: dict[str, str] | None = None) -> str:
    staged = watch(root, service, digests=digests)
    staged.there = there
    (found,), _ = staged.look()
    return f"{'ready' if found.ready else 'failed' if found.failed else 'waiting'}: {found.state}"


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"health": "healthy"}, "ready: healthy"),
        ({"health": "starting"}, "waiting: starting"),
        ({"health": "unhealthy"}, "failed: unhealthy"),
        ({"started_at": BEGAN}, "waiting: started"),
        ({"started_at": BEGAN - SETTLED - 1}, "ready: running"),
        ({"state": "created"}, "waiting: created"),
        ({"state": "paused"}, "waiting: paused"),
        ({"state": "exited", "exit_code": 0}, "failed: exited with 0"),
        ({"state": "exited", "exit_code": 3}, "failed: exited with 3"),
        ({"state": "dead", "exit_code": 1}, "failed: exited with 1"),
        ({"state": "restarting", "exit_code": 1, "restart_count": TRIES - 1}, "waiting: restarting (exited with 1)"),
        ({"state": "restarting", "exit_code": 1, "restart_count": TRIES}, "failed: restarting (exited with 1)"),
    ],
)
def test_a_service(tmp_path: Path, known: dict[str, Any], expected: str) -> None:
    assert verdict(tmp_path, "api", container(**known)) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, "waiting: running"),
        ({"state": "exited", "exit_code": 0}, "ready: completed"),
        ({"state": "exited", "exit_code": 1}, "failed: failed"),
    ],
)
def test_a_one_shot_that_somebody_waits_for(tmp_path: Path, known: dict[str, Any], expected: str) -> None:
    assert verdict(tmp_path, "init", container("init", **known)) == expected


def test_a_service_that_is_not_there_yet(tmp_path: Path) -> None:
    assert verdict(tmp_path, "api") == "waiting: to be created"
    assert verdict(tmp_path, "api", container(oneoff=True, health="healthy")) == "waiting: to be created"


def test_a_container_that_is_about_to_be_replaced_does_not_count(tmp_path: Path) -> None:
    old = container(state="exited", exit_code=1, labels=labels(digest="old"))
    assert verdict(tmp_path, "api", old, digests={"api": "new"}) == "waiting: to be replaced"
    new = container(health="healthy", labels=labels(digest="new"))
    assert verdict(tmp_path, "api", old, new, digests={"api": "new"}) == "ready: healthy"


def test_all_replicas_must_be_there_and_well(tmp_path: Path) -> None:
    first, second = container("many", 1, health="healthy"), container("many", 2, health="starting")
    assert verdict(tmp_path, "many", first) == "waiting: to be created"
    assert verdict(tmp_path, "many", first, second) == "waiting: starting"
    assert verdict(tmp_path, "many", first, container("many", 2, health="unhealthy")) == "failed: unhealthy"
    assert verdict(tmp_path, "many", first, container("many", 2, health="healthy")) == "ready: healthy"


def test_a_service_without_replicas_is_ready(tmp_path: Path) -> None:
    assert verdict(tmp_path, "none") == "ready: no replicas"


def test_what_another_program_provides_is_not_waited_for(tmp_path: Path) -> None:
    assert watch(tmp_path, "other").look()[0] == []


def test_progress_hears_of_every_look_and_of_what_is_ready_once(tmp_path: Path) -> None:
    staged = watch(tmp_path, "api", "init")
    for there in (
        (),
        (),
        (container("init"),),
        (container("init", state="exited", exit_code=0), container(health="starting")),
        (container("init", state="exited", exit_code=0), container(health="healthy")),
        (container("init", state="exited", exit_code=0), container(health="healthy")),
    ):
        staged.there = there
        staged.look()
    progress = staged.progress
    assert isinstance(progress, Heard)
    assert progress.said == [
        "waiting api to be created, init to be created",
        "waiting api to be created, init to be created",
        "waiting api to be created, init running",
        "init completed",
        "waiting api starting",
        "api healthy",
        "waiting ",
        "waiting ",
    ]


def test_states_are_words_for_somebody_who_has_interrupted(tmp_path: Path) -> None:
    staged = watch(tmp_path, "api", "init")
    staged.there = (container(health="starting"), container("init", state="created"), container("many"))
    assert staged.states() == ["api is running (starting)", "init is created"]
