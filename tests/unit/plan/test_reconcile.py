"""What is there against what should be: a step for each difference, with its cause."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from environments import facts, load
from stand_ins import container, labels, network, volume

from envman.model.active import is_one_shot, wanted_services
from envman.plan.causes import Cause
from envman.plan.known import Known
from envman.plan.observed import ContainerState, LocalImage, MountPoint, NetworkState, Observed, VolumeState
from envman.plan.plan import Action, Plan, Step
from envman.plan.reconcile import reconcile
from envman.render.compose import render

NETWORK = (network("default"),)
WITHOUT = "`--no-snapshot` does without"


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
        *,
        missing: Iterable[str] = (),
        known: dict[str, Any] | None = None,
        **options: Any,
    ) -> Plan:
        """Return the plan where the engine has every image but those that are ``missing``."""
        observed = Observed(tuple(containers), tuple(volumes), tuple(networks))
        references = {self.environment.image(name) or "" for name in self.environment.stack.services} - set(missing)
        images = {one: LocalImage(one, "sha256:0", (), 0, 0) for one in references}
        facts_known = Known(**{"directory": "/project", "images": images, **(known or {})})
        return reconcile(self.environment, self.document, observed, facts_known, **options)

    def steps(self, *observed: Any, **options: Any) -> list[str]:
        """Return the steps in words, without places and without what becomes of data."""
        bare = [replace(step, data=()) for step in self.plan(*observed, **options).steps]
        return [re.sub(r" \([^()]+:\d+:\d+\)", "", str(step)) for step in bare]


ONE = "services: {api: {image: b}}\n"


def test_what_is_as_it_should_be_needs_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.steps([stack.made()]) == []
    assert stack.steps([stack.made(health="healthy")]) == []
    assert stack.steps([stack.made(health="starting")]) == []
    assert stack.steps([stack.made(health="unhealthy")]) == [], "waiting for it says what is wrong"


def test_where_nothing_is_everything_is_created_networks_and_volumes_first(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {api: {image: b, volumes: ['data:/d']}}\nvolumes: {data: null}\n")
    assert stack.steps(networks=()) == [
        "+ network default create: not there yet",
        "+ volume data create: not there yet",
        "+ api create: no container yet",
    ]


def test_only_what_a_wanted_service_uses_is_created(tmp_path: Path) -> None:
    text = "services: {api: {image: b, networks: [a]}}\nnetworks: {a: null, b: null}\nvolumes: {unused: null}\n"
    assert Stack(tmp_path, text).steps(networks=()) == [
        "+ network a create: not there yet",
        "+ api create: no container yet",
    ]


def test_what_is_external_is_never_created(tmp_path: Path) -> None:
    text = (
        "services: {api: {image: b, networks: [a], volumes: ['data:/d']}}\n"
        "networks: {a: {external: true}}\nvolumes: {data: {external: true}}\n"
    )
    assert Stack(tmp_path, text).steps(networks=()) == ["+ api create: no container yet"]


def test_a_resource_with_a_name_of_its_own_is_found_by_it(tmp_path: Path) -> None:
    text = "services: {api: {image: b, volumes: ['data:/d']}}\nvolumes: {data: {name: fixed}}\n"
    stack = Stack(tmp_path, text)
    assert stack.steps([stack.made()], [volume("data", name="fixed")]) == []
    assert stack.steps([stack.made()], [volume("data")]) == ["+ volume data create: not there yet"]


def test_a_changed_definition_means_a_new_container(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.steps([container(labels=labels(digest="other"))]) == [
        "~ api recreate: its definition has changed since it was made"
    ]
    assert stack.steps([container()]) == ["~ api recreate: its definition has changed since it was made"], (
        "made by somebody else"
    )


@pytest.mark.parametrize(
    ("known", "step"),
    [
        ({"state": "exited", "exit_code": 0}, "> api start: churn-dev-api-1 is exited"),
        ({"state": "exited", "exit_code": 1}, "> api start: churn-dev-api-1 is exited"),
        ({"state": "created"}, "> api start: churn-dev-api-1 is created"),
        ({"state": "paused"}, "> api start: churn-dev-api-1 is paused"),
        ({"state": "dead"}, "> api start: churn-dev-api-1 is dead"),
    ],
)
def test_what_does_not_run_well_is_started(tmp_path: Path, known: dict[str, Any], step: str) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.steps([stack.made(**known)]) == [step]


def test_a_restarting_container_is_left_to_the_engine(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.steps([stack.made(state="restarting")]) == []


@pytest.mark.parametrize(("there", "step"), [(1, "1 -> 2 containers"), (3, "3 -> 2 containers")])
def test_the_number_of_replicas(tmp_path: Path, there: int, step: str) -> None:
    stack = Stack(tmp_path, "services: {api: {image: b, deploy: {replicas: 2}}}\n")
    found = [stack.made(number=number + 1) for number in range(there)]
    assert stack.steps(found) == [f"~ api scale: {step}"]


def test_no_replicas_are_no_container(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {api: {image: b, deploy: {replicas: 0}}}\n")
    assert stack.steps() == []
    assert stack.steps([stack.made()]) == ["~ api scale: 1 -> 0 containers"]


def test_a_one_shot_that_has_ended_well_is_done(tmp_path: Path) -> None:
    stack = Stack(
        tmp_path,
        "services:\n"
        "  api: {image: b, depends_on: {init: {condition: service_completed_successfully}}}\n"
        "  init: {image: b}\n",
    )
    done = stack.made("init", state="exited", exit_code=0)
    assert stack.steps([stack.made(), done]) == []
    failed = stack.made("init", state="exited", exit_code=1)
    assert stack.steps([stack.made(), failed]) == ["> init start: churn-dev-init-1 is exited"]
    assert is_one_shot(stack.environment, "init")
    assert not is_one_shot(stack.environment, "api")


JOB = """\
services:
  db: {image: b, tmpfs: [/data]}
  init: {image: b, depends_on: [db], environment: {LEVEL: x}}
  seed: {image: b, depends_on: {init: {condition: service_completed_successfully}}}
  api: {image: b, depends_on: {seed: {condition: service_completed_successfully}}}
"""


@pytest.mark.parametrize(
    ("changed", "db", "init", "steps"),
    [
        ("api", {}, {}, ["~ api recreate: its definition has changed since it was made"]),
        (
            "db",
            {},
            {},
            [
                "~ db recreate: its definition has changed since it was made",
                "> init rerun: it has completed, and db, which it depends on, is made anew",
                "> seed rerun: it has completed, and init, which it depends on, runs again",
            ],
        ),
        (
            "",
            {"state": "exited"},
            {},
            [
                "> db start: churn-dev-db-1 is exited",
                "> init rerun: it has completed, and db, which it depends on, starts with an empty tmpfs",
                "> seed rerun: it has completed, and init, which it depends on, runs again",
            ],
        ),
        ("", {}, {"exit_code": 3}, ["> init start: churn-dev-init-1 is exited"]),
    ],
)
def test_a_one_shot_that_has_completed_runs_again_where_what_it_did_may_be_gone(
    tmp_path: Path, changed: str, db: dict[str, Any], init: dict[str, Any], steps: list[str]
) -> None:
    stack = Stack(tmp_path, JOB)
    known: dict[str, dict[str, Any]] = {
        "db": db,
        "init": {"state": "exited", "exit_code": 0, **init},
        "seed": {"state": "exited", "exit_code": 0},
        "api": {},
    }
    for name, one in known.items():
        if name == changed:
            one["labels"] = labels(digest="other")
    found = [
        container(name, **{"labels": labels(digest=stack.document.digests[name]), **one}) for name, one in known.items()
    ]
    assert stack.steps(found) == steps


def test_a_one_shot_that_is_made_anew_says_that_it_runs_again(tmp_path: Path) -> None:
    stack = Stack(tmp_path, JOB)
    done: dict[str, Any] = {"state": "exited", "exit_code": 0}
    found = [stack.made("db"), container("init", **done), stack.made("seed", **done), stack.made("api")]
    [step, seed] = stack.plan(found).steps
    assert (step.action, step.data, seed.action) == (Action.RECREATE, ("runs again",), Action.RERUN)


def test_scaling_is_said_where_containers_are_made_anew_as_well(tmp_path: Path) -> None:
    three = Stack(tmp_path, "services: {api: {image: b, deploy: {replicas: 3}}}\n")
    changed = labels(digest="other")
    assert [str(step) for step in three.plan([container(labels=changed)]).steps] == [
        "~ api recreate: its definition has changed since it was made",
        "~ api scale: 1 -> 3 containers (blueprints/dev.yaml:1:47)",
    ]
    one = Stack(tmp_path, ONE)
    assert [str(step) for step in one.plan([container(number=number, labels=changed) for number in (1, 2)]).steps] == [
        "~ api recreate: its definition has changed since it was made [1 of 2 containers: churn-dev-api-1]",
        "~ api scale: 2 -> 1 containers (blueprints/dev.yaml:1:17) [removes churn-dev-api-2]",
    ]
    mixed = [container(labels=changed), one.made(number=2)]
    assert [str(step) for step in one.plan(mixed).steps] == [
        "~ api scale: 2 -> 1 containers (blueprints/dev.yaml:1:17) [removes churn-dev-api-1]"
    ]
    assert three.steps([three.made(state="exited"), three.made(number=2)]) == [
        "~ api scale: 2 -> 3 containers",
        "> api start: churn-dev-api-1 is exited",
    ]
    assert three.plan().steps[-1].data == ("3 containers",)


DEPENDANTS = """\
services:
  db: {image: b}
  api: {image: b, depends_on: {db: {condition: service_started, restart: true}}}
  linked: {image: b, links: [db]}
  plain: {image: b, depends_on: [db, api]}
"""


def test_dependants_that_restart_are_named(tmp_path: Path) -> None:
    stack = Stack(tmp_path, DEPENDANTS)
    found = [stack.made(name) for name in stack.document.services]
    assert stack.steps([container("db"), *found[1:]])[1:] == [
        "^ api restart: restarts with db, which is made anew",
        "^ linked restart: restarts with db, which is made anew",
    ]
    assert stack.steps([replace(found[0], state="exited"), *found[1:]]) == ["> db start: churn-dev-db-1 is exited"]


@pytest.mark.parametrize(
    ("attribute", "key", "word"),
    [("network_mode", "NetworkMode", "network"), ("ipc", "IpcMode", "ipc"), ("pid", "PidMode", "pid")],
)
def test_a_namespace_that_is_gone_means_a_restart(tmp_path: Path, attribute: str, key: str, word: str) -> None:
    stack = Stack(tmp_path, f"services: {{gate: {{image: b}}, web: {{image: b, {attribute}: 'service:gate'}}}}\n")
    gate = stack.made("gate", started_at=2.0)
    web = stack.made("web", started_at=3.0, inspected={"HostConfig": {key: "container:gate1"}})
    assert stack.steps([gate, web]) == []
    assert stack.steps([replace(gate, started_at=4.0), web]) == [
        f"^ web restart: shares the {word} of gate, which was started after it"
    ]
    assert stack.steps([replace(gate, state="exited"), web])[1:] == [
        f"^ web restart: shares the {word} of gate, which is started"
    ]
    assert stack.steps([replace(gate, id="other"), web]) == [
        f"~ web recreate: shares the {word} of gate, whose container is another one now"
    ]


def test_volumes_of_another_service_are_followed(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {data: {image: b}, web: {image: b, volumes_from: ['data:ro']}}\n")
    web = stack.made("web", inspected={"HostConfig": {"VolumesFrom": ["data1:ro"]}})
    assert stack.steps([stack.made("data"), web]) == []
    assert stack.steps([container("data"), web])[1:] == [
        "~ web recreate: shares the volumes of data, which is made anew"
    ]


def test_a_stopped_container_whose_network_is_gone_is_made_anew(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    [network_step, step] = stack.plan([stack.made(state="exited")], networks=()).steps
    assert (network_step.kind, step.action, step.force) == ("network", Action.RECREATE, True)


def test_jobs_that_were_run_by_hand_do_not_count(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.steps([container(oneoff=True)]) == ["+ api create: no container yet"]
    assert stack.steps([stack.made(), container("old", oneoff=True)]) == []


def test_what_no_blueprint_names_any_more_is_removed(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    found = [stack.made(), container("old"), container("old", 2), container("older")]
    assert stack.steps(found) == [
        "- old remove: no blueprint names it any more",
        "- older remove: no blueprint names it any more",
    ]
    assert stack.steps(found, services=["api"]) == [], "what was not asked about is left alone"


@pytest.mark.parametrize(
    ("definition", "image", "step"),
    [
        ("{image: b}", "b", "* api pull: image b is not on the engine"),
        ("{build: .}", "churn-dev-api", "* api build: image churn-dev-api is not built yet"),
        ("{build: ., image: mine}", "mine", "* api build: image mine is not built yet"),
    ],
)
def test_a_missing_image_is_got_first(tmp_path: Path, definition: str, image: str, step: str) -> None:
    stack = Stack(tmp_path, f"services: {{api: {definition}}}\n")
    assert stack.steps(missing={image}) == [step, "+ api create: no container yet"]
    assert stack.steps(missing={"other"}) == ["+ api create: no container yet"]


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
    plan = Plan((Step(Action.CREATE, "network", "a"), Step(Action.START, "service", "b", (Cause("x"), Cause("y")))))
    assert bool(plan)
    assert not Plan()
    assert [str(step) for step in plan.steps] == ["+ network a create", "> b start: x; y"]
    assert plan.services(Action.START, Action.CREATE) == ["b"]


def test_a_cause_says_where_a_blueprint_says_so(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services:\n  api:\n    image: b\n    environment: {LEVEL: debug}\n    mem_limit: 64m\n")
    before = Stack(tmp_path, "services:\n  api:\n    image: a\n    environment: {LEVEL: info}\n").document
    [digest] = before.definitions
    old = container(labels=labels(digest=digest))
    [step] = stack.plan([old], known={"definitions": before.definitions}).steps
    assert [str(one) for one in step.causes] == [
        "image a -> b (blueprints/dev.yaml:3:12)",
        "environment.LEVEL info -> debug (blueprints/dev.yaml:4:26)",
        "mem_limit unset -> 64m (blueprints/dev.yaml:5:16)",
    ]


def test_values_that_look_secret_are_withheld(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {api: {image: b, environment: {API_TOKEN: new}}}\n")
    before = Stack(tmp_path, "services: {api: {image: b, environment: {API_TOKEN: old}}}\n").document
    [digest] = before.definitions
    [step] = stack.plan([container(labels=labels(digest=digest))], known={"definitions": before.definitions}).steps
    assert step.causes[0].text == "environment.API_TOKEN (withheld) -> (withheld)"


def test_another_image_under_the_same_tag_means_a_new_container(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    other = {"b": LocalImage("b", "sha256:" + "2" * 64, (), 0, 0)}
    assert stack.steps([stack.made()], known={"images": other}) == [
        "~ api recreate: b is another image now: 0 -> 222222222222"
    ]


def test_what_changed_since_a_build_means_a_build_and_a_new_container(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {api: {build: .}}\n")
    assert stack.steps([stack.made()], known={"builds": {"api": ("src/a.py changed since it was built",)}}) == [
        "* api build: src/a.py changed since it was built",
        "~ api recreate: its image is built anew",
    ]


def test_a_lost_network_means_a_new_container(tmp_path: Path) -> None:
    stack = Stack(tmp_path, ONE)
    assert stack.steps([stack.made(networks=())]) == [
        "~ api recreate: churn-dev-api-1 is not attached to network churn-dev_default any more"
    ]


def test_what_lives_in_a_container_that_is_made_anew_is_made_anew(tmp_path: Path) -> None:
    stack = Stack(
        tmp_path, "services: {api: {image: b}, side: {image: b, network_mode: 'service:api', depends_on: [api]}}\n"
    )
    assert stack.steps([container(labels=labels(digest="x")), stack.made("side", networks=())])[1:] == [
        "~ side recreate: shares the network of api, which is made anew"
    ]


def test_a_renamed_service_is_named_as_such(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {web: {image: b}}\n")
    old = container("api", labels=labels(digest=stack.document.digests["web"]))
    assert stack.steps([old]) == ["+ web create: renamed from api", "- api remove: renamed to web"]


def test_what_becomes_of_data_is_said(tmp_path: Path) -> None:
    stack = Stack(
        tmp_path, "services: {db: {image: b, volumes: ['new:/data', 'logs:/logs']}}\nvolumes: {new: null, logs: null}\n"
    )
    mounts = (
        MountPoint("volume", "churn-dev_old", "/data"),
        MountPoint("volume", "churn-dev_logs", "/logs"),
        MountPoint("volume", "f" * 64, "/anonymous"),
    )
    plan = stack.plan([container("db", labels=labels(digest="x"), mounts=mounts)], [volume("logs"), volume("old")])
    assert [(step.name, step.data) for step in plan.steps] == [
        ("new", ("begins empty", "db had volume churn-dev_old on /data, which stays")),
        (
            "db",
            (
                "keeps volume churn-dev_logs",
                f"leaves anonymous volume {'f' * 12} of /anonymous behind, after a snapshot of what was written there ({WITHOUT})",
            ),
        ),
    ]


@pytest.mark.parametrize("missing", [False, True])
def test_nobody_knows_which_volumes_a_new_image_will_want(tmp_path: Path, missing: bool) -> None:
    stack = Stack(tmp_path, "services: {db: {image: b}}\n")
    one = container("db", labels=labels(digest="x"), mounts=(MountPoint("volume", "f" * 64, "/old"),))
    plan = stack.plan([one], missing=["b"] if missing else [])
    said = plan.steps[-1].data[0]
    assert said.endswith("unless the new image wants it") is missing
    assert [volume.target for volume in plan.left] == ([] if missing else ["/old"])


def test_what_a_removed_service_and_too_many_containers_leave_behind(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "services: {db: {image: b, volumes: [/old]}}\n")
    mounts = [(MountPoint("volume", digit * 64, "/old"),) for digit in "123"]
    containers = [stack.made("db", number, mounts=mounts[number - 1]) for number in (1, 2)]
    plan = stack.plan([*containers, container("gone", mounts=mounts[2])])
    assert [(step.action, step.name, [one.number for one in step.left]) for step in plan.steps] == [
        (Action.SCALE, "db", [2]),
        (Action.REMOVE, "gone", [1]),
    ]
    assert [one.volume[0] for one in plan.left] == ["2", "3"]
