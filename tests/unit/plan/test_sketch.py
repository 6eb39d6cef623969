"""What a listing alone tells of the drift of a stack, and that a sketch survives being kept as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from environments import facts, load
from stand_ins import container, labels

from envman.plan.observed import ContainerState
from envman.plan.sketch import ServiceSketch, Sketch, listed_drift, sketch
from envman.render.compose import render

TEXT = """\
services:
  api: {image: "b:1", networks: [front, back], depends_on: {once: {condition: service_completed_successfully}}}
  many: {image: "b:1", deploy: {replicas: 2}}
  once: {image: "b:1"}
  tool: {image: "b:1", profiles: [tools]}
  alone: {image: "b:1", network_mode: none}
networks: {front: {}, back: {name: shared}}
"""
NETWORKS = {"api": ("churn-dev_front", "shared"), "alone": ()}


@pytest.fixture
def made(tmp_path: Path) -> Sketch:
    environment = load(tmp_path, dev=TEXT)
    return sketch(environment, render(environment, facts(tmp_path)))


def stack(made: Sketch, **changed: dict[str, Any]) -> list[ContainerState]:
    """Return the containers of a stack without drift, but for what is ``changed`` of a service's first."""
    containers = []
    for name, number in (("api", 1), ("many", 1), ("many", 2), ("once", 1), ("alone", 1)):
        known = {
            "labels": labels(digest=made.services[name].digest),
            "networks": NETWORKS.get(name, ("churn-dev_default",)),
            **(changed.get(name, {}) if number == 1 else {}),
        }
        containers.append(container(name, number, **known))
    return containers


def drift(made: Sketch, containers: list[ContainerState], image: str = "sha256:0") -> list[str]:
    return list(listed_drift(made, containers, {"b:1": image}))


def test_what_is_sketched(made: Sketch) -> None:
    assert made.services["api"].networks == ("churn-dev_front", "shared")
    assert [name for name, one in made.services.items() if not one.wanted] == ["tool"]
    assert [name for name, one in made.services.items() if one.one_shot] == ["once"]
    assert (made.services["many"].replicas, made.services["alone"].networks) == (2, ())


def test_a_sketch_is_the_same_after_it_was_kept(made: Sketch) -> None:
    name, instance, services = json.loads(json.dumps(made))
    again = Sketch(name, instance, {key: ServiceSketch(*one) for key, one in services.items()})
    containers = stack(again, api={"networks": ("shared",)})
    assert drift(again, containers) == drift(made, containers) == ["api: not attached to churn-dev_front"]


def test_a_stack_as_it_should_be_does_not_drift(made: Sketch) -> None:
    assert drift(made, stack(made)) == []


def test_each_kind_of_drift_in_words(made: Sketch) -> None:
    assert drift(made, stack(made, many={"labels": labels(digest="old")})) == ["many: made from another definition"]
    assert drift(made, stack(made)[1:]) == ["api: missing"]
    assert drift(made, [one for one in stack(made) if one.name != "churn-dev-many-2"]) == ["many: 1 of 2 containers"]
    assert drift(made, [*stack(made), container("stray")]) == ["stray: no blueprint names it"]
    assert set(drift(made, stack(made), image="sha256:1")) == {
        f"{name}: not the image that b:1 is now" for name in ("api", "many", "once", "alone")
    }
    # What a lock holds is right, whatever the tag leads to by now.
    locked = {name: ["sha256:0"] for name in ("api", "many", "once")}
    assert list(listed_drift(made, stack(made), {"b:1": "sha256:1"}, locked)) == [
        "alone: not the image that b:1 is now"
    ]
    # An image that the engine no longer has under its name says nothing of the containers.
    assert list(listed_drift(made, stack(made), {})) == []
