"""Which services of one stack can run beside another stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from environments import facts, load
from stand_ins import container

from envman.model.active import wanted_services
from envman.plan.observed import PublishedPort
from envman.plan.overlap import Overlap, declared_memory, overlap, started_by_compose
from envman.render.compose import render
from envman.render.document import Document

MIB = 1024**2


def document_of(root: Path, text: str) -> Document:
    return render(load(root, staging=text, name="staging"), facts(root))


def beside(root: Path, text: str, *, free: int | None = None, **running: Any) -> Overlap:
    """Return how environment staging goes together with one running container of dev."""
    environment = load(root, "staging", staging=text)
    services = wanted_services(environment, None)
    document = render(environment, facts(root))
    return overlap(document, services, [container(**running)], directory="/project", free_memory=free)


def mount(kind: str, source: str, *, writes: bool = True) -> dict[str, Any]:
    found: Mapping[str, Any] = {"Type": kind, "Name": source, "Source": source, "RW": writes}
    return {"Mounts": [found]}


def test_stacks_that_have_nothing_in_common_overlap(tmp_path: Path) -> None:
    text = "services: {api: {image: a, ports: ['8001:80'], volumes: ['data:/data']}}\nvolumes: {data: null}\n"
    how = beside(tmp_path, text, ports=(PublishedPort("0.0.0.0", 8000, 80, "tcp"),), inspected=mount("volume", "d"))
    assert (how.clashes, how.held, how.reasons) == ((), frozenset(), [])


@pytest.mark.parametrize(
    ("published", "address", "protocol", "clashes"),
    [
        ("'8000:80'", "0.0.0.0", "tcp", True),
        ("'127.0.0.1:8000:80'", "0.0.0.0", "tcp", True),
        ("'8000:80'", "127.0.0.1", "tcp", True),
        ("'127.0.0.1:8000:80'", "127.0.0.2", "tcp", False),
        ("'8000:80/udp'", "0.0.0.0", "tcp", False),
        ("'8000-8001:80'", "0.0.0.0", "tcp", False),
    ],
)
def test_a_host_port_is_had_once(tmp_path: Path, published: str, address: str, protocol: str, clashes: bool) -> None:
    text = f"services: {{api: {{image: a, ports: [{published}]}}}}"
    how = beside(tmp_path, text, ports=(PublishedPort(address, 8000, 80, protocol),))
    assert bool(how.clashes) is clashes
    if clashes:
        assert how.reasons == ["churn-dev-api-1 publishes host port 8000/tcp too"]
        assert how.holders == frozenset({"api1"})


def test_what_depends_on_what_is_held_is_held_too_and_nothing_else(tmp_path: Path) -> None:
    text = """\
    services:
      db: {image: a}
      gateway: {image: a, ports: ['8000:80'], depends_on: [db]}
      probe: {image: a, network_mode: "service:gateway"}
      report: {image: a, links: ["probe:p"]}
      other: {image: a, depends_on: [db]}
    """
    how = beside(tmp_path, text, ports=(PublishedPort("", 8000, 80, "tcp"),))
    assert how.held == {"gateway", "probe", "report"}


@pytest.mark.parametrize(
    ("service", "running", "held"),
    [
        ("volumes: ['shared:/d']", mount("volume", "common"), True),
        ("volumes: ['shared:/d:ro']", mount("volume", "common", writes=False), False),
        ("volumes: ['shared:/d:ro']", mount("volume", "common"), True),
        ("volumes: ['./data:/d']", mount("bind", "/project/data"), True),
        ("volumes: ['./data:/d']", mount("bind", "/project"), True),
        ("volumes: ['./data:/d']", mount("bind", "/project/data2"), False),
        ("volumes: ['./src:/d:ro']", mount("bind", "/project/src", writes=False), False),
        ("volumes: ['/var/run/docker.sock:/var/run/docker.sock']", mount("bind", "/var/run/docker.sock"), False),
        ("network_mode: host", {"HostConfig": {"NetworkMode": "host"}}, True),
        ("devices: ['/dev/fuse']", {"HostConfig": {"Devices": [{"PathOnHost": "/dev/fuse"}]}}, True),
        ("devices: ['/dev/fuse']", {"HostConfig": {"Devices": [{"PathOnHost": "/dev/kvm"}]}}, False),
        ("gpus: all", {"HostConfig": {"DeviceRequests": [{"Count": -1}]}}, True),
    ],
)
def test_what_two_cannot_use_at_once(tmp_path: Path, service: str, running: dict[str, Any], held: bool) -> None:
    volumes = "volumes: {shared: {name: common, external: true}}\n" if "shared" in service else ""
    how = beside(tmp_path, f"services: {{api: {{image: a, {service}}}}}\n{volumes}", inspected=running)
    assert how.held == ({"api"} if held else frozenset())


def test_services_on_one_network_would_answer_to_the_same_names(tmp_path: Path) -> None:
    text = "services: {api: {image: a, networks: [edge]}}\nnetworks: {edge: {name: proxy, external: true}}\n"
    assert beside(tmp_path, text, networks=("proxy",)).reasons == ["churn-dev-api-1 is attached to network proxy too"]


@pytest.mark.parametrize(("free", "held"), [(None, False), (300 * MIB, False), (255 * MIB, True)])
def test_memory_counts_where_it_is_declared_and_known(tmp_path: Path, free: int | None, held: bool) -> None:
    text = "services: {api: {image: a, mem_limit: 256m}, web: {image: a}}"
    how = beside(tmp_path, text, free=free)
    assert how.held == ({"api", "web"} if held else frozenset())
    assert how.reasons == (["256 MiB of memory are needed, 255 MiB are free"] if held else [])
    # No container of the source gives way for it: all of it has to.
    assert how.holders == (None if held else frozenset())


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("", 0),
        ("mem_limit: 64m", 64),
        ("mem_limit: 64m, mem_reservation: 32m", 32),
        ("deploy: {resources: {limits: {memory: 1g}}}", 1024),
        ("deploy: {replicas: 3, resources: {limits: {memory: 1g}, reservations: {memory: 8m}}}", 24),
        ("scale: 2, mem_limit: 64m", 128),
    ],
)
def test_declared_memory(tmp_path: Path, service: str, expected: int) -> None:
    document = render(load(tmp_path, dev=f"services: {{api: {{image: a, {service}}}}}"), facts(tmp_path))
    assert declared_memory(document, ["api"]) == expected * MIB


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services: {api: {image: a}}", False),
        ("services: {api: {image: a, post_start: [{command: [x]}]}}", True),
        ("services: {api: {image: a, pre_stop: [{command: [x]}]}}", True),
        ("services: {api: {provider: {type: x}}}", True),
        ("services: {api: {image: a, configs: [c]}}\nconfigs: {c: {content: x}}", True),
        ("services: {api: {image: a, configs: [c]}}\nconfigs: {c: {file: ./x}}", False),
        ("services: {api: {image: a, secrets: [s]}}\nsecrets: {s: {source: generate}}", False),
    ],
)
def test_what_only_compose_can_start(tmp_path: Path, text: str, expected: bool) -> None:
    assert started_by_compose(render(load(tmp_path, dev=text), facts(tmp_path))) is expected


def test_what_a_remote_engine_gets_through_the_environment_needs_compose(tmp_path: Path) -> None:
    text = "services: {api: {image: a, secrets: [s]}}\nsecrets: {s: {source: generate}}"
    environment = load(tmp_path, dev=text)
    assert started_by_compose(render(environment, facts(tmp_path, secrets="environment")))
