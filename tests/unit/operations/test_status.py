from __future__ import annotations

import pytest
from stand_ins import container

from envman.operations.status import published_urls
from envman.plan.observed import PublishedPort


def port(host_ip: str, host_port: int, protocol: str = "tcp") -> PublishedPort:
    return PublishedPort(host_ip, host_port, 80, protocol)


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
        ([port("0.0.0.0", 53, "udp")], []),
    ],
)
def test_where_published_ports_can_be_reached(ports: list[PublishedPort], urls: list[str]) -> None:
    assert published_urls(container(ports=tuple(ports))) == urls
