"""Which anonymous volumes a container made anew gets from the one before, and which are left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import facts, load
from stand_ins import container

from envman.plan.observed import ContainerState, LocalImage, MountPoint
from envman.plan.unnamed import (
    Unnamed,
    inherited_targets,
    left_behind,
    orphaned,
    unmounted,
    unnamed_data,
    unnamed_volumes,
)
from envman.render.compose import render

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
    assert left_behind(containers, frozenset({"/kept"})) == []
    assert {one.volume for one in left_behind(containers, frozenset())} == {ONE, TWO}


def test_what_another_container_mounts_too_is_not_orphaned() -> None:
    going, other = mounting(1, (ONE, "/old"), (TWO, "/more")), mounting(2, (ONE, "/old"))
    assert orphaned([going], [other]) == [Unnamed(TWO, "db", 1, "/more")]
    assert {one.volume for one in orphaned([going, other])} == {ONE, TWO}


def test_an_image_that_is_not_there_declares_nothing() -> None:
    assert inherited_targets({}, None) == frozenset()


def test_where_an_image_declares_a_volume_that_nothing_is_mounted_on() -> None:
    declares = image("/data/db", "/data/config", "/scratch")
    mounts = {"volumes": [{"type": "volume", "source": "a", "target": "/data/db/"}], "tmpfs": ["/scratch:size=1m"]}
    assert unmounted(mounts, declares) == ["/data/config"]
    assert unmounted({"volumes": [{"type": "bind", "source": "/x", "target": "/data"}]}, image("/data/db")) == [
        "/data/db"
    ]


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("{image: 'db:1'}", ["EV333"]),
        ("{image: 'db:1', volumes: ['data:/db']}", []),
        ("{image: 'db:1', volumes: [/db]}", []),
        ("{image: 'db:1', volumes_from: [other]}", []),
    ],
)
def test_only_what_nobody_decided_is_warned_of(tmp_path: Path, service: str, said: list[str]) -> None:
    text = f"services:\n  db: {service}\n  other: {{image: 'db:1', volumes: ['data:/db']}}\nvolumes: {{data: {{}}}}\n"
    environment = load(tmp_path, dev=text)
    document = render(environment, facts(tmp_path))
    found = unnamed_data(environment, "db", document.services["db"], image("/db"))
    assert [one.code for one in found] == said
