"""What is not active is not judged, as in Compose; what is active is judged together."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import complaints
from environments import load

from envman.checks import advise, check_environment, check_together
from envman.diagnostics import Report

APART = """\
services:
  cpu: {image: "a:1", profiles: [cpu], container_name: llm, ports: ["8080:80"]}
  gpu: {image: "a:1", profiles: [gpu], container_name: llm, ports: ["8080:80"]}
"""
UNFIT = """\
services:
  app: {image: "a:1"}
  gone: {profiles: [more], environment: {A: b}, networks: [nowhere], env_file: worker.env}
"""
TWO = """\
services:
  one: {image: "a:1", ports: ["8080:80"]}
  two: {image: "a:1", ports: ["8080:80"]}
  both: {image: "a:1", depends_on: [one, two]}
"""


def found(root: Path, text: str, *, services: tuple[str, ...] = (), profiles: tuple[str, ...] = ()) -> list[str]:
    report = Report()
    check_environment(load(root, dev=text), root, report, services=services, profiles=profiles)
    return [one.code for one in report.errors]


@pytest.mark.parametrize(
    ("text", "services", "profiles", "codes"),
    [
        (APART, (), (), []),
        (APART, (), ("cpu",), []),
        (APART, ("gpu",), (), []),
        (APART, ("gpu",), ("cpu",), ["EV310"]),
        (APART, (), ("cpu", "gpu"), ["EV310", "EV302"]),
        (APART, (), ("*",), ["EV310", "EV302"]),
        ("profiles: [cpu, gpu]\n" + APART, (), (), ["EV310", "EV302"]),
        (UNFIT, (), (), []),
        (UNFIT, ("app",), (), []),
        (UNFIT, (), ("more",), ["EV304", "EV301", "EV307"]),
        (UNFIT, ("gone",), (), ["EV304", "EV301", "EV307"]),
        (TWO, (), (), ["EV302"]),
        (TWO, ("one",), (), []),
        (TWO, ("both",), (), ["EV302"]),
    ],
)
def test_the_active_services_are_judged(
    tmp_path: Path, text: str, services: tuple[str, ...], profiles: tuple[str, ...], codes: list[str]
) -> None:
    assert found(tmp_path, text, services=services, profiles=profiles) == codes


def test_check_warns_of_what_would_be_wrong_with_another_profile(tmp_path: Path) -> None:
    environment, report = load(tmp_path, dev=UNFIT), Report()
    advise(environment, tmp_path, report)
    assert report.errors == []
    assert {"EV304", "EV301", "EV307"} <= {one.code for one in report.warnings}


def test_environments_are_held_together_by_what_is_active(tmp_path: Path) -> None:
    text = "services: {a: {image: 'a:1', profiles: [x], ports: ['8080:80']}}\n"
    load(tmp_path, dev=text, prod=text)
    report = Report()
    check_together([load(tmp_path, name, dev=text, prod=text) for name in ("dev", "prod")], report, whole=True)
    assert [one for one in report if one.code == "EV302"] == []


@pytest.mark.parametrize(
    "use",
    [
        "network_mode: 'service:p'",
        "ipc: 'service:p'",
        "pid: 'service:p'",
        "uts: 'service:p'",
        "volumes_from: [p]",
        "links: ['p:x']",
        "depends_on: [p]",
        "build: {context: ., additional_contexts: {x: 'service:p'}}",
    ],
)
def test_what_an_active_service_needs_must_be_active(tmp_path: Path, use: str) -> None:
    (tmp_path / "Dockerfile").touch()
    text = f"services: {{w: {{image: a, {use}}}, p: {{image: a, build: ., profiles: [extra]}}}}\n"
    assert found(tmp_path, text) == ["EV315"]
    assert found(tmp_path, text, profiles=("extra",)) == []


def test_an_optional_dependency_may_be_inactive(tmp_path: Path) -> None:
    wait = "{p: {condition: service_started, required: false}}"
    assert found(tmp_path, f"services: {{w: {{image: a, depends_on: {wait}}}, p: {{image: a, profiles: [x]}}}}\n") == []


@pytest.mark.parametrize(
    ("one", "other", "codes"),
    [
        ("network_mode: 'service:b'", "depends_on: [a]", ["EV305"]),
        ("volumes_from: [b]", "ipc: 'service:a'", ["EV305"]),
        ("links: [a]", "build: .", ["EV305"]),
        ("build: {context: ., additional_contexts: {x: 'service:b'}}", "build: .", []),
        ("build: {context: ., additional_contexts: {x: 'service:b'}}", "image: a", ["EV108"]),
        (
            "build: {context: ., additional_contexts: {x: 'service:b'}}",
            "build: {context: ., additional_contexts: {x: 'service:a'}}",
            ["EV305"],
        ),
        ("build: {context: ., additional_contexts: {x: 'service:b'}}", "build: ., depends_on: [a]", []),
        ("platform: linux/arm64, build: {context: ., platforms: [linux/amd64]}", "build: .", ["EV108"]),
        ("platform: linux/arm64, build: {context: ., platforms: [linux/arm64]}", "build: .", []),
    ],
)
def test_references_lead_to_no_circle_and_to_what_is_built(
    tmp_path: Path, one: str, other: str, codes: list[str]
) -> None:
    (tmp_path / "Dockerfile").touch()
    images = ["" if "build" in text or "image" in text else "image: a, " for text in (one, other)]
    text = f"services: {{a: {{{images[0]}{one}}}, b: {{{images[1]}{other}}}}}\n"
    assert found(tmp_path, text) == codes


def test_one_mapping_said_twice_is_one(tmp_path: Path) -> None:
    service = "services: {a: {image: a, ports: ['8080:80', '8080:%s']}}\n"
    assert found(tmp_path, service % 80) == []
    assert found(tmp_path, service % 81) == ["EV302"]


def test_a_stand_in_of_a_copy_is_behind_a_profile_of_its_own(tmp_path: Path) -> None:
    text = "services: {a: {image: 'b:1'}, s: {image: 'b:1', profiles: [reproduce]}}\n"
    reproduce = "reproduce: {endpoints: {api.example.com: s, other.example.com: nobody}}\n"
    assert [one.code for one in complaints(tmp_path, "EV661", dev=text + reproduce)] == ["EV661"]
