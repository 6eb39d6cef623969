from __future__ import annotations

from pathlib import Path

import pytest
from environments import attempt, facts, load
from trees import tell

from envman.checks.compose import newer_attributes
from envman.model.needs import release
from envman.render.compose import render

BLUEPRINT = """
services:
  api:
    image: busybox
    umask: 0o027
    networks: {front: {use_service_name_alias: true}}
    pre_start: [{image: busybox, umask: 0o022}]
  web: {build: {context: ., no_cache_filter: [compile]}, command: umask}
networks: {front: null}
jobs: {nightly: {image: busybox, triggers: {manual: true}}}
"""


def test_each_attribute_is_named_with_its_place_and_both_versions(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=BLUEPRINT)
    assert [tell(one) for one in newer_attributes(environment, "2.40.3")] == [
        "EV412 8:29-44 services.web.build.no_cache_filter needs Compose 5.0.0, this is 2.40.3",
        "EV412 7:5-14 services.api.pre_start needs Compose 5.3.0, this is 2.40.3",
        "EV412 6:24-46 services.api.networks.front.use_service_name_alias needs Compose 5.6.0, this is 2.40.3",
        "EV412 5:5-10 services.api.umask needs Compose 5.6.0, this is 2.40.3",
        "EV412 7:34-39 services.api.pre_start.0.umask needs Compose 5.6.0, this is 2.40.3",
        "EV412 10:1-5 jobs needs Compose 5.6.0, this is 2.40.3",
    ]


@pytest.mark.parametrize(("present", "left"), [("5.2.1", 5), ("v5.3.0", 4), ("5.6.0-rc.1", 0), ("6", 0)])
def test_what_the_present_compose_knows_is_fine(tmp_path: Path, present: str, left: int) -> None:
    assert len(list(newer_attributes(load(tmp_path, dev=BLUEPRINT), present))) == left


def test_the_render_says_what_it_needs(tmp_path: Path) -> None:
    document = render(load(tmp_path, dev=BLUEPRINT), facts(tmp_path))
    assert "Needs Compose 5.3.0 for services.api.pre_start." in document.header


def test_a_jobs_containers_are_known_as_this_checkouts(tmp_path: Path) -> None:
    document = render(load(tmp_path, dev=BLUEPRINT), facts(tmp_path))
    assert document.data["jobs"]["nightly"]["labels"]["dev.envman.checkout"] == "0123456789ab"


def test_a_job_gets_no_port_that_envman_would_have_to_keep(tmp_path: Path) -> None:
    job = "{image: busybox, triggers: {manual: true}, ports: ['auto:80']}"
    environment, problems = attempt(tmp_path, dev=f"jobs: {{nightly: {job}}}\n")
    assert environment is None
    assert [tell(one) for one in problems] == ["EV103 1:68-77 jobs.nightly.ports[0].published: not a host port"]


def test_secrets_that_are_absent_are_granted_to_nobody(tmp_path: Path) -> None:
    text = """
    services: {api: {image: busybox, pre_start: [{image: busybox, secrets: [token, key]}]}}
    jobs: {nightly: {image: busybox, triggers: {manual: true}, secrets: [token], build: {context: ., secrets: [token]}}}
    secrets: {token: {source: env, variable: TOKEN, optional: true}, key: {source: generate}}
    """
    data = render(load(tmp_path, dev=text), facts(tmp_path, absent_secrets=frozenset({"token"}))).data
    assert data["services"]["api"]["pre_start"][0]["secrets"] == [{"source": "key"}]
    assert data["jobs"]["nightly"]["secrets"] == data["jobs"]["nightly"]["build"]["secrets"] == []


def test_versions_compare_as_numbers() -> None:
    assert release("v2.40.3-3") == (2, 40, 3)
    assert release("5.10") > release("5.9.9")
