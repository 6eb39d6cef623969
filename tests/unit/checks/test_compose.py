from __future__ import annotations

from pathlib import Path

import pytest
from environments import facts, load
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


def test_versions_compare_as_numbers() -> None:
    assert release("v2.40.3-3") == (2, 40, 3)
    assert release("5.10") > release("5.9.9")
