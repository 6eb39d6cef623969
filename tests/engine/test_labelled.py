"""Environments whose blueprints are gone: everything that needs only what is there goes on by its labels."""

from __future__ import annotations

import json
from pathlib import Path

from stacks import Checkout, docker

QUICK = "image: busybox:1.37, init: true, stop_grace_period: 0s, command: [sh, -c, 'echo hello; sleep 600']"
STACK = f"""
services:
  db: {{{QUICK}, volumes: ['data:/data'], networks: [back]}}
  web: {{{QUICK}, depends_on: [db], networks: [back, front]}}
volumes: {{data: {{}}}}
networks: {{back: {{}}, front: {{}}}}
"""
OTHER = f"services: {{web: {{{QUICK}}}}}\n"


def forget(checkout: Checkout, name: str = "dev") -> None:
    (checkout.root / "blueprints" / f"{name}.yaml").unlink()


def test_a_stack_without_a_blueprint_is_seen_stopped_copied_and_taken_down(checkout: Checkout, tmp_path: Path) -> None:
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    checkout.write(dev=STACK, other=OTHER).run("up", "dev")
    checkout.sh("dev", "db", "echo precious >/data/file")
    forget(checkout)
    found = {one["environment"]: one for one in json.loads(checkout.run("--format", "json", "status").out)["result"]}
    assert (found["dev"]["state"], found["dev"]["blueprint"], found["other"]["blueprint"]) == ("up", False, True)
    assert "no blueprint" in checkout.run("status").out
    assert f"{checkout.name}-dev-db-1" in checkout.run("status", "dev").out
    assert f"{checkout.name}-dev-db-1" in checkout.run("ps", "dev").out
    assert "hello" in checkout.run("logs", "dev", "web").out
    assert checkout.run("exec", "dev", "db", "cat", "/data/file").out == "precious\n"
    done = checkout.run("snapshot", "create", "dev", "--name", "kept")
    assert "warning[EV014]: dev is taken from the labels on the engine: it has no blueprint" in done.err
    assert "snapshot kept of dev: data" in done.out
    # Beside a chosen environment a name is not taken for one of its services.
    checkout.run("use", "other")
    checkout.run("stop", "dev", "web")
    assert checkout.containers("dev", everything=False) == [f"{checkout.name}-dev-db-1"]
    checkout.run("stop", "dev")
    assert checkout.containers("dev", everything=False) == []
    checkout.run("restart", "dev")
    assert len(checkout.containers("dev", everything=False)) == 2
    assert "removed: " in checkout.run("rm", "dev", "web", "--stop").out
    refused = checkout.run("down", "dev", "--volumes", status=1)
    assert "error[EV606]: `down dev --volumes` deletes data" in refused.err
    assert f"its data is kept: {checkout.name}-dev_data" in checkout.run("down", "dev").out
    left = f"label=com.docker.compose.project={checkout.name}-dev"
    assert (
        docker("ps", "--all", "--quiet", "--filter", left) == docker("network", "ls", "--quiet", "--filter", left) == ""
    )
    assert "down, data kept" in checkout.run("status").out
    done = checkout.run("down", "dev", "--volumes", "--yes")
    assert f"deleted: {checkout.name}-dev_data" in done.out
    assert "--into ENV" in done.out
    assert checkout.volumes("dev") == []
    assert 'error[EV003]: there is no environment "dev"' in checkout.run("down", "dev", status=1).err


def test_a_blueprint_that_does_not_load_keeps_nobody_from_stopping_and_its_data_stays_protected(
    checkout: Checkout,
) -> None:
    checkout.write(dev=f"protected: true\n{STACK}").run("up", "dev")
    checkout.write(dev="services: {web: {imaeg: x}}\n")
    done = checkout.run("stop", "dev")
    assert "warning[EV014]: dev is taken from the labels on the engine: its blueprint does not load" in done.err
    assert "imaeg" in done.err
    assert "error[EV606]: dev is protected" in checkout.run("down", "dev", "--volumes", "--yes", status=1).err
    checkout.run("down", "dev", "--volumes", "--confirm", "dev", "--no-snapshot")
    assert checkout.volumes("dev") == []


def test_a_switch_from_a_stack_without_a_blueprint_and_back_where_it_fails(checkout: Checkout) -> None:
    fails = "services: {web: {image: 'busybox:1.37', command: [sh, -c, 'exit 3']}}\n"
    checkout.write(dev=STACK, other=OTHER, broken=fails).run("up", "dev")
    before = checkout.container_ids("dev")
    forget(checkout)
    refused = checkout.run("switch", "broken", status=1)
    assert "error[EV609]: broken did not come up; dev runs again as before" in refused.err
    assert checkout.container_ids("dev") == before
    assert len(checkout.containers("dev", everything=False)) == 2
    done = checkout.run("switch", "other", "--from", "dev", "--snapshot")
    assert "dev -> other" in done.out
    assert "EV014" in done.err
    assert checkout.containers("dev", everything=False) == []
    assert len(checkout.containers("other", everything=False)) == 1
