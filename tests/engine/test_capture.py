"""What ran before a capture, and what runs of it afterwards, by the engine's own words."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from captures import EVERYTHING, Foreign
from inspections import differences, inspection
from stacks import Checkout, Done, docker, remove_project

from envman.capture.fields import fields_of, is_set

# Where a secret comes from is another place on purpose.
MOUNTED = {"HostConfig.Mounts": "Compose copies a secret of its environment into the container; envman mounts a file"}

# Between `docker run` and Compose: what a client was attached to, and who writes down a default.
PLAIN = {
    "Config.AttachStdout": "how the client was attached",
    "Config.AttachStderr": "how the client was attached",
}


def free_ports(count: int) -> tuple[int, ...]:
    """Return free ports in a row, as far as that can be known."""
    while True:
        first = 21000 + secrets.randbelow(8000)
        taken = []
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for port in range(first, first + count):
                with socket.socket(socket.AF_INET, kind) as probe:
                    try:
                        probe.bind(("0.0.0.0", port))
                    except OSError:
                        taken.append(port)
        if not taken:
            return tuple(range(first, first + count))


@dataclass
class Twice:
    """A stack as Compose made it, the capture of it, and the same as envman made it."""

    foreign: Foreign
    checkout: Checkout
    captured: Done
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    names: dict[str, str]
    networks: dict[str, tuple[dict[str, Any], dict[str, Any]]]
    volumes: dict[str, tuple[dict[str, Any], dict[str, Any]]]
    untouched: bool


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twice]:
    """The stack with every option set, captured, removed, and brought up again."""
    foreign = Foreign(tmp_path_factory.mktemp("foreign") / "stack").write(EVERYTHING, free_ports(4))
    name = f"t{secrets.token_hex(4)}"
    checkout = Checkout(tmp_path_factory.mktemp("project"), name)
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    (checkout.root / "envman.yaml").write_text(f"name: {name}\nlanguage: 1\n")
    docker("volume", "create", f"{foreign.name}_outside")
    try:
        foreign.compose("up", "--detach", "--wait-timeout", "60", ENVSEC=f"{foreign.name}-secret-3")
        old = foreign.containers()
        before = {key: inspection(container) for key, container in old.items()}
        stand = _stand(foreign.name)
        captured = checkout.run("capture", "--project", foreign.name, "--environment", "prod", "--yes")
        untouched = _stand(foreign.name) == stand
        old_networks, old_volumes = _resources(foreign.name, "network"), _resources(foreign.name, "volume")
        foreign.compose("down", "--volumes", ENVSEC="x")
        (checkout.root / ".env.prod").write_text(
            f"POSTGRES_PASSWORD='{foreign.name}-Value-1'\nFILESEC='x'\nENVSEC='y'\n"
            f"API_URL='http://u:{foreign.name}-Value-1@h/x'\n"
        )
        checkout.run("up", "prod")
        new = Foreign(Path(), f"{name}-prod").containers()
        names = {f"{name}-prod_{key}": f"{foreign.name}_{key}" for key in ("front", "back", "default", "data")} | {
            container: old[key] for key, container in new.items()
        }
        new_networks, new_volumes = _resources(f"{name}-prod", "network"), _resources(f"{name}-prod", "volume")
        yield Twice(
            foreign, checkout, captured, before, {key: inspection(container) for key, container in new.items()},
            names,
            {key: (one, new_networks[key]) for key, one in old_networks.items()},
            {key: (one, new_volumes[key]) for key, one in old_volumes.items()},
            untouched,
        )  # fmt: skip
    finally:
        foreign.compose("down", "--volumes", ENVSEC="x")
        remove_project(name)
        docker("volume", "rm", f"{foreign.name}_outside")


def _stand(project: str) -> list[str]:
    """Return what can be seen of a project: which containers, since when, how often started; networks, volumes."""
    ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}").split()
    states = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.RestartCount}} {{.Image}}", *sorted(ids))
    label = f"label=com.docker.compose.project={project}"
    kinds = [json.dumps(_resources(project, kind), sort_keys=True) for kind in ("network", "volume")]
    return [*states.splitlines(), docker("ps", "--all", "--filter", label, "--format", "{{.Names}}"), *kinds]


def _resources(project: str, kind: str) -> dict[str, dict[str, Any]]:
    label = f"label=com.docker.compose.project={project}"
    names = docker(kind, "ls", "--quiet", "--filter", label).split()
    found = json.loads(docker(kind, "inspect", *names))
    return {one["Labels"][f"com.docker.compose.{kind}"]: one for one in found}


def test_the_same_containers_run_again(twice: Twice) -> None:
    assert list(twice.after) == list(twice.before)


@pytest.mark.parametrize("service", [
    "bare 1", "db 1", "hosty 1", "many 1", "many 2", "prepare 1", "side 1", "timed 1", "web 1",
])  # fmt: skip
def test_an_inspection_says_the_same_but_for_identity(twice: Twice, service: str) -> None:
    allowed = MOUNTED if service == "side 1" else {}

    assert differences(twice.before[service], twice.after[service], twice.names, allowed) == {}


def test_networks_are_made_alike(twice: Twice) -> None:
    for key, (old, new) in twice.networks.items():
        assert [_made_network(old, key)] == [_made_network(new, key)]


def _made_network(one: dict[str, Any], key: str) -> dict[str, Any]:
    kept = ("Driver", "EnableIPv4", "EnableIPv6", "Internal", "Attachable", "Options", "Scope")
    labels = {name: value for name, value in one["Labels"].items() if not name.startswith(("com.docker", "dev.envman"))}
    # Of the others the engine chose the subnet.
    return {name: one[name] for name in kept} | {"ipam": one["IPAM"] if key == "front" else None, "labels": labels}


def test_volumes_are_made_alike(twice: Twice) -> None:
    [(old, new)] = twice.volumes.values()

    assert (old["Driver"], old["Options"], old["Labels"]["of"]) == (new["Driver"], new["Options"], new["Labels"]["of"])


def test_every_field_of_a_container_is_known(twice: Twice) -> None:
    unknown = {
        field.path
        for container in (*twice.before.values(), *twice.after.values())
        for field in fields_of(container)
        if field.row is None
    }

    assert unknown == set()


def test_what_is_set_and_lost_is_said(twice: Twice) -> None:
    lost = {
        field.path
        for container in twice.before.values()
        for field in fields_of(container)
        if field.row is not None and field.row.kind == "lost" and is_set(field.value)
    }

    assert [path for path in lost if path not in twice.captured.err] == []


def test_the_stack_that_is_captured_is_left_alone(twice: Twice) -> None:
    assert twice.untouched


def test_values_of_secrets_stay_behind(twice: Twice) -> None:
    written = "".join(
        path.read_text() for path in twice.checkout.root.rglob("*") if path.is_file() and path.name != ".env.prod"
    )
    said = twice.captured.out + twice.captured.err

    assert [value for number in (1, 2, 3) for value in (f"{twice.foreign.name}-Value-{number}",
            f"{twice.foreign.name}-secret-{number}") if value in written + said] == []  # fmt: skip


def test_the_lock_covers_what_was_captured(twice: Twice) -> None:
    lock = (twice.checkout.root / "blueprints" / "prod.lock").read_text()
    [digest] = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", "busybox:1.37").split()

    assert digest.partition("@")[2] in lock
    assert all(f'"services.{service}"' in lock for service in ("db", "web", "side", "many", "hosty"))


def test_nothing_is_left_to_do_after_up(twice: Twice) -> None:
    assert "nothing to do" in twice.checkout.run("plan", "prod").out


def test_the_comparison_sees_every_change(twice: Twice) -> None:
    one = twice.before["web 1"]
    changes = {
        "HostConfig.Memory": 1, "HostConfig.CapAdd": ["CAP_CHOWN"], "HostConfig.Init": False, "Config.User": "0",
        "HostConfig.Tmpfs": {"/run": ""}, "Config.Env": ["A=b"], "Config.StopTimeout": 8, "Mounts": [],
        "HostConfig.PortBindings": {}, "Image": "sha256:0", "NetworkSettings.Networks": {},
    }  # fmt: skip
    for path, value in changes.items():
        other = json.loads(json.dumps(one))
        *above, last = path.split(".")
        place = other
        for step in above:
            place = place[step]
        place[last] = value

        assert differences(one, other, {}), path


@pytest.fixture
def checkout_with_engine(checkout: Checkout) -> Checkout:
    """A project without an environment."""
    (checkout.root / "envman.yaml").write_text(f"name: {checkout.name}\nlanguage: 1\n")
    return checkout


def test_plain_containers_come_up_again_as_they_were(checkout_with_engine: Checkout) -> None:
    checkout, mark = checkout_with_engine, checkout_with_engine.name
    (port,) = free_ports(1)
    names = {kind: f"{mark}-{kind}" for kind in ("db", "web", "aside", "other", "net", "vol")}
    try:
        docker("network", "create", "--internal", "--label", "a=b", names["net"])
        docker("volume", "create", "--label", "c=d", names["vol"])
        docker("run", "--detach", "--name", names["db"], "--network", names["net"], "--network-alias", "database",
               "--volume", f"{names['vol']}:/data", "--volume", "/anonymous", "--env", "A=b$c", "--env", "UNSET",
               "--memory", "32m", "--cpus", "0.25", "--restart", "unless-stopped", "--label", "x=y", "--init",
               "--ulimit", "nofile=100:200", "--health-cmd", "true", "--health-interval", "1s", "--stop-timeout", "0",
               "--tmpfs", "/scratch:size=1m", "--mount", "type=bind,source=/tmp,target=/host,readonly",
               "busybox:1.37", "sleep", "1000")  # fmt: skip
        docker("run", "--detach", "--name", names["other"], "--stop-signal", "KILL", "busybox:1.37", "sleep", "1000")
        docker("run", "--detach", "--name", names["aside"], "--stop-signal", "KILL", "--network",
               f"container:{names['db']}", "--pid", f"container:{names['db']}", "busybox:1.37", "sleep", "1000")  # fmt: skip
        docker("run", "--detach", "--name", names["web"], "--publish", f"127.0.0.1:{port}:80", "--publish", "81",
               "--stop-signal", "KILL", "--entrypoint", "sleep", "--user", "7", "--volumes-from", names["db"],
               "--link", f"{names['other']}:another",
               "--workdir", "/tmp", "--log-opt", "max-size=1m", "--cap-add", "NET_ADMIN", "--security-opt",
               "no-new-privileges", "--add-host", "h:10.0.0.1", "--hostname", "called", "--shm-size", "1m",
               "busybox:1.37", "1000")  # fmt: skip
        services = [names[one] for one in ("db", "other", "web", "aside")]
        before = {one: inspection(one) for one in services}

        checkout.run("capture", *services, "--environment", "prod")
        docker("rm", "--force", "--volumes", *services)
        checkout.run("up", "prod")

        after = {one: inspection(f"{mark}-prod-{one}-1") for one in services}
        called = {f"{mark}-prod_{names[one]}": names[one] for one in ("net", "vol")}
        called |= {f"{mark}-prod-{one}-1": one for one in services}
        assert {one: differences(before[one], after[one], called, PLAIN) for one in services} == {
            one: {} for one in services
        }
        assert not [field for one in before.values() for field in fields_of(one) if field.row is None]
    finally:
        docker("rm", "--force", "--volumes", *(names[one] for one in ("aside", "web", "other", "db")), check=False)
        docker("network", "rm", names["net"], check=False)
        docker("volume", "rm", names["vol"], check=False)


def test_another_engine_is_read_and_this_one_stays_the_projects(checkout: Checkout, tmp_path: Path) -> None:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    name = "production"
    meta = tmp_path / "docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    web = f"{checkout.name}-web"
    docker("run", "--detach", "--name", web, "--stop-signal", "KILL", "busybox:1.37", "sleep", "1000")
    checkout.environ |= {"DOCKER_HOST": "unix:///nowhere.sock", "DOCKER_CONFIG": str(tmp_path / "docker")}
    try:
        by_context = checkout.run("--format", "json", "capture", web, "--context", name, "-e", "one")
        by_host = checkout.run("--format", "json", "capture", web, "--host", host, "-e", "two")
        refused = checkout.run("capture", web, "--environment", "three", status=3)
    finally:
        docker("rm", "--force", web)

    assert by_context.json["services"] == by_host.json["services"] == [web]
    assert "EV401" in refused.err
    assert sorted(path.name for path in (checkout.root / "blueprints").iterdir()) == [
        "one.lock", "one.yaml", "two.lock", "two.yaml"
    ]  # fmt: skip


def test_a_stack_that_envman_made_is_captured_as_any_other(checkout: Checkout) -> None:
    checkout.write(
        dev="""
        services:
          api:
            image: busybox:1.37
            init: true
            command: [sleep, "1000"]
            secrets: [key]
        secrets: {key: {source: generate}}
    """
    )
    checkout.run("up", "dev")
    done = checkout.run("--format", "json", "capture", "--project", f"{checkout.name}-dev", "--environment", "prod")

    text = (checkout.root / "blueprints" / "prod.yaml").read_text()
    assert done.json["variables"] == ["KEY"]
    assert "dev.envman" not in text
    assert checkout.run("check", "prod").status == 0


def test_the_lock_of_a_capture_holds(twice: Twice) -> None:
    assert twice.checkout.run("lock", "prod", "--check").status == 0
    assert "nothing to do" in twice.checkout.run("plan", "prod", "--frozen").out
    assert twice.checkout.run("verify", "prod").status == 0


def test_an_image_that_was_built_there_is_held_by_its_id(checkout: Checkout, tmp_path: Path) -> None:
    name = f"{checkout.name}-built"
    (checkout.root / "envman.yaml").write_text(f"name: {checkout.name}\nlanguage: 1\n")
    made = f'FROM busybox:1.37\nLABEL dev.envman.built-for={checkout.name}\nCMD ["sleep", "1000"]\n'
    (tmp_path / "Dockerfile").write_text(made)
    docker("build", "--quiet", "--tag", f"{name}:1", str(tmp_path))
    docker("run", "--detach", "--name", name, "--stop-signal", "KILL", f"{name}:1")
    try:
        done = checkout.run("capture", name, "--environment", "prod")
        docker("rm", "--force", name)
        checkout.run("up", "prod", "--frozen")
        docker("build", "--quiet", "--tag", f"{name}:1", "--label", "other=one", str(tmp_path))
        moved = checkout.run("up", "prod", "--frozen", status=None)
        image = docker("inspect", "--format", "{{.Image}}", f"{checkout.name}-prod-{name}-1")
        lock = (checkout.root / "blueprints" / "prod.lock").read_text()
    finally:
        docker("rm", "--force", name, check=False)
        remove_project(checkout.name)
        docker("rmi", "--force", f"{name}:1", check=False)

    assert "EV823" in done.err
    assert image in lock, moved.out + moved.err
    assert "pull_policy" in (checkout.root / "blueprints" / "prod.yaml").read_text()
