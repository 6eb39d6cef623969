"""A switch that is killed or interrupted at any point: in the end one of the two runs, and nobody's data is hurt."""

from __future__ import annotations

import random
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from relay import Relay
from stacks import MANY_PORTS, Checkout, Done, await_true, docker, remove_project, starting
from struck import argv

CHECK = "{test: [CMD, 'true'], interval: 3s, start_period: 30s, start_interval: 100ms}"
STACK = f"""
services:
  db:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    healthcheck: {CHECK}
    volumes: ["data:/data"]
  web:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    healthcheck: {CHECK}
    depends_on: {{db: {{condition: service_healthy}}}}
    ports: ["127.0.0.1:PORT:80"]
volumes: {{data: null}}
"""
# Recorded before: preparing, starting beside, stopping, starting; at last the record is removed.
CHANGES = 5


@dataclass
class Pair:
    """Two environments of which one runs; which one changes from test to test."""

    checkout: Checkout
    up: str
    down: str

    def strike(self, number: signal.Signals, change: int, when: str) -> Done:
        """Switch, and be struck on the way."""
        arguments = argv(number, change, when, "--directory", str(self.checkout.root), "switch", self.down)
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def turn(self) -> None:
        self.up, self.down = self.down, self.up

    def prove(self) -> None:
        """Assert that the one is up and healthy, that the other is not, and that both have their data."""
        label = f"label=dev.envman.project={self.checkout.name}"
        listed = docker("ps", "--filter", label, "--format", "{{.Names}} {{.Status}}").splitlines()
        assert sorted(line.split()[0] for line in listed) == [
            f"{self.checkout.name}-{self.up}-{service}-1" for service in ("db", "web")
        ]
        assert all("(healthy)" in line for line in listed)
        for name in (self.up, self.down):
            # Also out of a container that does not run.
            copied = docker("cp", f"{self.checkout.name}-{name}-db-1:/data/file", "-")
            assert f"data of {name}" in copied
        assert not list(self.checkout.root.parent.glob("**/switch.json"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    port = free_port()
    root = tmp_path_factory.mktemp("switching") / "project"
    root.mkdir()
    name = f"t{secrets.token_hex(4)}"
    with pytest.MonkeyPatch.context() as patch:
        # One state for all tests here: the checkout is one.
        patch.setenv("XDG_STATE_HOME", str(root.parent / "state"))
        checkout = Checkout(root, name).write(**dict.fromkeys(("a", "b"), STACK.replace("PORT", str(port))))
        try:
            for environment in ("a", "b"):
                checkout.run("switch", environment)
                checkout.sh(environment, "db", f"echo data of {environment} > /data/file")
            yield Pair(checkout, "b", "a")
        finally:
            remove_project(name)


@pytest.fixture(autouse=True)
def one_state(pair: Pair, own_folders: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(pair.checkout.root.parent / "state"))


POINTS = [(change, when) for change in range(1, CHANGES + 1) for when in ("before", "after")][1:-1]


@pytest.mark.parametrize(("change", "when"), POINTS)
def test_a_switch_killed_at_a_change_of_the_journal_is_finished(pair: Pair, change: int, when: str) -> None:
    assert pair.strike(signal.SIGKILL, change, when).status == -signal.SIGKILL
    done = pair.checkout.run("switch", "--resume")
    assert done.out.startswith(f"{pair.up} -> {pair.down}; neither served for ")
    pair.turn()
    pair.prove()


@pytest.mark.parametrize(("change", "when"), POINTS)
def test_a_switch_killed_at_a_change_of_the_journal_is_taken_back(pair: Pair, change: int, when: str) -> None:
    before = pair.checkout.container_ids(pair.up)
    assert pair.strike(signal.SIGKILL, change, when).status == -signal.SIGKILL
    done = pair.checkout.run("switch", "--abort")
    assert done.out.startswith(f"{pair.up} runs as before; {pair.down} is stopped")
    assert pair.checkout.container_ids(pair.up) == before
    pair.prove()


def test_other_commands_leave_both_alone_and_say_so(pair: Pair) -> None:
    assert pair.strike(signal.SIGKILL, 3, "after").status == -signal.SIGKILL
    said = f"EV631]: `switch {pair.down}` from {pair.up} was interrupted (stopping the other)"
    for command in (["up", pair.up], ["down", pair.down], ["stop", pair.up], ["switch", pair.up]):
        assert f"error[{said}" in pair.checkout.run(*command, status=1).err
    for command in (["status"], ["status", pair.up]):
        assert f"warning[{said}" in pair.checkout.run(*command).err
    for watching in (["status", "--watch"], ["status", pair.down, "--watch"]):
        with pair.checkout.start(*watching) as process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith(f"warning[{said}")
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
    pair.checkout.run("switch", "--abort")
    pair.prove()


def test_a_switch_killed_before_it_wrote_anything_has_changed_nothing(pair: Pair) -> None:
    assert pair.strike(signal.SIGKILL, 1, "before").status == -signal.SIGKILL
    assert "error[EV632]: no switch was interrupted" in pair.checkout.run("switch", "--resume", status=1).err
    pair.prove()


def test_a_switch_killed_after_its_last_change_is_done(pair: Pair) -> None:
    assert pair.strike(signal.SIGKILL, CHANGES, "after").status == -signal.SIGKILL
    pair.turn()
    assert "error[EV632]" in pair.checkout.run("switch", "--abort", status=1).err
    pair.prove()


@pytest.mark.parametrize("way", ["--resume", "--abort"])
@pytest.mark.parametrize("earliest", [0.4, 1.2])
def test_a_switch_killed_at_any_moment(pair: Pair, way: str, earliest: float) -> None:
    moment = earliest + random.uniform(0.0, 0.8)
    process = pair.checkout.start("switch", pair.down)
    try:
        process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate(timeout=60)
    done = pair.checkout.run("switch", way, status=None)
    if "EV632" in done.err:
        # It had not begun yet, or had ended.
        if pair.checkout.containers(pair.up, everything=False) == []:
            pair.turn()
    elif way == "--resume":
        pair.turn()
    assert done.status == (1 if "EV632" in done.err else 0), f"after {moment} s: {done.err}"
    pair.prove()


@pytest.fixture
def slow_pair(checkout: Checkout) -> Pair:
    """Two environments on one port: one that runs, and one whose container the engine needs long to start."""
    stack = "services: {web: {image: busybox:1.37, init: true, command: [sleep, infinity], ports: [PORTS]}}\n"
    shared = f'"127.0.0.1:{free_port()}:80"'
    checkout.write(a=stack.replace("PORTS", shared), b=stack.replace("PORTS", f"{shared}, {MANY_PORTS}")).run("up", "a")
    return Pair(checkout, "a", "b")


@pytest.mark.parametrize("way", ["--resume", "--abort"])
def test_a_switch_killed_while_the_engine_starts_a_container(slow_pair: Pair, way: str) -> None:
    checkout = slow_pair.checkout
    process = checkout.start("switch", "b")
    await_true(lambda: starting(f"{checkout.name}-b-web-1"))
    process.kill()
    process.communicate(timeout=60)
    checkout.run("switch", way)
    up = "b" if way == "--resume" else "a"
    assert [*checkout.containers("a", everything=False), *checkout.containers("b", everything=False)] == [
        f"{checkout.name}-{up}-web-1"
    ]


@pytest.mark.parametrize("way", ["--resume", "--abort"])
def test_a_switch_killed_while_it_takes_its_snapshot(pair: Pair, way: str) -> None:
    (state,) = (pair.checkout.root.parent / "state" / "envman").glob(f"{pair.checkout.name}-*")
    begun = state / "copying" / f"{pair.up}.json"
    shelf = state / "snapshots" / pair.up
    taken = set(shelf.glob("before-switch-*"))
    process = pair.checkout.start("switch", pair.down, "--snapshot")
    await_true(lambda: begun.exists() or process.poll() is not None)
    process.kill()
    process.communicate(timeout=60)
    pair.checkout.run("switch", way)
    assert len(set(shelf.glob("before-switch-*")) - taken) == (1 if way == "--resume" else 0)
    if way == "--resume":
        pair.turn()
    pair.prove()
    assert docker("ps", "--quiet", "--filter", "status=paused", "--filter", f"name={pair.checkout.name}-") == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("change", range(1, CHANGES))
def test_an_interrupt_at_every_step_leaves_the_first_as_it_was(pair: Pair, number: signal.Signals, change: int) -> None:
    before = pair.checkout.container_ids(pair.up)
    done = pair.strike(number, change, "after")
    assert done.status == 130
    assert pair.checkout.container_ids(pair.up) == before
    pair.prove()


def test_an_interrupt_when_all_is_done_leaves_the_second_up(pair: Pair) -> None:
    assert pair.strike(signal.SIGTERM, CHANGES, "before").status == 130
    pair.turn()
    pair.prove()


@pytest.mark.parametrize("way", ["--resume", "--abort"])
def test_the_engine_goes_away_during_a_switch(pair: Pair, way: str) -> None:
    with Relay() as relay:
        pair.checkout.environ["DOCKER_HOST"] = relay.host
        process = pair.checkout.start("switch", pair.down)
        target = f"{pair.checkout.name}-{pair.down}-db-1"
        await_true(lambda: target in pair.checkout.containers(pair.down, everything=False))
        relay.cut()
        _, err = process.communicate(timeout=60)
    del pair.checkout.environ["DOCKER_HOST"]
    assert process.returncode == 3
    assert f"error[EV631]: `switch {pair.down}` from {pair.up} was interrupted" in err
    assert "error[EV408]" in err
    pair.checkout.run("switch", way)
    if way == "--resume":
        pair.turn()
    pair.prove()


def test_containers_that_are_gone_cannot_be_brought_back_but_their_data_can(pair: Pair) -> None:
    assert pair.strike(signal.SIGKILL, 4, "after").status == -signal.SIGKILL
    docker("rm", "--force", f"{pair.checkout.name}-{pair.up}-web-1")
    err = pair.checkout.run("switch", "--abort", status=1).err
    assert f"error[EV613]: {pair.up} could not be brought back as it was" in err
    assert f"error[EV633]: of {pair.checkout.name}-{pair.up} these containers are gone: " in err
    pair.checkout.run("up", pair.up)
    pair.prove()


def test_containers_that_an_engine_restart_stopped_are_brought_back(pair: Pair) -> None:
    assert pair.strike(signal.SIGKILL, 2, "after").status == -signal.SIGKILL
    docker("stop", *pair.checkout.containers(pair.up))
    pair.checkout.run("switch", "--abort")
    pair.prove()
