"""What is there against what should be: a step for each difference, with its cause."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from environments import facts, load
from stand_ins import container, labels, network, volume

from envman.plan.observed import ContainerState, NetworkState, Observed, VolumeState
from envman.plan.plan import Action, Plan, Step
from envman.plan.reconcile import is_one_shot, reconcile, wanted_services
from envman.render.compose import render

NETWORK = (network("default"),)


class Stack:
    """A blueprint, and what would be planned for it."""

    def __init__(self, root: Path, text: str) -> None:
        self.environment = load(root, dev=text)
        self.document = render(self.environment, facts(root))

    def made(self, service: str = "api", number: int = 1, **known: Any) -> ContainerState:
        """Return a container that was made from the service as it is now."""
        return container(service, number, labels=labels(digest=self.document.digests[service]), **known)

    def plan(
        self,
        containers: Iterable[ContainerState] = (),
        volumes: Iterable[VolumeState] = (),
        networks: Iterable[NetworkState] = NETWORK,
        **options: Any,
    ) -> list[str]:
        observed = Observed(tuple(containers), tuple(volumes), tuple(networks))
        return [str(step) for step in reconcile(self.environment, self.document, observed, **options).steps]


ONE = "services: {api: {image: b}}\n"


def test_what_is_as_it_should_be_needs_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.plan([stack.made()]) == []
    assert stack.plan([stack.made(health="healthy")]) == []
    assert stack.plan([stack.made(health="starting")]) == []


def test_where_nothing_is_everything_is_created_networks_and_volumes_first(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {api: {image: b, volumes: ['data:/d']}}\nvolumes: {data: null}\n")
    assert stack.plan(networks=()) == [
        "+ network default create: not there yet",
        "+ volume data create: not there yet",
        "+ service api create: no container yet",
    ]


def test_only_what_a_wanted_service_uses_is_created(tmp_path: Path) -> None:
    text = "services: {api: {image: b, networks: [a]}}\nnetworks: {a: null, b: null}\nvolumes: {unused: null}\n"
    assert Stack(tmp_path, text).plan(networks=()) == [
        "+ network a create: not there yet",
        "+ service api create: no container yet",
    ]


def test_what_is_external_is_never_created(tmp_path: Path) -> None:
    text = (
        "services: {api: {image: b, networks: [a], volumes: ['data:/d']}}\n"
        "networks: {a: {external: true}}\nvolumes: {data: {external: true}}\n"
    )
    assert Stack(tmp_path, text).plan(networks=()) == ["+ service api create: no container yet"]


def test_a_resource_with_a_name_of_its_own_is_found_by_it(tmp_path: Path) -> None:
    text = "services: {api: {image: b, volumes: ['data:/d']}}\nvolumes: {data: {name: fixed}}\n"
    stack = Stack(tmp_path, text)
    assert stack.plan([stack.made()], [volume("data", name="fixed")]) == []
    assert stack.plan([stack.made()], [volume("data")]) == ["+ volume data create: not there yet"]


def test_a_changed_definition_means_a_new_container(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.plan([container(labels=labels(digest="other"))]) == [
        "~ service api recreate: its definition has changed"
    ]
    assert stack.plan([container()]) == ["~ service api recreate: its definition has changed"], "made by somebody else"


@pytest.mark.parametrize(
    ("known", "step"),
    [
        ({"state": "exited", "exit_code": 0}, "> service api start: churn-dev-api-1 is exited"),
        ({"state": "exited", "exit_code": 1}, "> service api start: churn-dev-api-1 is exited"),
        ({"state": "created"}, "> service api start: churn-dev-api-1 is created"),
        ({"state": "paused"}, "> service api start: churn-dev-api-1 is paused"),
        ({"state": "dead"}, "> service api start: churn-dev-api-1 is dead"),
        ({"health": "unhealthy"}, "> service api start: churn-dev-api-1 is unhealthy"),
    ],
)
def test_what_does_not_run_well_is_started(tmp_path: Path, known: dict[str, Any], step: str) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.plan([stack.made(**known)]) == [step]


def test_a_restarting_container_is_left_to_the_engine(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.plan([stack.made(state="restarting")]) == []


@pytest.mark.parametrize(("there", "step"), [(1, "1 -> 2 containers"), (3, "3 -> 2 containers")])
def test_the_number_of_replicas(tmp_path: Path, there: int, step: str) -> None:
    stack = Stack(tmp_path, "services: {api: {image: b, deploy: {replicas: 2}}}\n")
    found = [stack.made(number=number + 1) for number in range(there)]
    assert stack.plan(found) == [f"~ service api scale: {step}"]


def test_no_replicas_are_no_container(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {api: {image: b, deploy: {replicas: 0}}}\n")
    assert stack.plan() == []
    assert stack.plan([stack.made()]) == ["~ service api scale: 1 -> 0 containers"]


def test_a_one_shot_that_has_ended_well_is_done(tmp_path: Path) -> None:
    stack = Stack(
        tmp_path,
        "services:\n"
        "  api: {image: b, depends_on: {init: {condition: service_completed_successfully}}}\n"
        "  init: {image: b}\n",
    )
    done = stack.made("init", state="exited", exit_code=0)
    assert stack.plan([stack.made(), done]) == []
    failed = stack.made("init", state="exited", exit_code=1)
    assert stack.plan([stack.made(), failed]) == ["> service init start: churn-dev-init-1 is exited"]
    assert is_one_shot(stack.environment, "init")
    assert not is_one_shot(stack.environment, "api")


def test_jobs_that_were_run_by_hand_do_not_count(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.plan([container(oneoff=True)]) == ["+ service api create: no container yet"]
    assert stack.plan([stack.made(), container("old", oneoff=True)]) == []


def test_what_no_blueprint_names_any_more_is_removed(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    found = [stack.made(), container("old"), container("old", 2), container("older")]
    assert stack.plan(found) == [
        "- service old remove: no blueprint names it any more",
        "- service older remove: no blueprint names it any more",
    ]
    assert stack.plan(found, services=["api"]) == [], "what was not asked about is left alone"


@pytest.mark.parametrize(
    ("definition", "image", "step"),
    [
        ("{image: b}", "b", "* service api pull: image b is not on the engine"),
        ("{build: .}", "churn-dev-api", "* service api build: image churn-dev-api is not built yet"),
        ("{build: ., image: mine}", "mine", "* service api build: image mine is not built yet"),
    ],
)
def test_a_missing_image_is_got_first(tmp_path: Path, definition: str, image: str, step: str) -> None:
    stack = Stack(tmp_path, f"services: {{api: {definition}}}\n")
    assert stack.plan(missing_images=frozenset({image})) == [step, "+ service api create: no container yet"]
    assert stack.plan(missing_images=frozenset({"other"})) == ["+ service api create: no container yet"]


CHAIN = """\
services:
  web: {image: b, depends_on: [api]}
  api: {image: b, depends_on: {db: {condition: service_started}, cache: {condition: service_started, required: false}}}
  cache: {image: b, profiles: [fast]}
  db: {image: b}
  train: {image: b, profiles: [jobs], depends_on: [db]}
"""


@pytest.mark.parametrize(
    ("services", "profiles", "expected"),
    [
        (None, [], ["db", "api", "web"]),
        (None, ["fast"], ["db", "cache", "api", "web"]),
        (None, ["jobs"], ["db", "api", "web", "train"]),
        (None, ["*"], ["db", "cache", "api", "web", "train"]),
        (["api"], [], ["db", "api"]),
        (["db"], [], ["db"]),
        (["train"], [], ["db", "train"]),
        (["api", "cache"], [], ["db", "cache", "api"]),
        (["unknown"], [], []),
        ([], [], []),
    ],
)
def test_which_services_are_wanted_and_in_which_order(
    tmp_path: Path, services: list[str] | None, profiles: list[str], expected: list[str]
) -> None:
    environment = load(tmp_path, dev=CHAIN)
    assert wanted_services(environment, services, frozenset(profiles)) == expected


def test_the_blueprints_own_profiles_are_active(tmp_path: Path) -> None:
    environment = load(tmp_path, dev="profiles: [jobs]\n" + CHAIN)
    assert wanted_services(environment, None) == ["db", "api", "web", "train"]


def test_a_long_chain_of_services_has_an_order(tmp_path: Path) -> None:
    lines = [f"  s{index}: {{image: b, depends_on: [s{index + 1}]}}\n" for index in range(1500)]
    environment = load(tmp_path, dev="services:\n" + "".join(lines) + "  s1500: {image: b}\n")
    assert wanted_services(environment, ["s0"])[:2] == ["s1500", "s1499"]


def test_a_plan_as_a_value() -> None:
    plan = Plan((Step(Action.CREATE, "network", "a"), Step(Action.START, "service", "b", ("x", "y"))))
    assert bool(plan)
    assert not Plan()
    assert [str(step) for step in plan.steps] == ["+ network a create", "> service b start: x; y"]
    assert plan.services(Action.START, Action.CREATE) == ["b"]
