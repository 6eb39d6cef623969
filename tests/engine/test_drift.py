from __future__ import annotations

import os
from pathlib import Path

import pytest
from stacks import Checkout, docker

from envman.operations.drift import Drift, find_drift
from envman.operations.workspace import Workspace

# Every option that a container can have and a test engine can give.
EVERYTHING = """
services:
  api:
    image: busybox:1.37
    init: true
    command: sleep infinity
    entrypoint: [env, Z=1]
    environment: {A: "1", EMPTY: "", UNSET: null, DOLLAR: "a$$b", NUMBER: 5, YES: true}
    env_file: [some.env]
    labels: {x: "y", number: 7}
    ports:
      - {name: http, target: 80, published: auto, host_ip: 127.0.0.1}
      - "127.0.0.1::81/udp"
      - "8081"
    volumes:
      - "data:/data:ro"
      - "./src:/src/"
      - /anonymous
      - {type: tmpfs, target: /t, tmpfs: {size: 1000000}}
    tmpfs: ["/run:size=1m"]
    networks:
      back: {aliases: [zed, other]}
      front: {}
    restart: unless-stopped
    cpus: 0.5
    mem_limit: 64m
    mem_reservation: 10m
    memswap_limit: 128m
    mem_swappiness: 10
    cpu_shares: 512
    cpuset: "0"
    pids_limit: 50
    oom_score_adj: 100
    read_only: true
    cap_drop: [ALL]
    cap_add: [NET_ADMIN, CAP_CHOWN]
    security_opt: ["no-new-privileges:true"]
    user: "1000:1000"
    group_add: ["5", 6]
    working_dir: /tmp
    hostname: hh
    domainname: example.test
    extra_hosts: ["foo:1.2.3.4", "bar=5.6.7.8"]
    dns: 1.1.1.1
    dns_search: [example.test]
    dns_opt: ["ndots:2"]
    ulimits: {nofile: {soft: 100, hard: 200}, nproc: 65535}
    sysctls: {net.ipv4.ip_default_ttl: 70}
    logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
    healthcheck: {test: exit 0, interval: 1m30s, start_interval: 200ms, start_period: 10s, retries: 2}
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    shm_size: 128m
    devices: ["/dev/null:/dev/xnull"]
    device_cgroup_rules: ["c 1:3 mr"]
    annotations: {foo: bar}
    secrets: [generated, {source: plain, target: renamed}]
    configs: [{source: settings, target: /etc/settings}]
    tty: true
    stdin_open: true
    ipc: private
  limited:
    image: busybox:1.37
    command: [sleep, infinity]
    init: true
    environment: {TOKEN: {secret: generated}}
    deploy:
      replicas: 2
      resources: {limits: {cpus: "0.25", memory: 32M, pids: 20}, reservations: {memory: 16M}}
      restart_policy: {condition: on-failure, max_attempts: 3}
  side:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    network_mode: service:limited
    healthcheck: {disable: true}
  alone:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    network_mode: none
    stop_grace_period: 0s
volumes: {data: {labels: {a: "1"}}}
networks: {front: {}, back: {internal: true}}
secrets:
  generated: {source: generate}
  plain: {file: ./plain.txt}
configs:
  settings: {file: ./settings.txt}
"""


def drift_of(checkout: Checkout, environment: str = "dev") -> Drift:
    workspace = Workspace.at(checkout.root, os.environ)
    return find_drift(workspace, workspace.environment(environment))


@pytest.fixture
def everything(checkout: Checkout) -> Checkout:
    checkout.write(dev=EVERYTHING)
    (checkout.root / "src").mkdir()
    (checkout.root / "some.env").write_text("FROM_FILE=1\nA=overridden\n")
    (checkout.root / "plain.txt").write_text("p")
    (checkout.root / "settings.txt").write_text("s")
    return checkout


def test_a_stack_with_every_option_set_does_not_differ_from_its_blueprint(everything: Checkout) -> None:
    everything.run("up", "dev")
    drift = drift_of(everything)
    assert [(one.container.service, one.differences) for one in drift.containers] == []
    assert not drift


def test_what_somebody_changed_by_hand_is_found(checkout: Checkout, tmp_path: Path) -> None:
    sleeper = "image: busybox:1.37, init: true, command: [sleep, infinity]"
    checkout.write(
        dev=f"services: {{api: {{{sleeper}, mem_limit: 64m}}, worker: {{{sleeper}, deploy: {{replicas: 2}}}}}}\n"
    )
    checkout.run("up", "dev")
    assert not drift_of(checkout)
    name = f"{checkout.name}-dev"
    docker("update", "--memory", "96m", "--memory-swap", "-1", "--restart", "always", f"{name}-api-1")
    docker("network", "disconnect", f"{name}_default", f"{name}-api-1")
    docker("rm", "--force", f"{name}-worker-2")
    labels = docker("inspect", "--format", "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}\n{{end}}", f"{name}-api-1")
    kept = [one for one in labels.split("\n") if one.startswith(("dev.envman.", "com.docker.compose.project"))]
    options = [part for one in (*kept, "com.docker.compose.service=stray") for part in ("--label", one)]
    docker("run", "--detach", "--init", *options, "busybox:1.37", "sleep", "infinity")
    drift = drift_of(checkout)
    [api] = drift.containers
    assert not api.stale
    assert [tuple(one) for one in api.differences] == [
        ("mem_limit", 64 * 1024**2, 96 * 1024**2),
        (f"networks.{name}_default", ["(attached)"], None),
        ("restart", "no", "always"),
    ]
    assert drift.missing == (("worker", 1),)
    assert [one.service for one in drift.strays] == ["stray"]
