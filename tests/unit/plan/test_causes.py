"""Why something has to be made anew: in words, with the place that says so, and without anybody's secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import facts, load
from stand_ins import container, labels, network, volume

from envman.plan.causes import causes_of_change, origin, show
from envman.plan.known import Known
from envman.plan.observed import MountPoint, NetworkState, Observed
from envman.plan.resources import changed_resources, creation_steps
from envman.render.compose import render

SERVICE = """\
services:
  api:
    image: "shop/api:%(tag)s"
    environment: {LOG_LEVEL: %(level)s, API_TOKEN: %(token)s, DB: "pg://u:%(token)s@db/x"}
    deploy: {resources: {limits: {memory: %(memory)s}}}
    volumes: ["data:/data"]
    secrets: [key]
volumes: {data: {}}
secrets: {key: {source: generate}}
"""
BEFORE = {"tag": "1.2", "level": "info", "token": "0ne", "memory": "512m"}


def causes(root: Path, fingerprints: tuple[str, str] = ("a", "a"), **after: str) -> list[str]:
    old = render(load(root, dev=SERVICE % BEFORE), facts(root, fingerprints={"key": fingerprints[0]}))
    environment = load(root, dev=SERVICE % {**BEFORE, **after})
    new = render(environment, facts(root, fingerprints={"key": fingerprints[1]}))
    previous = old.definitions[old.digests["api"]]
    return [str(one) for one in causes_of_change(environment, new, "api", previous, "/project")]


def test_what_has_changed_is_told_with_its_place(tmp_path: Path) -> None:
    assert causes(tmp_path, tag="1.3", level="debug", memory="1g") == [
        "image shop/api:1.2 -> shop/api:1.3 (blueprints/dev.yaml:3:12)",
        "environment.LOG_LEVEL info -> debug (blueprints/dev.yaml:4:30)",
        "mem_limit 512m -> 1g (blueprints/dev.yaml:5:43)",
    ]


def test_secrets_are_in_no_cause(tmp_path: Path) -> None:
    found = causes(tmp_path, fingerprints=("a", "b"), token="tw0")
    assert found == [
        "environment.API_TOKEN (withheld) -> (withheld) (blueprints/dev.yaml:4:47)",
        "environment.DB pg://u:***@db/x -> pg://u:***@db/x (blueprints/dev.yaml:4:56)",
        "the value of secret key has changed (blueprints/dev.yaml:9:11)",
    ]


def test_a_variable_that_is_a_secrets_is_not_shown_either(tmp_path: Path) -> None:
    text = "variables: {password: {type: string, default: %s}}\nservices: {api: {image: a, command: [serve, '--pass=${password}']}}\n"
    old = render(load(tmp_path, dev=text % "0ne"), facts(tmp_path))
    environment = load(tmp_path, dev=text % "tw0")
    new = render(environment, facts(tmp_path))
    [cause] = causes_of_change(environment, new, "api", old.definitions[old.digests["api"]], "/project")
    assert cause.text == "command has changed"


def test_what_it_was_made_from_may_not_be_known(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=SERVICE % BEFORE)
    [cause] = causes_of_change(environment, render(environment, facts(tmp_path)), "api", None, "/project")
    assert str(cause) == "its definition has changed since it was made"


@pytest.mark.parametrize(
    ("attribute", "value", "text"),
    [
        ("restart", None, "unset"),
        ("ports", [], "unset"),
        ("mem_limit", 1024**3, "1g"),
        ("mem_limit", 1000, "1000"),
        ("environment.DB_PASSWORD", "x", "(withheld)"),
        ("labels.api_key", "x", "(withheld)"),
        ("logging.options", {"max-size": "1m", "token": "x"}, "max-size=1m, token=(withheld)"),
        ("volumes./d", ("volume", "v", True), "volume v (read only)"),
        ("networks.n", ["(attached)", "a"], "attached as a"),
        ("ulimits.nofile", (1, 2), "1 to 2"),
        ("ulimits.nofile", (1, 1), "1"),
        ("init", True, "true"),
        ("cpus", 2.0, "2"),
        ("user", "", '""'),
        ("command", ["a", "b" * 100], "a " + "b" * 57 + "…"),
    ],
)
def test_a_value_as_people_write_it(attribute: str, value: Any, text: str) -> None:
    assert show(attribute, value) == text


def test_where_an_attribute_of_the_common_form_was_set(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=SERVICE % BEFORE)
    found = {name: str(origin(environment, "api", name)) for name in ("mem_limit", "volumes./data", "restart")}
    assert found == {
        "mem_limit": "blueprints/dev.yaml:5:43",
        "volumes./data": "blueprints/dev.yaml:6:15",
        "restart": "None",
    }


DATA = "services: {api: {image: a, volumes: ['%s:/d']}}\nvolumes: {%s: %s}\nnetworks: {default: %s}\n"


def resources(root: Path, text: str, observed: Observed, known: Known | None = None) -> tuple[list[str], list[str]]:
    """Return the steps, and the messages of what is refused."""
    environment = load(root, dev=text)
    document = render(environment, facts(root))
    refused = changed_resources(environment, document, observed, known or Known("/project"))
    steps = creation_steps(environment, document, observed, ["api"])
    return [str(one) for one in steps], [f"{one.span}: {one.message}" for one in refused]


def test_a_new_volume_says_which_one_it_takes_the_place_of(tmp_path: Path) -> None:
    before = container(mounts=(MountPoint("volume", "churn-dev_old", "/d"),), labels=labels(digest="x"))
    observed = Observed((before,), (volume("old"),), (network("default"),))
    steps, refused = resources(tmp_path, DATA % ("new", "new", "{}", "{}"), observed)
    assert refused == []
    assert steps == [
        (
            "+ volume new create: not there yet (blueprints/dev.yaml:2:11) "
            "[begins empty; api had volume churn-dev_old on /d, which stays]"
        )
    ]


@pytest.mark.parametrize(
    ("volume_text", "network_text", "recorded", "message"),
    [
        ("{}", "{}", False, None),
        ("{}", "{}", True, None),
        ("{driver: local}", "{driver: bridge}", False, None),
        ("{driver: nfs}", "{}", False, "volume churn-dev_data exists with another definition: driver changed"),
        ("{labels: {a: b}}", "{}", False, "volume churn-dev_data exists with another definition: labels changed"),
        (
            "{driver_opts: {o: x}}",
            "{}",
            False,
            "volume churn-dev_data exists with another definition: driver_opts changed",
        ),
        ("{}", "{internal: true}", False, "network churn-dev_default exists with another definition: internal changed"),
        (
            "{}",
            "{attachable: true}",
            True,
            "network churn-dev_default exists with another definition: attachable changed",
        ),
    ],
)
def test_what_exists_with_another_definition_is_refused(
    tmp_path: Path, volume_text: str, network_text: str, recorded: bool, message: str | None
) -> None:
    made: tuple[NetworkState, ...] = (network("default"),)
    observed = Observed((), (volume("data"),), made)
    known = Known("/project")
    if recorded:
        before = render(load(tmp_path, dev=DATA % ("data", "data", "{}", "{}")), facts(tmp_path)).data
        records = {
            kind: {f"churn-dev_{key}": one for key, one in before[kind].items()} for kind in ("networks", "volumes")
        }
        known = Known("/project", networks=records["networks"], volumes=records["volumes"])
    steps, refused = resources(tmp_path, DATA % ("data", "data", volume_text, network_text), observed, known)
    assert steps == []
    assert [one.partition(": ")[2] for one in refused] == ([message] if message else [])
