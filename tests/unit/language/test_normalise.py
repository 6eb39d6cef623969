"""Short forms to long ones, as Compose takes them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import attempt, load
from trees import marked, tree

from envman.diagnostics import Diagnostic, Report
from envman.language.normalise import normalise
from envman.source.tree import node_at, plain


def service(text: str) -> Any:
    """Return the long form of a service of which ``text`` is said; there must be nothing to complain about."""
    report = Report()
    found = plain(normalise(tree(f"services: {{api: {{{text}}}}}\n"), report))["services"]["api"]
    assert list(report) == []
    return found


def problem(root: Path, text: str) -> Diagnostic:
    environment, found = attempt(root, dev=f"services: {{api: {{image: b, {text}}}}}\n")
    assert environment is None
    assert len(found) == 1, [one.message for one in found]
    return found[0]


# --- ports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", {"target": 80, "protocol": "tcp"}),
        ("8080:80", {"target": 80, "published": "8080", "protocol": "tcp"}),
        ("8080:80/udp", {"target": 80, "published": "8080", "protocol": "udp"}),
        ("8080:80/TCP", {"target": 80, "published": "8080", "protocol": "tcp"}),
        ("127.0.0.1:8080:80", {"target": 80, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"}),
        ("127.0.0.1::80", {"target": 80, "host_ip": "127.0.0.1", "protocol": "tcp"}),
        ("[::1]:8080:80", {"target": 80, "published": "8080", "host_ip": "::1", "protocol": "tcp"}),
        (":80", {"target": 80, "protocol": "tcp"}),
        ("auto:80", {"target": 80, "published": "auto", "protocol": "tcp"}),
        ("127.0.0.1:auto:80", {"target": 80, "published": "auto", "host_ip": "127.0.0.1", "protocol": "tcp"}),
        ("0:80", {"target": 80, "published": "0", "protocol": "tcp"}),
        ("8000-8010:80", {"target": 80, "published": "8000-8010", "protocol": "tcp"}),
    ],
)
def test_a_port(text: str, expected: dict[str, Any]) -> None:
    assert service(f"ports: ['{text}']") == {"ports": [expected]}


def test_a_bare_number_is_a_port() -> None:
    assert service("ports: [80]") == {"ports": [{"target": 80, "protocol": "tcp"}]}


def test_a_long_form_gets_compose_s_protocol() -> None:
    assert service("ports: [{target: 80}]") == {"ports": [{"target": 80, "protocol": "tcp"}]}


def test_ranges_are_written_out() -> None:
    found = service("ports: ['8000-8002:80-82/udp', '90-91']")["ports"]
    assert [(one.get("published"), one["target"], one["protocol"]) for one in found] == [
        ("8000", 80, "udp"),
        ("8001", 81, "udp"),
        ("8002", 82, "udp"),
        (None, 90, "tcp"),
        (None, 91, "tcp"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x:y",
        "http",
        "",
        "0",
        "65536",
        "1:65536",
        "65536:1",
        "8080:80/xyz",
        "8080:",
        "81-80",
        "8000-8001:80-82",
        "999.0.0.1:80:80",
        "host:80:80",
        "::1:8080:80",
        "[::1:80:80",
        "1:2:3:4",
        "-80",
        "80 ",
        "٨٠",
    ],
)
def test_what_is_no_port(tmp_path: Path, text: str) -> None:
    found = problem(tmp_path, f"ports: ['{text}']")
    assert (found.code, found.message) == ("EV103", f'"{text}" is not a port mapping')
    assert found.span is not None
    assert marked(found.span) == f"'{text}'"


def test_a_file_has_an_end_of_ports(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, dev="services: {api: {image: b, ports: ['1-20000', '1-20000/udp']}}\n")
    assert environment is None
    assert [one.code for one in found] == ["EV110"]


# --- mounts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data", {"type": "volume", "target": "/data", "volume": {}}),
        ("data:/data", {"type": "volume", "source": "data", "target": "/data", "volume": {}}),
        (
            "data:/data:ro",
            {"type": "volume", "source": "data", "target": "/data", "read_only": True, "volume": {}},
        ),
        ("data:/data:rw", {"type": "volume", "source": "data", "target": "/data", "volume": {}}),
        (
            "data:/data:nocopy",
            {"type": "volume", "source": "data", "target": "/data", "volume": {"nocopy": True}},
        ),
        (
            "./src:/app",
            {"type": "bind", "source": "./src", "target": "/app", "bind": {"create_host_path": True}},
        ),
        (
            "/a:/b:ro,z",
            {
                "type": "bind",
                "source": "/a",
                "target": "/b",
                "read_only": True,
                "bind": {"selinux": "z", "create_host_path": True},
            },
        ),
        (
            "~/a:/b:rshared",
            {
                "type": "bind",
                "source": "~/a",
                "target": "/b",
                "bind": {"propagation": "rshared", "create_host_path": True},
            },
        ),
        (
            "../a:/b:cached",
            {"type": "bind", "source": "../a", "target": "/b", "bind": {"create_host_path": True}},
        ),
        (
            "C:\\a:/b",
            {"type": "bind", "source": "C:\\a", "target": "/b", "bind": {"create_host_path": True}},
        ),
    ],
)
def test_a_mount(text: str, expected: dict[str, Any]) -> None:
    assert service(f"volumes: ['{text}']") == {"volumes": [expected]}


@pytest.mark.parametrize("text", ["aa:", ":/data", "aa:/b:ro:x", "aa:/b:", ":::"])
def test_what_is_no_mount(tmp_path: Path, text: str) -> None:
    found = problem(tmp_path, f"volumes: ['{text}']")
    assert (found.code, found.message) == ("EV104", f'"{text}" is not a mount')


@pytest.mark.parametrize(
    ("text", "word"), [("data:/data:fast", '"fast"'), ("d:/d", "Windows drive"), ("D:/data", "Windows drive")]
)
def test_what_compose_would_misunderstand_in_silence_is_a_warning(tmp_path: Path, text: str, word: str) -> None:
    environment, found = attempt(
        tmp_path, dev=f"services: {{api: {{image: b, volumes: ['{text}']}}}}\nvolumes: {{data: null, d: null}}\n"
    )
    assert environment is not None
    assert [(one.code, one.severity.value) for one in found] == [("EV104", "warning")]
    assert word in found[0].message


# --- the other short forms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environment: [A=1, B=, C, D=x=y]", {"environment": {"A": "1", "B": "", "C": None, "D": "x=y"}}),
        ("environment: {A: 1, B: null, C: true}", {"environment": {"A": 1, "B": None, "C": True}}),
        ("labels: [a=b, c]", {"labels": {"a": "b", "c": None}}),
        ("sysctls: [a=1]", {"sysctls": {"a": "1"}}),
        ("networks: [a, b]", {"networks": {"a": None, "b": None}}),
        ("depends_on: [db]", {"depends_on": {"db": {"condition": "service_started"}}}),
        ("extra_hosts: ['h:1.1.1.1', 'i=::1']", {"extra_hosts": {"h": "1.1.1.1", "i": "::1"}}),
        ("extra_hosts: ['h:1.1.1.1', 'h:1.1.1.2']", {"extra_hosts": {"h": ["1.1.1.1", "1.1.1.2"]}}),
        ("build: ./dir", {"build": {"context": "./dir"}}),
        ("build: {context: ., args: [A=1]}", {"build": {"context": ".", "args": {"A": "1"}}}),
        ("env_file: a.env", {"env_file": [{"path": "a.env"}]}),
        ("env_file: [a.env, {path: b.env, required: false}]", {"env_file": [{"path": "a.env"}, {"path": "b.env", "required": False}]}),
        ("secrets: [a]", {"secrets": [{"source": "a"}]}),
        ("configs: [a]", {"configs": [{"source": "a"}]}),
        ("dns: 1.1.1.1", {"dns": ["1.1.1.1"]}),
        ("tmpfs: /tmp", {"tmpfs": ["/tmp"]}),
        ("label_file: a", {"label_file": ["a"]}),
        ("devices: [/dev/a]", {"devices": [{"source": "/dev/a", "target": "/dev/a", "permissions": "rwm"}]}),
        ("devices: ['/dev/a:/dev/b:r']", {"devices": [{"source": "/dev/a", "target": "/dev/b", "permissions": "r"}]}),
        ("command: run it", {"command": "run it"}),
    ],
)  # fmt: skip
def test_a_short_form(text: str, expected: dict[str, Any]) -> None:
    assert service(text) == expected


def test_the_external_name_of_long_ago() -> None:
    report = Report()
    found = plain(normalise(tree("volumes: {a: {external: {name: x}}}\n"), report))
    assert found == {"volumes": {"a": {"external": True, "name": "x"}}}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("environment: [[A]]", "EV106"),
        ("environment: [{A: 1}]", "EV106"),
        ("networks: [[a]]", "EV106"),
        ("networks: [a, a]", "EV101"),
        ("extra_hosts: [h]", "EV106"),
        ("devices: ['a:b:c:d']", "EV104"),
    ],
)
def test_what_is_no_short_form(tmp_path: Path, text: str, code: str) -> None:
    environment, found = attempt(tmp_path, dev=f"services: {{api: {{image: b, {text}}}}}\nnetworks: {{a: null}}\n")
    assert environment is None
    assert [one.code for one in found] == [code]


def test_a_variable_twice_in_one_list_is_a_warning_and_the_last_counts(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, dev="services: {api: {image: b, environment: [A=1, A=2]}}\n")
    assert environment is not None
    assert environment.data["services"]["api"]["environment"] == {"A": "2"}
    assert [(one.code, one.severity.value) for one in found] == [("EV101", "warning")]


def test_a_value_of_a_short_form_stands_where_the_short_form_stands() -> None:
    found = normalise(tree("services: {api: {ports: ['8080:80']}}\n"), Report())
    node = node_at(found, ("services", "api", "ports", 0, "published"))
    assert node is not None
    assert marked(node.span) == "'8080:80'"


def test_a_lone_reference_is_a_short_form_too(tmp_path: Path) -> None:
    text = (
        "variables: {p: {type: port, default: 80}, m: {type: string, default: '8080:81'}}\n"
        "services: {api: {image: b, ports: ['${p}', '$m', '9000:${p}']}}\n"
    )
    found = load(tmp_path, dev=text).data["services"]["api"]["ports"]
    assert [(one.get("published"), one["target"]) for one in found] == [(None, 80), ("8080", 81), ("9000", 80)]


def test_an_automatic_port_comes_through_a_variable(tmp_path: Path) -> None:
    text = (
        "variables: {p: {type: port, default: auto}}\n"
        "services: {api: {image: b, ports: ['127.0.0.1:${p}:80', {target: 81, published: '${p}'}]}}\n"
    )
    found = load(tmp_path, dev=text).data["services"]["api"]["ports"]
    assert [one["published"] for one in found] == ["auto", "auto"]


def test_normalising_twice_changes_nothing() -> None:
    text = "services: {api: {ports: ['8000-8001:80-81'], volumes: ['data:/d:ro'], environment: [A=1], build: .}}\n"
    once = normalise(tree(text), Report())
    assert plain(normalise(once, Report())) == plain(once)
