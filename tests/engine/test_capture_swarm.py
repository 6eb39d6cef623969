"""A Swarm's services: what ran of them, and what runs of the blueprint, on an engine of the test's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inspections import differences
from private_engine import PrivateEngine
from stacks import Checkout, await_true

from envman.capture.fields import fields_of

STACK = """\
version: "3.9"
services:
  api:
    image: busybox:1.37
    command: [sleep, "1000"]
    environment: {A: b, API_TOKEN: "token-of-the-swarm-1"}
    hostname: called
    user: "1000"
    working_dir: /tmp
    stop_grace_period: 1s
    stop_signal: SIGKILL
    read_only: true
    init: true
    tty: true
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    sysctls: {net.core.somaxconn: 512}
    ulimits: {nofile: {soft: 1024, hard: 2048}}
    extra_hosts: ["some:10.0.0.9"]
    dns: [9.9.9.9]
    dns_search: [example.test]
    healthcheck: {test: [CMD, "true"], interval: 2s, timeout: 1s, retries: 2, start_period: 1s}
    logging: {driver: json-file, options: {max-size: 5m}}
    labels: {cl: v}
    networks: {back: {aliases: [www]}}
    ports: [{target: 80, published: 28085, protocol: tcp, mode: host}]
    volumes:
      - data:/data
      - {type: tmpfs, target: /scratch, tmpfs: {size: 1000000}}
      - {type: bind, source: /tmp, target: /host, read_only: true}
    secrets: [pw, {source: pw, target: other, uid: "100", gid: "100", mode: 0400}]
    deploy:
      mode: replicated
      replicas: 1
      endpoint_mode: dnsrr
      labels: {sl: w}
      update_config:
        {parallelism: 2, delay: 5s, order: start-first, failure_action: rollback, monitor: 10s, max_failure_ratio: 0.1}
      rollback_config: {parallelism: 3}
      restart_policy: {condition: on-failure, delay: 1s, max_attempts: 3, window: 10s}
      resources: {limits: {cpus: "0.5", memory: 32M, pids: 50}, reservations: {cpus: "0.1", memory: 16M}}
      placement:
        constraints: ["node.role==manager"]
        preferences: [{spread: node.labels.zone}]
        max_replicas_per_node: 5
  everywhere:
    image: busybox:1.37
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    deploy: {mode: global, endpoint_mode: dnsrr}
    networks: [back]
networks:
  back: {driver: overlay, attachable: true}
volumes: {data: {labels: {x: y}}}
secrets: {pw: {file: ./pw.txt}}
"""
# Between a task and a container of Compose: who restarts, and how a Swarm attaches and resolves names.
TASK = {
    "Config.AttachStdout": "how the client was attached",
    "Config.AttachStderr": "how the client was attached",
    "Config.StopTimeout": "a Swarm waits by itself: the service's stop_grace_period",
    "HostConfig.RestartPolicy.Name": "a Swarm starts another task instead",
    "HostConfig.RestartPolicy.MaximumRetryCount": "a Swarm starts another task instead",
    "HostConfig.NetworkMode": "tasks are attached to each network by the Swarm",
    "HostConfig.Isolation": "the same, with a name: default",
    "HostConfig.MemoryReservation": "a Swarm keeps reservations to itself",
    "HostConfig.CpuShares": "a Swarm keeps reservations to itself",
    "HostConfig.Mounts": "a Swarm mounts secrets from its own store",
    "NetworkSettings.Networks.*.IPAMConfig": "a Swarm gives each task its address",
    "NetworkSettings.Networks.*.Aliases": "a Swarm's own names, which no task knows",
}


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    """A Swarm of one node."""
    with PrivateEngine("busybox:1.37") as private:
        private.swarm()
        yield private


def names_of(private: PrivateEngine) -> list[str]:
    return private.docker("ps", "--format", "{{.Names}}").split()


def said(spec: Any) -> Any:
    """Return a specification without what names networks, secrets and envman's own things.

    What is a list of things (mounts, secrets, ports) is sorted: `docker stack deploy` makes them in any order.
    """
    if isinstance(spec, dict):
        return {
            key: said(value)
            for key, value in spec.items()
            if key not in {"SecretID", "Target"} and not key.startswith(("dev.envman.", "com.docker.stack."))
        }
    if not isinstance(spec, list):
        return spec
    found = [said(one) for one in spec]
    return sorted(found, key=str) if any(isinstance(one, dict) for one in found) else found


def described(private: PrivateEngine, kind: str, name: str) -> Any:
    return json.loads(private.docker(kind, "inspect", name))[0]


def test_tasks_come_up_again_as_containers(engine: PrivateEngine, checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK)
    (tmp_path / "pw.txt").write_text("token-of-the-swarm-2\n")
    engine.docker("stack", "deploy", "--detach=true", "--compose-file", str(tmp_path / "stack.yaml"), "shop")
    await_true(lambda: len(names_of(engine)) == 2)
    tasks = {
        name.partition(".")[0].removeprefix("shop_"): described(engine, "container", name) for name in names_of(engine)
    }
    specs = {name: described(engine, "service", f"shop_{name}")["Spec"] for name in tasks}

    done = checkout.run("capture", "--host", engine.host, "--project", "shop", "--environment", "prod", "--yes")

    blueprint = (checkout.root / "blueprints" / "prod.yaml").read_text()
    assert "token-of-the-swarm" not in blueprint + done.out + done.err
    assert [field for one in tasks.values() for field in fields_of(one) if field.row is None] == []
    engine.docker("stack", "rm", "shop")
    await_true(lambda: names_of(engine) == [] and "shop_back" not in engine.docker("network", "ls"))
    (checkout.root / ".env.prod").write_text("API_TOKEN='token-of-the-swarm-1'\nPW=x\n")
    try:
        checkout.run("up", "prod", DOCKER_HOST=engine.host)

        again = {name: described(engine, "container", f"shop-prod-{name}-1") for name in tasks}
        called = {"shop-prod_back": "shop_back", "shop-prod_data": "shop_data"}
        assert {name: differences(tasks[name], again[name], called, TASK) for name in tasks} == {
            "api": {}, "everywhere": {}
        }  # fmt: skip
        checkout.run("down", "prod", DOCKER_HOST=engine.host)

        checkout.run("render", "prod", "--output", str(tmp_path / "again.yaml"))
        # A render names the Compose project, which a stack file may not.
        rendered = (tmp_path / "again.yaml").read_text()
        (tmp_path / "again.yaml").write_text(re.sub(r"(?m)^name: .*\n", 'version: "3.9"\n', rendered))
        deployed = subprocess.run(
            ["docker", "--host", engine.host, "stack", "deploy", "--detach=true", "--compose-file",
             str(tmp_path / "again.yaml"), "shop"],
            env={**os.environ, "ENVMAN_SECRET_API_TOKEN": "token-of-the-swarm-1"}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert deployed.returncode == 0, deployed.stderr
        for name, spec in specs.items():
            assert said(described(engine, "service", f"shop_{name}")["Spec"]) == said(spec)
    finally:
        subprocess.run(["docker", "--host", engine.host, "stack", "rm", "shop"], check=False, capture_output=True)


def test_a_service_that_no_stack_has_is_named_alone(engine: PrivateEngine, checkout: Checkout) -> None:
    engine.docker("service", "create", "--detach", "--name", "alone", "--replicas", "0", "busybox:1.37", "sleep", "9")
    try:
        done = checkout.run("--format", "json", "capture", "--host", engine.host, "alone", "--environment", "prod")
    finally:
        engine.docker("service", "rm", "alone")

    assert done.json["services"] == ["alone"]
