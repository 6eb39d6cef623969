"""Which anonymous volumes a container made anew gets from the one before, and which are left behind."""

from __future__ import annotations

from typing import Any

import pytest
from stand_ins import container

from envman.plan.observed import ContainerState, LocalImage, MountPoint
from envman.plan.unnamed import Unnamed, inherited_targets, left_behind, orphaned, unnamed_volumes

ONE, TWO = "1" * 64, "2" * 64


def mounting(number: int, *volumes: tuple[str, str], **known: Any) -> ContainerState:
    mounts = tuple(MountPoint("volume", name, target) for name, target in volumes)
    return container("db", number, mounts=mounts, **known)


def image(*declared: str) -> LocalImage:
    return LocalImage("db:1", "sha256:0", (), 0, 0, {"Volumes": {target: {} for target in declared}})


def test_named_volumes_and_those_of_jobs_are_none_of_them() -> None:
    containers = [mounting(1, ("churn-dev_data", "/data"), (ONE, "/old")), mounting(2, (TWO, "/old"), oneoff=True)]
    assert list(unnamed_volumes(containers)) == [Unnamed(ONE, "db", 1, "/old")]


@pytest.mark.parametrize(
    ("volumes", "declared", "inherited"),
    [
        ([], [], set()),
        ([{"type": "volume", "target": "/old"}], [], {"/old"}),
        ([], ["/old"], {"/old"}),
        ([{"type": "volume", "source": "data", "target": "/old"}], ["/old"], set()),
        ([{"type": "bind", "source": "./x", "target": "/old"}], ["/old", "/more"], {"/more"}),
        ([{"type": "tmpfs", "target": "/old"}], [], set()),
    ],
)
def test_compose_hands_on_what_the_service_or_its_image_still_wants(
    volumes: list[dict[str, str]], declared: list[str], inherited: set[str]
) -> None:
    assert inherited_targets({"volumes": volumes}, image(*declared)) == inherited


def test_what_nothing_inherits_is_left_behind() -> None:
    containers = [mounting(2, (TWO, "/kept")), mounting(1, (ONE, "/kept"))]
    assert left_behind(containers, 2, frozenset({"/kept"})) == []
    assert left_behind(containers, 1, frozenset({"/kept"})) == [Unnamed(TWO, "db", 2, "/kept")], "the highest goes"
    assert {one.volume for one in left_behind(containers, 2, frozenset())} == {ONE, TWO}


def test_what_another_container_mounts_too_is_not_orphaned() -> None:
    going, other = mounting(1, (ONE, "/old"), (TWO, "/more")), mounting(2, (ONE, "/old"))
    assert orphaned([going], [other]) == [Unnamed(TWO, "db", 1, "/more")]
    assert {one.volume for one in orphaned([going, other])} == {ONE, TWO}


def test_an_image_that_is_not_there_declares_nothing() -> None:
    assert inherited_targets({}, None) == frozenset()
