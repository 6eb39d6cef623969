"""What fails while a stack is brought up, and that nothing is lost by it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from broken_registry import BrokenRegistry
from private_engine import PrivateEngine
from relay import Relay
from stacks import SLEEPER, Checkout, await_true, docker

# Healthy once a file is there.
HELD = (
    f"{SLEEPER[:-1]}, healthcheck: "
    "{test: [CMD, test, -f, /tmp/go], start_period: 60s, interval: 60s, start_interval: 100ms}}"
)
TWO = f"services:\n  db: {HELD}\n  web: {SLEEPER[:-1]}, depends_on: {{db: {{condition: service_healthy}}}}}}\n"


def running(checkout: Checkout, *services: str) -> bool:
    names = [f"{checkout.name}-dev-{service}-1" for service in services]
    return sorted(checkout.containers("dev", everything=False)) == sorted(names)


# --- damaged records


def test_a_damaged_record_refuses_what_it_guards(checkout: Checkout) -> None:
    text = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\n"
    checkout.write(dev=text, staging=text).run("up", "dev")
    state = next(Path(os.environ["XDG_STATE_HOME"], "envman").glob(f"{checkout.name}-*"))
    (state / "copying").mkdir(exist_ok=True)
    (state / "copying" / "dev.json").write_text('{"environment": "dev", "refil')
    (state / "reproductions").mkdir(exist_ok=True)
    (state / "reproductions" / "staging.json").write_text("")
    checkout.run("stop", "dev")
    for command, file in (
        (("up", "dev"), "copying/dev.json"),
        (("snapshot", "create", "dev"), "copying/dev.json"),
        (("up", "staging"), "reproductions/staging.json"),
    ):
        done = checkout.run(*command, status=1)
        assert f"error[EV509]: {state / file} is damaged" in done.err
    assert checkout.containers("staging") == []
    assert not running(checkout, "db")

    (state / "switch.json").write_text("{")
    for command in (("up", "dev"), ("down", "dev"), ("switch", "--resume")):
        assert f"error[EV509]: {state / 'switch.json'} is damaged" in checkout.run(*command, status=1).err
    assert "warning[EV509]" in checkout.run("status").err


# --- signals


def test_every_signal_at_the_start_of_up_leaves_what_the_next_finishes(checkout: Checkout) -> None:
    checkout.write(dev=TWO)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        process = checkout.start("up", "dev")
        assert process.stderr is not None
        while not process.stderr.readline().startswith("==> starting"):
            assert process.poll() is None
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == (-9 if number == signal.SIGKILL else 130), err
        assert "Traceback" not in err
    process = checkout.start("up", "dev")
    await_true(lambda: running(checkout, "db"))
    checkout.sh("dev", "db", "touch /tmp/go")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "`up dev` was interrupted (begun); nothing is lost" in err
    assert out.startswith("dev is up")
    assert running(checkout, "db", "web")
    assert "nothing to do" in checkout.run("plan", "dev", "--exit-code").out


def test_a_kill_while_images_are_built_is_finished_by_the_next(checkout: Checkout) -> None:
    # A step that no earlier run can have left in the build cache.
    steps = f"FROM busybox:1.37\\nCOPY wait /wait\\nRUN : {checkout.name}; echo begun; xargs sleep < /wait"
    checkout.write(
        dev=f"""\
        services:
          api:
            build: {{context: ., dockerfile_inline: "{steps}"}}
            init: true
            command: [sleep, infinity]
        """
    )
    (checkout.root / "wait").write_text("20")
    process = checkout.start("up", "dev")
    assert process.stderr is not None
    while "begun" not in (line := process.stderr.readline()) or "RUN" in line:
        assert process.poll() is None
    process.kill()
    process.communicate(timeout=60)
    (checkout.root / "wait").write_text("0")
    done = checkout.run("up", "dev")
    assert "`up dev` was interrupted (begun)" in done.err
    assert running(checkout, "api")


# --- containers, networks


def test_a_container_that_is_killed_while_its_health_is_waited_for(checkout: Checkout) -> None:
    checkout.write(dev=TWO)
    process = checkout.start("up", "dev")
    await_true(lambda: running(checkout, "db"))
    docker("kill", f"{checkout.name}-dev-db-1")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error[EV603]: db exited with status 137" in err
    assert "blueprints/dev.yaml:2:3" in err
    process = checkout.start("up", "dev")
    await_true(lambda: running(checkout, "db"))
    checkout.sh("dev", "db", "touch /tmp/go")
    assert process.communicate(timeout=60)[0].startswith("dev is up")


def test_a_network_that_is_removed_under_a_stack_is_seen_and_mended(checkout: Checkout) -> None:
    checkout.write(dev=f"services:\n  a: {SLEEPER}\n  b: {SLEEPER}\n").run("up", "dev")
    network = f"{checkout.name}-dev_default"
    for service in "ab":
        docker("network", "disconnect", "--force", network, f"{checkout.name}-dev-{service}-1")
    docker("network", "rm", network)
    planned = checkout.run("plan", "dev", "--exit-code", status=5).out
    assert "+ network default create: not there yet" in planned
    assert f"~ a recreate: {checkout.name}-dev-a-1 is not attached to network {network} any more" in planned
    checkout.run("up", "dev")
    assert checkout.sh("dev", "a", "ping -c 1 -W 5 b >/dev/null && echo reached") == "reached"


def test_a_paused_container_can_be_brought_up_restarted_and_stopped(checkout: Checkout) -> None:
    checkout.write(dev=f"services:\n  a: {SLEEPER[:-1]}, stop_grace_period: 1s}}\n").run("up", "dev")
    name = f"{checkout.name}-dev-a-1"
    before = checkout.container_ids("dev")
    for command, state in (("up", "running"), ("restart", "running"), ("stop", "exited")):
        docker("pause", name)
        checkout.run(command, "dev")
        assert docker("inspect", "--format", "{{.State.Status}}", name) == state
    assert checkout.container_ids("dev") == before


def test_a_job_that_was_left_over_and_a_half_made_stack_go_with_down(checkout: Checkout) -> None:
    checkout.write(dev=f"{TWO}  job: {SLEEPER[:-1]}, profiles: [jobs]}}\n")
    job = checkout.start("run", "dev", "job")
    await_true(lambda: any("-job-run-" in name for name in checkout.containers("dev", everything=False)))
    job.kill()
    process = checkout.start("up", "dev")
    await_true(lambda: f"{checkout.name}-dev-db-1" in checkout.containers("dev", everything=False))
    process.kill()
    process.communicate(timeout=60)
    assert checkout.run("ps", "dev").status == 0
    checkout.run("stop", "dev")
    assert "ends jobs that are running" in checkout.run("down", "dev", status=1).err
    checkout.run("down", "dev", "--yes")
    assert checkout.containers("dev") == []
    assert docker("network", "ls", "--quiet", "--filter", f"label=dev.envman.project={checkout.name}") == ""
    # The Compose that envman left behind has ended with its container.
    job.communicate(timeout=60)


# --- registries and disks


def test_a_registry_that_goes_away_while_an_image_is_pulled(checkout: Checkout) -> None:
    with BrokenRegistry() as registry:
        checkout.write(dev=f"services:\n  db: {SLEEPER}\n  api: {{image: '{registry.address}/team/api:1'}}\n")
        done = checkout.run("up", "dev", status=1)
        assert registry.cut_off
    assert f"error[EV601]: image {registry.address}/team/api:1 of api cannot be pulled" in done.err
    assert "blueprints/dev.yaml:3:" in done.err
    assert "run the same command again: what was fetched until then is kept" in done.err
    assert checkout.containers("dev") == []


def test_a_state_folder_on_a_full_disk_is_said_and_nothing_is_half_written(checkout: Checkout, full_disk: Path) -> None:
    checkout.environ["XDG_STATE_HOME"] = str(full_disk)
    text = f"services: {{api: {SLEEPER[:-1]}, secrets: [token], environment: {{A: '1'}}}}}}\nsecrets: {{token: {{source: generate}}}}\n"
    checkout.write(dev=text).run("up", "dev")
    (state,) = (full_disk / "envman").iterdir()
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and path.name != "lock"}
    filler = full_disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        with pytest.raises(OSError, match="No space left"):
            os.posix_fallocate(stream.fileno(), 0, 1 << 20)
        free = os.statvfs(full_disk).f_bavail * os.statvfs(full_disk).f_frsize
        stream.write(bytes(free))
    checkout.write(dev=text.replace("A: '1'", "A: '2'"))
    done = checkout.run("up", "dev", status=1)
    assert "error[EV008]" in done.err
    assert "no space left on device" in done.err
    after = {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and path.name != "lock"}
    assert after == before
    assert [json.loads(path.read_bytes()) for path in after if path.suffix == ".json"]
    filler.unlink()
    checkout.run("up", "dev")
    assert checkout.sh("dev", "api", "echo $A") == "2"


# --- engines


def test_an_engine_that_is_killed_that_is_full_and_that_has_no_subnet_left(checkout: Checkout) -> None:
    # One engine for all: it takes longer to come back than any of this.
    with PrivateEngine("busybox:1.37", pool="10.213.0.0/23") as engine:
        checkout.environ["DOCKER_HOST"] = engine.host

        def at_work(*services: str) -> bool:
            names = engine.docker("ps", "--format", "{{.Names}}").split()
            return sorted(names) == sorted(f"{checkout.name}-dev-{service}-1" for service in services)

        checkout.write(dev=TWO)
        process = checkout.start("up", "dev")
        await_true(lambda: at_work("db"))
        engine.kill()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 3
        assert "error[EV408]" in err
        assert "error[EV401]" in checkout.run("status", status=3).err
        engine.start()
        process = checkout.start("up", "dev")
        await_true(lambda: at_work("db"))
        engine.docker("exec", f"{checkout.name}-dev-db-1", "touch", "/tmp/go")
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out.startswith("dev is up")
        assert at_work("db", "web")

        # Its pool has two subnets: the default bridge has one, dev the other.
        checkout.write(qa=f"services: {{api: {SLEEPER}}}\n")
        done = checkout.run("up", "qa", status=3)
        assert "error[EV521]: the engine has no subnet left for a network of qa\n" in done.err

        checkout.write(
            dev='services: {api: {build: {context: ., dockerfile_inline: "FROM busybox:1.37\\nRUN dd if=/dev/zero of=/big bs=1M count=400"}}}\n'
        )
        done = checkout.run("up", "dev", status=3)
        assert "error[EV524]: the engine has no space left on its disk" in done.err
        assert "No space left on device" in done.err
        assert at_work("db", "web")


def test_an_engine_that_goes_away_while_a_stack_is_taken_down(checkout: Checkout) -> None:
    stubborn = (
        "{image: busybox:1.37, command: [sh, -c, 'trap : TERM; while :; do sleep 1; done'], stop_grace_period: 3s}"
    )
    checkout.write(dev=f"services: {{api: {stubborn}}}\n").run("up", "dev")
    with Relay() as relay:
        checkout.environ["DOCKER_HOST"] = relay.host
        process = checkout.start("down", "dev")
        await_true(lambda: any(one.endswith("/stop") or "/stop?" in one for one in relay.requests))
        relay.cut()
        _, err = process.communicate(timeout=60)
    del checkout.environ["DOCKER_HOST"]
    assert process.returncode == 3, err
    assert f"error[EV408]: the engine at {relay.host} (DOCKER_HOST) went away" in err
    checkout.run("down", "dev")
    assert checkout.containers("dev") == []


@pytest.mark.parametrize("way", ["DOCKER_HOST", "context"])
def test_an_engine_over_tcp_gets_secrets_through_the_environment(
    checkout: Checkout, tmp_path: Path, own_folders: Path, way: str
) -> None:
    with Relay(tcp=True) as relay:
        checkout.environ["DOCKER_CONFIG"] = str(tmp_path / "docker")
        options: list[str] = []
        if way == "DOCKER_HOST":
            checkout.environ["DOCKER_HOST"] = relay.host
        else:
            subprocess.run(
                ["docker", "--config", str(tmp_path / "docker"), "context", "create", "far", "--docker", f"host={relay.host}"],
                check=True, capture_output=True,
            )  # fmt: skip
            options = ["--context", "far"]
        text = f"services: {{api: {SLEEPER[:-1]}, secrets: [token], volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\nsecrets: {{token: {{source: generate}}}}\n"
        checkout.write(dev=text).run(*options, "up", "dev")
        token = checkout.run("secrets", "show", "dev", "token").out.strip()
        assert checkout.run(*options, "exec", "-T", "dev", "api", "cat", "/run/secrets/token").out == token
        rendered = (checkout.root / ".envman/dev/docker-compose.yml").read_text()
        assert "ENVMAN_SECRET_TOKEN" in rendered
        assert str(own_folders) not in rendered
        assert token not in rendered
        checkout.write(qa=f"services:\n  api: {SLEEPER[:-1]}, volumes: ['./src:/src']}}\n")
        refused = checkout.run(*options, "up", "qa", status=1)
        assert "error[EV311]: api mounts ./src of this project, but the engine is at tcp://127.0.0.1:" in refused.err
        assert checkout.run(*options, "up", "dev").out.startswith("dev is up, nothing to do")
        checkout.run(*options, "down", "dev")
        assert relay.requests
    assert checkout.containers("dev") == []


# --- others on the engine


def test_two_hundred_containers_of_others_change_nothing(checkout: Checkout, crowd: Any) -> None:
    checkout.write(dev=f"services:\n  api: {SLEEPER[:-1]}, volumes: ['data:/data']}}\nvolumes: {{data: {{}}}}\n")

    def requests() -> list[list[str]]:
        found = []
        for command in (["up"], ["up"], ["plan"], ["ps"], ["down"]):
            with Relay() as relay:
                checkout.run(*command, "dev", DOCKER_HOST=relay.host)
                asked = [one.partition("?")[0] for one in relay.requests]
            found.append(sorted(one for one in asked if not one.endswith("/events")))
        return found

    def counts(found: list[list[str]]) -> list[tuple[int, int]]:
        return [(len(one), sum("/containers/" in each and each.endswith("/json") for each in one)) for one in found]

    alone = counts(requests())
    crowd.make(200)
    before = crowd.state()
    crowded = counts(requests())
    assert crowd.state() == before
    assert len(before) == 200
    # While a stack is waited for, envman looks as often as time passes; by more than a few looks means by container.
    assert all(abs(many - few) < 60 for (few, _), (many, _) in zip(alone, crowded, strict=True)), (alone, crowded)
    assert crowded[1] == alone[1]
    assert crowded[2] == alone[2]


# --- two at once


def test_who_reads_never_waits_and_who_changes_waits_or_says_for_whom(checkout: Checkout) -> None:
    checkout.write(dev=TWO, qa=f"services: {{api: {SLEEPER}}}\n")
    first = checkout.start("up", "dev")
    await_true(lambda: running(checkout, "db"))
    refused = checkout.run("up", "qa", "--fail-if-busy", status=1)
    assert f"error[EV506]: envman up dev (pid {first.pid}) is at work on this checkout\n" in refused.err
    for command in (["stop", "dev"], ["switch", "qa"], ["build", "dev"]):
        assert "EV506" in checkout.run(*command, "--fail-if-busy", status=1).err
    assert "partly up" in checkout.run("status").out
    assert f"{checkout.name}-dev-db-1" in checkout.run("ps", "dev", "--all").out
    assert checkout.run("plan", "qa").out.startswith("+ ")
    assert "busybox:1.37" in checkout.run("render", "qa", "--output", "-").out
    assert "busybox:1.37" in checkout.run("explain", "qa", "services.api.image").out
    second = checkout.start("up", "qa")
    assert second.stderr is not None
    assert second.stderr.readline() == (
        f"    - waiting for envman up dev (pid {first.pid}), which is at work on this checkout\n"
    )
    # Killed, it holds nothing any more, although the file still has its name.
    first.kill()
    first.communicate(timeout=60)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
    assert "`up dev` was interrupted (begun)" in err
    assert out.startswith("qa is up")
