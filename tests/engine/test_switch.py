from __future__ import annotations

import signal

from stacks import SLEEPER, Checkout, await_true, docker

BASE = f"""
abstract: true
services:
  db: {SLEEPER[:-1]}, volumes: ["data:/data"]}}
volumes: {{data: null}}
"""
BROKEN = """
extends: base
services:
  db:
    healthcheck: {test: ["CMD-SHELL", "echo no such table; exit 1"], interval: 200ms, retries: 2}
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


def test_a_killed_switch_is_named_by_the_next_command_which_finishes_the_job(checkout: Checkout) -> None:
    slow = "extends: base\nservices: {db: {healthcheck: {test: [CMD, 'false'], start_period: 60s, interval: 60s}}}\n"
    checkout.write(base=BASE, dev="extends: base\n", staging=slow).run("up", "dev")
    checkout.sh("dev", "db", "echo precious > /data/file")
    process = checkout.start("switch", "staging")
    await_true(lambda: len(checkout.containers("staging", everything=False)) == 1)
    process.kill()
    process.communicate(timeout=60)
    done = checkout.run("switch", "dev")
    assert "`switch staging` from dev was interrupted (starting)" in done.err
    assert checkout.sh("dev", "db", "cat /data/file") == "precious"
    assert checkout.containers("staging", everything=False) == []
