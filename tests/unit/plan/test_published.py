from __future__ import annotations

from pathlib import Path

import pytest
from environments import facts, load
from stand_ins import container

from envman.plan.observed import PublishedPort
from envman.plan.published import declared_ports, published_urls, running_urls
from envman.render.compose import render


def port(host_ip: str, host_port: int, protocol: str = "tcp", target: int = 80) -> PublishedPort:
    return PublishedPort(host_ip, host_port, target, protocol)


@pytest.mark.parametrize(
    ("ports", "urls"),
    [
        ([], []),
        ([port("127.0.0.1", 8080)], ["http://127.0.0.1:8080"]),
        ([port("0.0.0.0", 8080), port("::", 8080)], ["http://localhost:8080"]),
        ([port("", 8080)], ["http://localhost:8080"]),
        ([port("::1", 8080)], ["http://[::1]:8080"]),
        ([port("10.0.0.1", 1), port("10.0.0.2", 1)], ["http://10.0.0.1:1", "http://10.0.0.2:1"]),
        ([port("0.0.0.0", 0)], []),
        ([port("0.0.0.0", 53, "udp")], ["udp://localhost:53"]),
        ([port("", 1, target=5432), port("", 2, target=8443)], ["tcp://localhost:1", "https://localhost:2"]),
    ],
)
def test_where_published_ports_can_be_reached(ports: list[PublishedPort], urls: list[str]) -> None:
    assert [one.url for one in running_urls([container(ports=tuple(ports))])] == urls


PORTS = """
services:
  api:
    image: b
    ports:
      - {name: web, target: 8000, published: 1, app_protocol: https}
      - {name: https, target: 9000, published: 2}
      - {target: 5432, published: 3, host_ip: 127.0.0.1}
      - {target: 53, published: 4, protocol: udp}
      - {target: 7000, published: 5, app_protocol: grpc}
      - {target: 7001}
  job: {image: b, profiles: [jobs], ports: [{target: 80, published: 6}]}
"""


def test_before_a_stack_runs_and_while_it_does_the_urls_are_the_same(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=PORTS)
    document = render(environment, facts(tmp_path))
    expected = [
        ("api web", "https://localhost:1"),
        ("api https", "https://localhost:2"),
        ("api 5432", "tcp://127.0.0.1:3"),
        ("api 53", "udp://localhost:4"),
        ("api 7000", "tcp://localhost:5"),
    ]
    assert [(one.label, one.url) for one in published_urls(environment, document)] == expected
    assert len(published_urls(environment, document, ["jobs"])) == 6
    running = container(
        ports=tuple(
            PublishedPort(str(one.get("host_ip", "")), int(one["published"]), int(one["target"]), one["protocol"])
            for one in document.services["api"]["ports"]
            if one.get("published")
        )
    )
    declared = {"api": declared_ports(environment.stack.services["api"].ports or ())}
    assert [(one.label, one.url) for one in running_urls([running], declared)] == expected


def test_a_port_that_the_engine_chooses_is_that_of_the_container(tmp_path: Path) -> None:
    text = "services: {a: {image: b, ports: ['80', '9000-9001:81', {name: https, target: 443}]}, c: {image: b}}\n"
    environment = load(tmp_path, dev=text)
    document = render(environment, facts(tmp_path))
    ports = (port("0.0.0.0", 32768), port("::", 32768), port("", 9001, target=81), port("127.0.0.1", 32769, target=443))
    running = [container(service="a", ports=ports), container(service="c", ports=(port("", 1),))]
    assert [(one.label, one.url) for one in published_urls(environment, document, containers=running)] == [
        ("a 80", "http://localhost:32768"),
        ("a 81", "http://localhost:9001"),
        ("a https", "https://127.0.0.1:32769"),
    ]
    assert published_urls(environment, document) == ()
