from __future__ import annotations

import signal
import socket
from datetime import datetime

from stacks import SLEEPER, Checkout, await_true, docker

BASE = """
abstract: true
services:
  db:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    healthcheck: {test: [CMD, "true"], interval: 3s, start_period: 30s, start_interval: 100ms}
    volumes: ["data:/data"]
volumes: {data: null}
"""
BROKEN = """
extends: base
services:
  db:
    healthcheck: {test: ["CMD-SHELL", "echo no such table; exit 1"], interval: 200ms, retries: 2, start_period: 0s}
"""


def test_switch_stops_the_one_and_brings_the_other_up_with_its_data(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n", staging="extends: base\n").run("up", "dev")
    checkout.sh("dev", "db", "echo dev > /data/file")
    done = checkout.run("switch", "staging")
    assert done.out.startswith("dev -> staging; neither served for ")
    assert checkout.containers("dev", everything=False) == []
    assert checkout.sh("staging", "db", "ls /data") == ""
    checkout.run("switch", "dev")
    assert checkout.sh("dev", "db", "cat /data/file") == "dev"
    assert checkout.containers("staging", everything=False) == []
    assert len(checkout.volumes("staging")) == 1


def test_the_environment_switched_to_is_the_chosen_one(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n", staging="extends: base\n").run("switch", "dev")
    assert checkout.run("use").out == "dev\n"
    checkout.run("switch", "staging")
    assert checkout.run("use").out == "staging\n"


def test_a_failed_switch_brings_the_first_back_as_it_was(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n", staging=BROKEN).run("up", "dev")
    checkout.sh("dev", "db", "echo precious > /data/file")
    before = checkout.container_ids("dev")
    done = checkout.run("switch", "staging", status=1)
    assert "error[EV609]: staging did not come up; dev runs again as before" in done.err
    assert "error[EV604]: db is unhealthy" in done.err
    assert "no such table" in done.err
    assert checkout.container_ids("dev") == before
    assert len(checkout.containers("dev", everything=False)) == 1
    assert checkout.sh("dev", "db", "cat /data/file") == "precious"
    assert checkout.containers("staging", everything=False) == []
    assert checkout.run("use").out == "none is chosen\n"


def test_what_can_fail_without_harm_fails_before_the_first_is_stopped(checkout: Checkout) -> None:
    missing = "extends: base\nservices: {db: {image: 'nosuchimage.invalid/x:1'}}\n"
    checkout.write(base=BASE, dev="extends: base\n", staging=missing).run("up", "dev")
    started = docker("inspect", "--format", "{{.State.StartedAt}}", *checkout.container_ids("dev"))
    done = checkout.run("switch", "staging", status=1)
    assert "EV601" in done.err
    assert docker("inspect", "--format", "{{.State.StartedAt}}", *checkout.container_ids("dev")) == started


def test_several_running_environments_need_a_name(checkout: Checkout) -> None:
    names = ["dev", "staging", "prod"]
    checkout.write(base=BASE, **dict.fromkeys(names, "extends: base\n"))
    checkout.run("up", "dev")
    checkout.run("up", "staging")
    done = checkout.run("switch", "prod", status=1)
    assert "error[EV611]: dev, staging are all running" in done.err
    checkout.run("switch", "prod", "--from", "dev")
    assert checkout.containers("dev", everything=False) == []
    assert len(checkout.containers("staging", everything=False)) == 1


def test_an_interrupted_switch_brings_the_first_back(checkout: Checkout) -> None:
    slow = "extends: base\nservices: {db: {healthcheck: {test: [CMD, 'false'], start_period: 60s, interval: 60s}}}\n"
    checkout.write(base=BASE, dev="extends: base\n", staging=slow).run("up", "dev")
    before = checkout.container_ids("dev")
    process = checkout.start("switch", "staging")
    await_true(lambda: len(checkout.containers("staging", everything=False)) == 1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert checkout.container_ids("dev") == before
    assert len(checkout.containers("dev", everything=False)) == 1
    assert checkout.containers("staging", everything=False) == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_stacks_that_share_nothing_overlap(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n", staging="extends: base\n").run("up", "dev")
    done = checkout.run("--format", "json", "switch", "staging")
    assert (done.json["from"], done.json["gap_seconds"], done.json["waited"]) == ("dev", 0.0, [])
    started, stopped = (
        docker("inspect", "--format", template, f"{checkout.name}-{name}-db-1")
        for name, template in (("staging", "{{.State.StartedAt}}"), ("dev", "{{.State.FinishedAt}}"))
    )
    assert started < stopped


def test_only_what_holds_a_shared_port_waits_for_the_other_to_stop(checkout: Checkout) -> None:
    web = f"extends: base\nservices: {{web: {SLEEPER[:-1]}, ports: ['127.0.0.1:{free_port()}:80']}}}}\n"
    checkout.write(base=BASE, dev=web, staging=web).run("up", "dev")
    done = checkout.run("switch", "staging")
    assert f"dev has to stop first: {checkout.name}-dev-web-1 publishes host port" in done.err
    assert not done.out.startswith("dev -> staging; neither served for 0.0 s")
    started = docker("inspect", "--format", "{{.State.StartedAt}}", f"{checkout.name}-staging-web-1")
    stopped = docker("inspect", "--format", "{{.State.FinishedAt}}", f"{checkout.name}-dev-db-1")
    assert started < stopped, "what is in nobody's way does not hold it up"
    back = checkout.run("--format", "json", "switch", "dev", PYTHONPROFILEIMPORTTIME="1")
    assert back.json["waited"] == ["web"]
    assert back.json["gap_seconds"] > 0
    loaded = {line.rpartition("|")[2].strip() for line in back.err.splitlines()}
    assert "envman.engine.lifecycle" in loaded
    assert not loaded & {"docker", "typer", "pydantic"}, "their import would take as long as a start"


def test_a_port_that_cannot_be_had_brings_the_first_back(checkout: Checkout) -> None:
    port = free_port()
    web = f"services: {{web: {SLEEPER[:-1]}, ports: ['127.0.0.1:{port}:80']}}}}\n"
    broken = web[:-3] + ", healthcheck: {test: [CMD, 'false'], interval: 100ms, retries: 1}}}\n"
    checkout.write(dev=web, staging=broken).run("up", "dev")
    before = checkout.container_ids("dev")
    err = checkout.run("switch", "staging", status=1).err
    assert "error[EV609]: staging did not come up; dev runs again as before" in err
    assert "error[EV604]: web is unhealthy" in err
    assert checkout.container_ids("dev") == before
    with socket.create_connection(("127.0.0.1", port)):
        assert checkout.containers("staging", everything=False) == []


def test_two_writers_of_one_volume_never_run_at_once(checkout: Checkout) -> None:
    own = f"{checkout.name}-shared"
    text = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{name: {own}, shared: true}}}}\n"
    checkout.write(dev=text, staging=text).run("up", "dev")
    done = checkout.run("switch", "staging")
    assert f"dev has to stop first: {checkout.name}-dev-db-1 uses volume {own} too" in done.err


def test_what_only_compose_can_start_is_started_by_it(checkout: Checkout) -> None:
    text = f"services: {{web: {SLEEPER[:-1]}, configs: [greeting]}}}}\nconfigs: {{greeting: {{content: hello}}}}\n"
    broken = text.replace("configs: [", "healthcheck: {test: [CMD, 'false'], interval: 100ms, retries: 1}, configs: [")
    checkout.write(dev=text, staging=text, prod=broken).run("up", "dev")
    checkout.run("switch", "staging")
    assert checkout.sh("staging", "web", "cat /greeting") == "hello"
    assert checkout.containers("dev", everything=False) == []
    assert "error[EV609]" in checkout.run("switch", "prod", status=1).err
    assert checkout.sh("staging", "web", "cat /greeting") == "hello"
    assert checkout.containers("prod", everything=False) == []


def test_a_container_name_that_both_fix_is_refused_before_anything_stops(checkout: Checkout) -> None:
    text = f"services: {{web: {SLEEPER[:-1]}, container_name: {checkout.name}-web}}}}\n"
    checkout.write(dev=text, staging=text).run("up", "dev")
    err = checkout.run("switch", "staging", status=1).err
    assert f"error[EV634]: staging and the running container {checkout.name}-web fix one container name" in err
    assert len(checkout.containers("dev", everything=False)) == 1


def test_one_shots_run_once_and_chains_are_followed(checkout: Checkout) -> None:
    text = BASE.replace("abstract: true\n", "").replace(
        "volumes: {data: null}",
        f"""\
  migrate:
    image: busybox:1.37
    command: [sh, -c, "echo ran >> /data/log"]
    volumes: ["data:/data"]
    depends_on: {{db: {{condition: service_healthy}}}}
  web: {SLEEPER[:-1]}, depends_on: {{migrate: {{condition: service_completed_successfully}}}}}}
volumes: {{data: null}}""",
    )
    checkout.write(dev=text, staging=text).run("switch", "dev")
    checkout.run("switch", "staging")
    checkout.run("switch", "dev")
    assert checkout.sh("dev", "db", "cat /data/log") == "ran"
    assert len(checkout.containers("dev", everything=False)) == 2
    # What it did may be gone where what it depends on is made anew, and the plan says so.
    checkout.run("switch", "staging")
    checkout.write(dev=text.replace("  db:\n", "  db:\n    labels: {example.changed: 'yes'}\n"))
    said = checkout.run("switch", "dev").err
    assert "> migrate rerun: it has completed, and db, which it depends on, is made anew" in said
    assert checkout.sh("dev", "db", "cat /data/log") == "ran\nran"


def test_an_option_alone_needs_a_switch_on_record(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n")
    assert "error[EV632]" in checkout.run("switch", "--abort", status=1).err
    checkout.run("switch", "dev", "--abort", status=2)
    checkout.run("switch", status=2)


def test_a_snapshot_is_taken_before_anything_stops(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n", staging="extends: base\n").run("up", "dev")
    checkout.sh("dev", "db", "echo precious > /data/file")
    name = checkout.run("--format", "json", "switch", "staging", "--snapshot").json["snapshot"]
    assert name.startswith("before-switch-")
    shown = checkout.run("--format", "json", "snapshot", "show", "dev", name, "--verify").json
    finished = docker("inspect", "--format", "{{.State.FinishedAt}}", f"{checkout.name}-dev-db-1")
    assert datetime.fromisoformat(shown["created"]) <= datetime.fromisoformat(finished[:19] + "+00:00")
    checkout.run("snapshot", "restore", "dev", name, "--into", "staging", "--yes")
    assert checkout.sh("staging", "db", "cat /data/file") == "precious"


def test_a_snapshot_that_fails_leaves_the_first_as_it_was(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n", staging="extends: base\n")
    description = checkout.root / "envman.yaml"
    description.write_text(f"{description.read_text()}\nsnapshots: kept\n")
    checkout.run("up", "dev")
    (checkout.root / "kept").write_text("a file, so that no folder can be made")
    before = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"{checkout.name}-dev-db-1")
    err = checkout.run("switch", "staging", "--snapshot", status=1).err
    assert f"{checkout.root / 'kept'}" in err
    assert "cannot be written" in err
    assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"{checkout.name}-dev-db-1") == before
    assert checkout.containers("staging", everything=False) == []
    assert "error[EV632]" in checkout.run("switch", "--abort", status=1).err


def test_what_somebody_paused_in_the_second_is_woken(checkout: Checkout) -> None:
    checkout.write(base=BASE, dev="extends: base\n", staging="extends: base\n").run("up", "dev")
    checkout.run("up", "staging")
    docker("pause", f"{checkout.name}-staging-db-1")
    checkout.run("switch", "staging", "--from", "dev")
    assert checkout.sh("staging", "db", "echo awake") == "awake"
    assert checkout.containers("dev", everything=False) == []


def test_a_port_that_others_hold_is_told_before_anything_is_made(checkout: Checkout) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        web = f"services: {{web: {SLEEPER[:-1]}, ports: ['127.0.0.1:{port}:80']}}}}\n"
        checkout.write(base=BASE, dev="extends: base\n", staging=web).run("up", "dev")
        err = checkout.run("switch", "staging", status=1).err
    assert f"error[EV505]: host port 127.0.0.1:{port} for web is taken by process" in err
    assert checkout.containers("staging") == []
    assert len(checkout.containers("dev", everything=False)) == 1
