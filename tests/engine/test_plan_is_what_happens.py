"""Whatever a stack is and whatever happened to it: the plan says what `up` does, and `up` does what the plan says."""

from __future__ import annotations

import json
import random
import re
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from generated import Generated
from stacks import Checkout, await_true, docker

_UP = {"running", "restarting", "paused"}


@contextmanager
def recorded(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Fill a list with everything that happens on the engine meanwhile."""
    found: list[dict[str, Any]] = []
    file, last = folder / "events", f"last-{secrets.token_hex(8)}"
    kinds = [part for kind in ("container", "network", "volume") for part in ("--filter", f"type={kind}")]
    command = ["docker", "events", "--since", f"{time.time():.6f}", *kinds, "--format", "{{json .}}"]
    with file.open("w") as stream, subprocess.Popen(command, stdout=stream) as process:
        try:
            yield found
            # Events come in order, so that this is the last one.
            docker("volume", "create", last)
            await_true(lambda: last in file.read_text())
        finally:
            process.terminate()
            docker("volume", "rm", "--force", last)
    found += [json.loads(line) for line in file.read_text().splitlines()]


Containers = dict[str, tuple[str, str, str]]


def containers(project: str) -> Containers:
    """Return service, ID and state of each container, by name."""
    label = f"label=com.docker.compose.project={project}"
    form = '{{.Names}} {{.Label "com.docker.compose.service"}} {{.ID}} {{.State}}'
    lines = docker("ps", "--all", "--no-trunc", "--filter", label, "--format", form).splitlines()
    return {name: (service, identity, state) for name, service, identity, state in map(str.split, lines)}


def happened(project: str, events: list[dict[str, Any]], before: Containers, after: Containers) -> set[str]:
    """Return what was done, in the words of ``planned``."""
    done: dict[str, list[str]] = {}
    made = set()
    for event in events:
        kind, action, identity = event["Type"], event["Action"], event["Actor"]["ID"]
        name = str(event["Actor"]["Attributes"].get("name", identity))
        if kind == "container":
            done.setdefault(identity, []).append(action.partition(":")[0])
        elif action == "create" and name.startswith(f"{project}_"):
            made.add(f"create {kind} {name.removeprefix(f'{project}_')}")
    for name, (service, identity, state) in before.items():
        actions = done.get(identity, [])
        if name not in after:
            assert "destroy" in actions
            made.add(f"remove {name}")
        elif after[name][1] != identity:
            made.add(f"make anew {name}")
        elif state == "paused" and "unpause" in actions and "start" not in actions:
            made.add(f"start {name}")
        elif "start" in actions:
            made.add(f"restart {name}" if state in _UP else f"start {name}")
        else:
            assert "die" not in actions, f"{name} of {service} was stopped and not started again"
    return made | {f"make {name}" for name in after if name not in before}


def planned(project: str, steps: list[dict[str, Any]], before: Containers, services: dict[str, Any]) -> set[str]:
    """Return what the plan says that is done: to each container, network and volume by its name."""
    found = set()
    remade: set[str] = set()
    removed: set[str] = set()
    for step in steps:
        action, kind, name = step["action"], step["kind"], step["name"]
        if kind != "service":
            found.add(f"{action} {kind} {name}")
            continue
        own = {one: state for one, (service, _, state) in before.items() if service == name}
        replicas = (services.get(name, {}).get("deploy") or {}).get("replicas", 1)
        if action == "create":
            found |= {f"make {project}-{name}-{number + 1}" for number in range(replicas)}
        elif action == "remove":
            found |= {f"remove {one}" for one in own}
        elif action == "scale":
            said = [one.removeprefix("removes ") for one in step["data"] if one.startswith("removes ")]
            removed |= set(said[0].split(", ")) if said else set()
            last = max(int(one.rpartition("-")[2]) for one in own)
            found |= {f"make {project}-{name}-{last + number + 1}" for number in range(replicas - len(own))}
        elif action in {"recreate", "rerun"}:
            part = [one.partition(": ")[2] for one in step["data"] if re.match(r"\d+ of \d+ containers: ", one)]
            remade |= set(part[0].split(", ")) if part else set(own)
        elif action == "start":
            found |= {f"start {cause['text'].partition(' is ')[0]}" for cause in step["causes"]}
        elif action == "restart":
            found |= {f"restart {one}" for one, state in own.items() if state in _UP}
        else:
            raise AssertionError(f"a step that nobody expects: {step}")
    return found | {f"make anew {one}" for one in remade - removed} | {f"remove {one}" for one in removed}


def try_one(checkout: Checkout, seed: int, folder: Path, *, rounds: int) -> None:
    project = f"{checkout.name}-dev"
    stack = Generated(random.Random(seed), project)
    stack.lonely_one_shots()
    for number in range(rounds):
        if number:
            stack.change()
        checkout.write(dev=stack.text())
        # Now and then one service, and what it depends on.
        some = ["dev", *([stack.random.choice(list(stack.services))] if stack.random.random() < 0.2 else [])]
        trace = f"seed {seed}, round {number}, {some}: {stack.log}\n{stack.text()}"
        stack.log.clear()
        before = containers(project)
        plan = checkout.run("--format", "json", "plan", *some).json["steps"]
        told = checkout.run("plan", *some).out
        with recorded(folder) as events:
            done = checkout.run("--format", "json", "up", *some, status=None)
        assert done.status == 0, f"{trace}\n{told}\n{done.err}{done.out}"
        lines = [line for line in told.splitlines() if "nothing to do" not in line]
        assert done.json["steps"] == lines, trace
        expected = planned(project, plan, before, stack.services)
        found = happened(project, events, before, containers(project))
        assert found == expected, f"not planned: {found - expected}; not done: {expected - found}\n{told}\n{trace}"
        assert checkout.run("--format", "json", "plan", *some).json["steps"] == [], trace


MIGRATED = """\
services:
  db: {image: "busybox:1.37", init: true, command: [sleep, infinity], environment: {V: "1"}}
  job:
    image: busybox:1.37
    command: [sh, -c, "echo ran >> /data/runs"]
    volumes: ["data:/data"]
    depends_on: [db]
  app:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    environment: {V: "2"}
    volumes: ["data:/data"]
    depends_on: {job: {condition: service_completed_successfully}}
volumes: {data: {}}
"""


def test_what_has_completed_runs_again_only_where_the_plan_says_so(checkout: Checkout) -> None:
    checkout.write(dev=MIGRATED).run("up", "dev")
    for text, ran in [
        (MIGRATED.replace('V: "2"', 'V: "3"'), 1),
        (MIGRATED.replace('V: "1"', 'V: "4"'), 2),
        (MIGRATED.replace("echo ran", "echo run"), 3),
    ]:
        checkout.write(dev=text)
        said = checkout.run("plan", "dev").out
        checkout.run("up", "dev")
        assert ("job rerun: it has completed, and db, which it depends on, is made anew" in said) is (ran == 2)
        assert ("runs again" in said) is (ran == 3)
        assert checkout.sh("dev", "app", "wc -l < /data/runs").strip() == str(ran)
        label = '{{index .Config.Labels "com.docker.compose.depends_on"}}'
        assert "job" in docker("inspect", "--format", label, f"{checkout.name}-dev-app-1")
    checkout.run("stop", "dev")
    assert "job" not in checkout.run("plan", "dev").out
    checkout.run("up", "dev")
    assert checkout.sh("dev", "app", "wc -l < /data/runs").strip() == "3"


SHARED = """\
services:
  gate:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    ports: [{name: http, target: 8080, published: auto, host_ip: 127.0.0.1}]
  web: {image: "busybox:1.37", init: true, command: [httpd, -f, -p, "8080"], network_mode: "service:gate"}
"""


def test_a_shared_network_that_is_gone_is_seen_and_mended(checkout: Checkout) -> None:
    checkout.write(dev=SHARED)
    [port] = checkout.run("--format", "json", "up", "dev").json["urls"]

    def answers() -> bool:
        try:
            urllib.request.urlopen(port["url"], timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    await_true(answers)
    # With nothing to do, this is known from before by then.
    checkout.run("up", "dev")
    for command, cause in [("restart", "was started after it"), ("kill", "is started")]:
        docker(command, f"{checkout.name}-dev-gate-1")
        assert not answers()
        steps = checkout.run("plan", "dev").out.splitlines()
        assert steps[-1] == f"^ web restart: shares the network of gate, which {cause}"
        checkout.run("up", "dev")
        await_true(answers)
        assert checkout.run("plan", "dev", "--exit-code").out == "dev is as it should be: nothing to do\n"


PREPARED = """\
services:
  api:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    ports: [{name: http, target: 8080, published: auto, host_ip: 127.0.0.1}]
    secrets: [key]
secrets: {key: {source: generate}}
"""


def test_secrets_and_ports_are_in_the_plan_and_a_port_that_has_gone_is_too(checkout: Checkout) -> None:
    checkout.write(dev=PREPARED)

    def planned_and_done() -> tuple[list[str], str]:
        steps = checkout.run("plan", "dev").out.splitlines()
        done = checkout.run("--format", "json", "up", "dev").json
        assert done["steps"] == steps
        return [re.sub(r" \(blueprints[^()]*\)", "", one) for one in steps], done["urls"][0]["url"]

    steps, url = planned_and_done()
    assert steps == [
        "+ secret key create: no value yet",
        "+ port api http create: no host port yet",
        "+ network default create: not there yet",
        "+ api create: no container yet",
    ]
    checkout.run("stop", "dev")
    port = int(url.rpartition(":")[2])
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        [moved, recreated], _ = planned_and_done()
    assert moved.startswith(f"~ port api http recreate: host port {port} of api http is taken by process ")
    assert recreated.startswith(f"~ api recreate: ports 127.0.0.1:{port}->8080/tcp -> 127.0.0.1:")


def test_what_is_always_pulled_is_in_the_plan_and_pulled_before_anything_else(checkout: Checkout) -> None:
    # Nobody listens there: what is pulled is refused.
    image = f"127.0.0.1:9/{checkout.name}:1"
    text = f'services: {{api: {{image: "{image}", init: true, command: [sleep, infinity]}}}}\n'
    docker("tag", "busybox:1.37", image)
    try:
        checkout.write(dev=text).run("up", "dev")
        checkout.write(dev=text.replace("init: true", "init: true, pull_policy: always"))
        assert checkout.run("plan", "dev").out == "dev is as it should be: nothing to do\n"
        docker("stop", "--time", "0", f"{checkout.name}-dev-api-1")
        assert checkout.run("plan", "dev").out.splitlines() == [
            (
                "* api pull: pull_policy is always (blueprints/dev.yaml:1:77) "
                "[its containers are made anew if it is another image then]"
            ),
            f"> api start: {checkout.name}-dev-api-1 is exited",
        ]
        assert "error[EV601]" in checkout.run("up", "dev", status=None).err
        assert checkout.containers("dev", everything=False) == []
    finally:
        docker("rmi", "--force", image)


@pytest.mark.parametrize("seed", range(3))
def test_the_plan_is_what_happens(checkout: Checkout, tmp_path: Path, seed: int) -> None:
    try_one(checkout, seed, tmp_path, rounds=4)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1000, 1030))
def test_the_plan_is_what_happens_each_time(checkout: Checkout, tmp_path: Path, seed: int) -> None:
    try_one(checkout, seed, tmp_path, rounds=6)
