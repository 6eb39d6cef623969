"""EV302, EV303: one host port is one container's."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import complaints, joint_complaints
from trees import marked


def two(first: str, second: str) -> str:
    return f"services: {{api: {{image: b, ports: [{first}]}}, web: {{image: b, ports: [{second}]}}}}\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("'8080:80'", "'8080:81'"),
        ("'8080:80'", "{target: 1, published: 8080}"),
        ("'127.0.0.1:8080:80'", "'8080:80'"),
        ("'8080:80'", "'127.0.0.1:8080:80'"),
        ("'127.0.0.1:8080:80'", "'127.0.0.1:8080:81'"),
        ("'0.0.0.0:8080:80'", "'127.0.0.1:8080:81'"),
        ("'8000-8005:80-85'", "'8005:80'"),
        ("'8080:80/udp'", "'8080:81/udp'"),
    ],
)
def test_two_services_on_one_host_port(tmp_path: Path, first: str, second: str) -> None:
    found = complaints(tmp_path, "EV302", dev=two(first, second))
    assert len(found) == 1
    assert found[0].message.startswith("web and api both publish host port 80")
    assert [note.text for note in found[0].notes] == ["api publishes it here"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("'8080:80'", "'8081:80'"),
        ("'8080:80'", "'8080:80/udp'"),
        ("'127.0.0.1:8080:80'", "'127.0.0.2:8080:80'"),
        ("'80'", "'80'"),
        ("'auto:80'", "'auto:80'"),
        ("'0:80'", "'0:80'"),
        ("'127.0.0.1:8080:80'", "'[::1]:8080:80'"),
    ],
)
def test_two_services_beside_each_other(tmp_path: Path, first: str, second: str) -> None:
    assert complaints(tmp_path, "EV302", dev=two(first, second)) == []


def test_one_service_may_not_take_a_host_port_twice(tmp_path: Path) -> None:
    text = "services: {api: {image: b, ports: ['8080:80', '8080:81']}}\n"
    assert len(complaints(tmp_path, "EV302", dev=text)) == 1


@pytest.mark.parametrize("replicas", ["deploy: {replicas: 2}", "deploy: {replicas: '3'}", "scale: 2"])
@pytest.mark.parametrize("port", ["'8080:80'", "'auto:80'"])
def test_replicas_cannot_share_a_host_port(tmp_path: Path, replicas: str, port: str) -> None:
    found = complaints(tmp_path, "EV303", dev=f"services: {{api: {{image: b, {replicas}, ports: [{port}]}}}}\n")
    assert len(found) == 1
    assert found[0].span is not None
    assert marked(found[0].span) == port
    note = found[0].notes[0].span
    assert note is not None
    assert marked(note) in {"2", "'3'"}


@pytest.mark.parametrize(
    "text",
    [
        "deploy: {replicas: 1}, ports: ['8080:80']",
        "deploy: {replicas: 0}, ports: ['8080:80']",
        "ports: ['8080:80']",
        "scale: 2, ports: ['80']",
        "scale: 2, ports: ['8000-8009:80']",
        "deploy: {replicas: 1}, scale: 1, ports: ['8080:80']",
    ],
)
def test_replicas_that_can(tmp_path: Path, text: str) -> None:
    assert complaints(tmp_path, "EV303", dev=f"services: {{api: {{image: b, {text}}}}}\n") == []


def port(number: str) -> str:
    return f"services: {{api: {{image: b, ports: ['{number}:80']}}}}\n"


def test_environments_that_cannot_be_up_together_are_a_warning(tmp_path: Path) -> None:
    found = joint_complaints(tmp_path, "EV302", ["dev", "prod"], dev=port("8080"), prod=port("8080"))
    assert [(one.severity.value, one.message) for one in found] == [
        ("warning", "dev and prod both publish host port 8080/tcp: they cannot be up at once")
    ]


def test_environments_that_inherit_one_port_are_told_at_its_place(tmp_path: Path) -> None:
    found = joint_complaints(
        tmp_path, "EV302", ["dev", "prod"], base="abstract: true\n" + port("8080"), dev="extends: base\n", prod="extends: base\n"
    )  # fmt: skip
    assert [str(one.span).partition(":")[0] for one in found] == ["blueprints/base.yaml"]
    assert found[0].notes == ()


@pytest.mark.parametrize(("one", "other"), [("8080", "8081"), ("auto", "auto"), ("127.0.0.1:8080", "127.0.0.2:8080")])
def test_environments_that_can(tmp_path: Path, one: str, other: str) -> None:
    assert joint_complaints(tmp_path, "EV302", ["dev", "prod"], dev=port(one), prod=port(other)) == []
