"""Labels decide whose a stack is; names only help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import load
from stand_ins import CHECKOUT, container, labels, network, volume

from envman.plan.observed import Observed
from envman.plan.ownership import foreign_owners, owned

TEXT = "services: {api: {image: b}}\n"


def test_ones_own_is_nobody_elses(tmp_path: Path) -> None:
    observed = Observed((container(),), (volume("data"),), (network("default"),))
    assert list(foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, observed)) == []


@pytest.mark.parametrize("thing", ["container", "volume", "network"])
@pytest.mark.parametrize(
    ("theirs", "code"), [(labels(checkout="ba9876543210"), "EV501"), ({}, "EV502"), ({"other": "label"}, "EV502")]
)
def test_what_is_not_ones_own_is_told_with_a_way_out(
    tmp_path: Path, thing: str, theirs: dict[str, str], code: str
) -> None:
    observed = Observed(
        (container(labels=theirs),) if thing == "container" else (),
        (volume("data", labels=theirs),) if thing == "volume" else (),
        (network("default", labels=theirs),) if thing == "network" else (),
    )
    found = list(foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, observed))
    assert [one.code for one in found] == [code]
    assert found[0].message.startswith(f"{thing} churn-dev")
    assert "--instance" in found[0].help


def test_one_of_a_kind_is_enough_to_know(tmp_path: Path) -> None:
    theirs = labels(checkout="ba9876543210")
    observed = Observed(
        tuple(container(number=number, labels=theirs) for number in (1, 2)), (volume("a", labels=theirs),)
    )
    assert len(list(foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, observed))) == 2


def test_a_stranger_behind_ones_own_is_seen(tmp_path: Path) -> None:
    observed = Observed((container(), container(number=2, labels={})))
    assert [one.code for one in foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, observed)] == ["EV502"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (labels(), True),
        (labels("prod"), False),
        (labels(project="other"), False),
        (labels(checkout="ba9876543210"), False),
        (labels(instance="two"), False),
        ({}, False),
    ],
)
def test_ownership_is_proved_by_every_label(tmp_path: Path, found: dict[str, Any], expected: bool) -> None:
    assert owned(load(tmp_path, dev=TEXT), CHECKOUT, found) is expected


def test_an_instance_owns_its_own_alone(tmp_path: Path) -> None:
    environment = load(tmp_path, instance="two", dev=TEXT)
    assert owned(environment, CHECKOUT, labels(instance="two"))
    assert not owned(environment, CHECKOUT, labels())


@pytest.mark.parametrize(
    "left", [{"dev.envman.project": "churn", "dev.envman.owner": "me@laptop"}, labels(checkout="/home/me/churn")]
)
@pytest.mark.parametrize(("thing", "advice"), [("container", "docker rm --force"), ("volume", "docker volume rm")])
def test_what_another_version_left_is_told_from_what_others_made(
    tmp_path: Path, left: dict[str, str], thing: str, advice: str
) -> None:
    observed = Observed(
        (container(labels=left),) if thing == "container" else (),
        (volume("data", labels=left),) if thing == "volume" else (),
    )
    (found,) = foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, observed)
    assert found.code == "EV523"
    assert found.message.startswith(f"{thing} churn-dev")
    assert advice in found.help
    assert ("saved" in found.help) is (thing == "volume")


def test_a_label_that_a_newer_version_adds_changes_nothing(tmp_path: Path) -> None:
    observed = Observed((container(labels=labels(colour="blue")),))
    assert list(foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, observed)) == []


def test_another_project_whose_stacks_have_the_same_name_is_named(tmp_path: Path) -> None:
    theirs = labels("b", project="churn-dev", checkout="ba9876543210")
    (found,) = foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, Observed((container(labels=theirs),)))
    assert found.code == "EV501"
    assert "belongs to environment b of project churn-dev, whose stacks have the same name" in found.message
    assert "--adopt" not in found.help


COMPOSES = {"com.docker.compose.project": "churn-dev", "com.docker.compose.network": "default"}


@pytest.mark.parametrize(
    ("containers", "found", "codes"),
    [
        ([container()], COMPOSES, []),
        ([], COMPOSES, ["EV502"]),
        ([container(), container("db", labels={})], COMPOSES, ["EV502", "EV502"]),
        ([container()], {**COMPOSES, "com.docker.compose.network": "hub"}, ["EV502"]),
        ([container()], {**COMPOSES, **labels(checkout="ba9876543210")}, ["EV501"]),
    ],
)
def test_a_default_network_of_ones_own_containers_is_ones_own(
    tmp_path: Path, containers: list[Any], found: dict[str, str], codes: list[str]
) -> None:
    observed = Observed(tuple(containers), (), (network("default", labels=found),))
    assert [one.code for one in foreign_owners(load(tmp_path, dev=TEXT), CHECKOUT, observed)] == codes
