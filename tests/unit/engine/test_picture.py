"""A picture of a stack changes with everything that a plan depends on, and with nothing else."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from stand_ins import container, network, volume

from envman.engine.picture import picture, settled
from envman.plan.observed import ContainerState, Observed, PublishedPort

STACK = Observed((container(), container("db")), (volume("data"),), (network("default"),))
IMAGES = {"b": "sha256:0"}


def test_times_and_order_make_no_difference() -> None:
    first, second = STACK.containers
    later = replace(STACK, containers=(second, replace(first, started_at=5.0, created_at=6.0)))
    assert picture(later, IMAGES) == picture(STACK, IMAGES)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"}, {"state": "paused"}, {"health": "unhealthy"}, {"exit_code": 1}, {"image_id": "sha256:1"},
        {"networks": ()}, {"labels": {}}, {"ports": (PublishedPort("", 1, 2, "tcp"),)}, {"oneoff": True},
    ],
)  # fmt: skip
def test_a_container_that_changes_is_seen(change: dict[str, object]) -> None:
    first, second = STACK.containers
    assert picture(replace(STACK, containers=(replace(first, **change), second)), IMAGES) != picture(STACK, IMAGES)  # type: ignore[arg-type]


def test_so_is_everything_else() -> None:
    others = [
        (replace(STACK, containers=STACK.containers[:1]), IMAGES),
        (replace(STACK, volumes=()), IMAGES),
        (replace(STACK, volumes=(volume("data", driver="nfs"),)), IMAGES),
        (replace(STACK, volumes=(volume("data", options={"o": "x"}),)), IMAGES),
        (replace(STACK, networks=(network("default", internal=True),)), IMAGES),
        (replace(STACK, networks=()), IMAGES),
        (STACK, {}),
        (STACK, {"b": "sha256:1"}),
    ]
    pictures = {picture(*one) for one in [(STACK, IMAGES), *others]}
    assert len(pictures) == 1 + len(others)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (container(started_at=0.0), True),
        (container(started_at=None), False),
        (container(state="exited"), True),
    ],
)
def test_a_container_is_believed_once_it_has_run_a_while(one: ContainerState, expected: bool) -> None:
    assert settled(one) is expected
    assert not settled(container(started_at=time.time()))
