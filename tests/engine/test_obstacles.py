"""What others have that a stack needs: found before anything starts, all of it at once, with whose it is."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator

import pytest
from stacks import SLEEPER, Checkout, docker


@pytest.fixture
def neighbour(checkout: Checkout) -> Iterator[str]:
    """The name of another Compose project; what bears it is removed afterwards."""
    name = f"{checkout.name}x"
    yield name
    for kind, remove in (
        ("container", ["rm", "--force"]), ("volume", ["volume", "rm"]), ("network", ["network", "rm"]),
    ):  # fmt: skip
        left = docker(kind, "ls", "--quiet", *(["--all"] if kind == "container" else []), "--filter", f"name={name}")
        if left:
            docker(*remove, *left.split())


def labelled(project: str) -> list[str]:
    return ["--label", f"com.docker.compose.project={project}"]


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def errors(err: str) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in re.finditer(r"error\[(EV\d+)\]: (.*)", err)]


def test_everything_that_others_have_is_told_before_anything_starts(checkout: Checkout, neighbour: str) -> None:
    theirs = free_port()
    subnet = f"10.{100 + os.getpid() % 100}.77.0/24"
    docker("network", "create", *labelled(neighbour), "--subnet", subnet, f"{neighbour}_default")
    docker("volume", "create", *labelled(neighbour), f"{neighbour}_data")
    docker(
        "run", "--detach", "--init", *labelled(neighbour), "--name", f"{neighbour}-web-1",
        "--publish", f"127.0.0.1:{theirs}:80", "busybox:1.37", "sleep", "infinity",
    )  # fmt: skip
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        mine, dns = tcp.getsockname()[1], udp.getsockname()[1]
        checkout.write(
            dev=f"""\
            services:
              a: {SLEEPER[:-1]}, container_name: {neighbour}-web-1}}
              b: {SLEEPER[:-1]}, ports: ['127.0.0.1:{theirs}:80'], volumes: ['data:/data']}}
              c: {SLEEPER[:-1]}, ports: ['127.0.0.1:{mine}:80'], networks: [back, fixed]}}
              d: {SLEEPER[:-1]}, ports: ['127.0.0.1:{dns}:53/udp', '127.0.0.2:{mine}:80']}}
            volumes: {{data: {{name: {neighbour}_data}}}}
            networks: {{back: {{name: {neighbour}_default}}, fixed: {{ipam: {{config: [{{subnet: {subnet}}}]}}}}}}
            """
        )
        done = checkout.run("up", "dev", status=1)
        planned = checkout.run("plan", "dev")
    here = f"(pid {os.getpid()})"
    assert [(code, re.sub(r"process \S+", "process NAME", text)) for code, text in errors(done.err)] == [
        ("EV522", f"container name {neighbour}-web-1 that a needs is taken"),
        ("EV505", f"host port 127.0.0.1:{theirs} for b is taken by container {neighbour}-web-1 of Compose project {neighbour}"),
        ("EV505", f"host port 127.0.0.1:{mine} for c is taken by process NAME {here}"),
        ("EV505", f"host port 127.0.0.1:{dns}/udp for d is taken by process NAME {here}"),
        ("EV522", f"volume name {neighbour}_data is taken"),
        ("EV522", f"network name {neighbour}_default is taken"),
        ("EV520", f"subnet {subnet} of network fixed overlaps with network {neighbour}_default of Compose project {neighbour}"),
    ]  # fmt: skip
    assert done.err.count(f"belongs to Compose project {neighbour}") == 3
    assert checkout.containers("dev") == []
    assert docker("network", "ls", "--quiet", "--filter", f"label=dev.envman.project={checkout.name}") == ""
    assert checkout.volumes("dev") == []
    warned = re.findall(r"warning\[(EV\d+)\]", planned.err)
    assert set(warned) == {"EV505", "EV520", "EV522"}, "three of a kind are one paragraph"
    assert "+ b create" in planned.out


def test_an_automatic_port_moves_for_a_container_is_told_and_then_stays(checkout: Checkout, neighbour: str) -> None:
    text = f"services: {{api: {SLEEPER[:-1]}, ports: [{{name: dns, target: 53, protocol: udp, published: auto, host_ip: 127.0.0.1}}]}}}}\n"
    checkout.write(dev=text).run("up", "dev")
    first = checkout.run("port", "dev", "api", "dns").out.strip().rpartition(":")[2]
    checkout.run("down", "dev")
    docker(
        "run", "--detach", "--init", *labelled(neighbour), "--name", f"{neighbour}-dns-1",
        "--publish", f"127.0.0.1:{first}:53/udp", "busybox:1.37", "sleep", "infinity",
    )  # fmt: skip
    done = checkout.run("up", "dev")
    second = checkout.run("port", "dev", "api", "dns").out.strip().rpartition(":")[2]
    assert (
        f"host port {first} of api dns is taken by container {neighbour}-dns-1 of Compose project {neighbour}; "
        f"it is {second} now" in done.err
    )
    docker("rm", "--force", f"{neighbour}-dns-1")
    assert checkout.run("up", "dev").out.startswith("dev is up, nothing to do")
    assert f'published: "{second}"' in checkout.run("render", "dev", "--output", "-").out


def test_a_volume_that_environments_share_is_used_by_both(checkout: Checkout) -> None:
    base = f"services: {{api: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{name: {checkout.name}_data, shared: true}}}}\n"
    checkout.write(dev=base, qa=base).run("up", "dev")
    checkout.sh("dev", "api", "echo shared > /data/file")
    checkout.run("up", "qa")
    assert checkout.sh("qa", "api", "cat /data/file") == "shared"
    assert checkout.run("plan", "qa", "--exit-code").out == "qa is as it should be: nothing to do\n"
    checkout.run("down", "dev")
    assert "deleted" not in checkout.run("down", "qa", "--volumes", "--yes").out
    assert checkout.volumes("dev") == [f"{checkout.name}_data"]


def test_what_an_older_envman_left_is_found_and_left_alone(checkout: Checkout, neighbour: str) -> None:
    project = f"{checkout.name}-dev"
    docker(
        "create", *labelled(project), "--label", f"dev.envman.project={checkout.name}", "--label", "dev.envman.owner=me",
        "--name", f"{neighbour}-old", "busybox:1.37",
    )  # fmt: skip
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n")
    for command in (["up", "dev"], ["plan", "dev"], ["down", "dev", "--volumes", "--yes"]):
        done = checkout.run(*command, status=1)
        assert errors(done.err) == [
            ("EV523", f"container {neighbour}-old bears labels of an envman that this version does not know")
        ]
        assert f"`docker rm --force {neighbour}-old`" in done.err
    assert docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"name={neighbour}-old") == f"{neighbour}-old"


def test_everything_that_is_absent_is_told_at_once(checkout: Checkout, neighbour: str) -> None:
    docker("network", "create", "--subnet", "10.213.77.0/24", *labelled(neighbour), neighbour)
    docker("run", "--detach", "--name", f"{neighbour}-1", "--network", neighbour, "--ip", "10.213.77.5", "--init",
           "busybox:1.37", "sleep", "infinity")  # fmt: skip
    checkout.write(
        dev=f"""\
services:
  a: {SLEEPER[:-1]}, networks: [gone], volumes: ["lost:/v"]}}
  b: {SLEEPER[:-1]}, network_mode: "container:{neighbour}-none"}}
  c: {SLEEPER[:-1]}, networks: {{there: {{ipv4_address: 10.213.77.5}}}}}}
networks:
  gone: {{external: true, name: {neighbour}-gone}}
  there: {{external: true, name: {neighbour}}}
volumes: {{lost: {{external: true, name: {neighbour}-lost}}}}
"""
    )
    expected = [
        ("EV525", f"container {neighbour}-none of b is not on the engine"),
        ("EV527", f"address 10.213.77.5 on network {neighbour} for c is taken by container {neighbour}-1"),
        ("EV525", f"external network {neighbour}-gone of a is not on the engine"),
        ("EV525", f"external volume {neighbour}-lost of a is not on the engine"),
    ]
    assert errors(checkout.run("up", "dev", status=1).err) == expected
    planned = checkout.run("plan", "dev").err
    assert set(re.findall(r"warning\[(EV\d+)\]", planned)) == {"EV525", "EV527"}
    assert checkout.containers("dev") == []


def test_what_is_external_and_absent_is_made_where_that_is_asked_for(checkout: Checkout, neighbour: str) -> None:
    checkout.write(
        dev=f"""\
services:
  a: {SLEEPER[:-1]}, networks: [hub], volumes: ["data:/v"]}}
networks: {{hub: {{external: true, name: {neighbour}-hub}}}}
volumes: {{data: {{external: true, name: {neighbour}-data}}}}
"""
    )
    planned = checkout.run("plan", "dev", "--create-external")
    assert "EV525" not in planned.err
    assert "network hub create: external and absent" in planned.out
    assert "volume data create: external and absent" in planned.out
    checkout.run("up", "dev", "--create-external")
    assert checkout.run("up", "dev", "--create-external").out.startswith("dev is up, nothing to do")
    checkout.run("down", "dev", "--volumes", "--yes")
    assert docker("network", "inspect", f"{neighbour}-hub", "--format", "{{.Labels}}").strip() == "map[]"
    assert docker("volume", "inspect", f"{neighbour}-data", "--format", "{{.Name}}").strip() == f"{neighbour}-data"


def test_an_external_secret_is_refused_before_anything_is_made(checkout: Checkout) -> None:
    text = f"services: {{a: {SLEEPER[:-1]}, secrets: [s]}}}}\nsecrets: {{s: {{external: true}}}}\n"
    done = checkout.write(dev=text).run("up", "dev", status=1)
    assert errors(done.err) == [("EV526", "secret s of a is external, which Compose cannot hand to a container")]
