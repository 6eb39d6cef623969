"""EV108, EV310: what Compose takes alone and refuses together."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import complaints
from trees import marked


@pytest.mark.parametrize(
    ("text", "words", "at"),
    [
        ("services: {api: {image: b, network_mode: host, networks: [n]}}\nnetworks: {n: null}\n", "services.api has both network_mode and networks", "network_mode"),
        ("services: {api: {image: b, scale: 2, deploy: {replicas: 3}}}\n", "services.api has both scale and deploy.replicas", "scale"),
        ("services: {api: {image: b}}\nconfigs: {c: {file: a, content: b}}\n", "configs.c has both file and content", "file"),
        ("services: {api: {image: b}}\nconfigs: {c: {environment: A, content: b}}\n", "configs.c has both environment and content", "environment"),
        ("services: {api: {image: b}}\nsecrets: {s: {file: a, environment: B}}\n", "secrets.s has both file and environment", "file"),
    ],
)  # fmt: skip
def test_two_attributes_that_exclude_each_other(tmp_path: Path, text: str, words: str, at: str) -> None:
    found = complaints(tmp_path, "EV108", dev=text)
    assert [one.message for one in found] == [f"{words}: Compose refuses that"]
    assert found[0].span is not None
    assert marked(found[0].span) == at


@pytest.mark.parametrize(
    "text",
    [
        "services: {api: {image: b, network_mode: host, networks: {}}}\n",
        "services: {api: {image: b, scale: 2, deploy: {replicas: '2'}}}\n",
        "services: {api: {image: b, scale: 2, deploy: {labels: {a: b}}}}\n",
        "services: {api: {image: b}}\nconfigs: {c: {file: a}, d: {content: b}, e: {external: true}}\n",
        "services: {api: {image: b}}\nsecrets: {s: {source: env, variable: A}, t: {file: a}}\n",
    ],
)
def test_two_attributes_that_do_not(tmp_path: Path, text: str) -> None:
    assert complaints(tmp_path, "EV108", dev=text) == []


def test_a_child_may_turn_from_networks_to_a_mode(tmp_path: Path) -> None:
    base = "abstract: true\nservices: {api: {image: b, networks: [n]}}\nnetworks: {n: null}\n"
    dev = "extends: base\nservices: {api: {network_mode: host}}\n"
    assert len(complaints(tmp_path, "EV108", base=base, dev=dev)) == 1
    reset = "extends: base\nservices: {api: {network_mode: host, networks: !reset null}}\n"
    assert complaints(tmp_path, "EV108", base=base, dev=reset) == []


def test_two_services_with_one_container_name(tmp_path: Path) -> None:
    text = "services: {api: {image: b, container_name: one}, web: {image: b, container_name: one}}\n"
    errors = [one for one in complaints(tmp_path, "EV310", dev=text) if one.severity.value == "error"]
    assert [one.message for one in errors] == ["web and api both have the container_name one"]
