"""An engine that is killed and comes back in the middle of a switch, a snapshot and a restore."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from private_engine import PrivateEngine
from stacks import Checkout, await_true, docker

QUICK = "image: busybox:1.37, init: true, stop_grace_period: 0s, command: [sleep, infinity]"
# Healthy once a file is there, which stays in the container when that is stopped.
HELD = "healthcheck: {test: [CMD, test, -f, /go], start_period: 60s, interval: 60s, start_interval: 100ms}"
STACK = f"""
services:
  db: {{{QUICK}, volumes: ["data:/data"]}}
  web: {{{QUICK}, {HELD}, volumes: ["./shared:/shared"]}}
volumes: {{data: null}}
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    # One engine for all: it takes longer to come back than any of this.
    with PrivateEngine("busybox:1.37", pool="10.214.0.0/16") as engine:
        yield engine


@pytest.fixture
def checkout(
    engine: PrivateEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_folders: object
) -> Iterator[Checkout]:
    """A project on that engine."""
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "project"
    root.mkdir()
    yield Checkout(root, f"t{secrets.token_hex(4)}")
    left = docker("ps", "--all", "--quiet").split()
    if left:
        docker("rm", "--force", "--volumes", *left)


@pytest.fixture
def state(checkout: Checkout, tmp_path: Path) -> Path:
    """The folder of the checkout's state, with a stack that has data."""
    checkout.write(dev=f"services: {{db: {{{QUICK}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\n").run(
        "up", "dev"
    )
    checkout.sh("dev", "db", "echo old >/data/file; dd if=/dev/urandom of=/data/big bs=1M count=30 2>/dev/null")
    return next((tmp_path / "state").glob("envman/*"))


def is_running(checkout: Checkout, *names: str) -> bool:
    running = docker("ps", "--format", "{{.Names}}").split()
    return sorted(running) == sorted(f"{checkout.name}-{name}-1" for name in names)


def listed(checkout: Checkout) -> dict[str, bool]:
    return {one["name"]: one["damaged"] for one in checkout.run("--format", "json", "snapshot", "list").json}


def finished(process: subprocess.Popen[str]) -> str:
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("way", ["--resume", "--abort"])
def test_a_switch(checkout: Checkout, engine: PrivateEngine, way: str) -> None:
    checkout.write(a=STACK, b=STACK)
    (checkout.root / "shared").mkdir()
    process = checkout.start("up", "a")
    await_true(lambda: is_running(checkout, "a-db", "a-web"))
    checkout.sh("a", "web", "touch /go")
    checkout.sh("a", "db", "echo a >/data/file")
    assert process.communicate(timeout=60)[0].startswith("a is up")
    before = checkout.container_ids("a")

    process = checkout.start("switch", "b")
    # The first has stopped, as both write to one folder, and the second is not healthy.
    await_true(lambda: is_running(checkout, "b-db", "b-web"))
    engine.kill()
    assert "error[EV631]: `switch b` from a was interrupted" in finished(process)
    engine.start()
    assert "warning[EV631]" in checkout.run("status").err
    process = checkout.start("switch", way)
    if way == "--resume":
        await_true(lambda: is_running(checkout, "b-db", "b-web"))
        checkout.sh("b", "web", "touch /go")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.startswith("a -> b; neither served for " if way == "--resume" else "a runs as before; b is stopped")
    assert is_running(checkout, *(("b-db", "b-web") if way == "--resume" else ("a-db", "a-web")))
    assert checkout.container_ids("a") == before
    assert "EV631" not in checkout.run("status").err
    assert len(checkout.volumes("a")) == len(checkout.volumes("b")) == 1
    assert "a\n" in docker("cp", f"{checkout.name}-a-db-1:/data/file", "-")


def test_a_snapshot_is_not_there_and_can_be_taken_again(checkout: Checkout, engine: PrivateEngine, state: Path) -> None:
    database = f"{checkout.name}-dev-db-1"
    process = checkout.start("snapshot", "create", "dev", "--name", "cut")
    await_true(lambda: docker("inspect", "--format", "{{.State.Status}}", database) == "paused")
    engine.kill()
    assert "error[EV408]" in finished(process)
    engine.start()
    assert listed(checkout) == {}
    checkout.run("snapshot", "create", "dev", "--name", "cut")
    assert listed(checkout) == {"cut": False}
    checkout.run("snapshot", "show", "dev", "cut", "--verify")
    assert is_running(checkout, "dev-db")
    assert docker("ps", "--all", "--quiet", "--filter", "label=dev.envman.helper") == ""
    assert list((state / "copying").glob("*")) == []


def test_a_restore_is_on_record_and_can_be_repeated(checkout: Checkout, engine: PrivateEngine, state: Path) -> None:
    checkout.run("snapshot", "create", "dev", "--name", "good")
    checkout.sh("dev", "db", "echo new >/data/file")
    copying = state / "copying" / "dev.json"
    process = checkout.start("snapshot", "restore", "dev", "good", "--yes")

    def refilling() -> bool:
        assert process.poll() is None
        return copying.exists() and bool(json.loads(copying.read_text())["record"]["refilling"])

    await_true(refilling)
    engine.kill()
    err = finished(process)
    assert "error[EV649]: snapshot good could not be restored, nor what was there before" in err
    engine.start()
    refused = checkout.run("up", "dev", status=1).err
    assert f"error[EV650]: {checkout.name}-dev_data of dev is not whole: restoring it was interrupted" in refused
    safety = json.loads(copying.read_text())["record"]["safety"]
    checkout.run("snapshot", "restore", "dev", "good", "--yes")
    assert checkout.sh("dev", "db", "cat /data/file") == "old"
    assert not copying.exists()
    checkout.run("snapshot", "restore", "dev", safety, "--yes", "--no-snapshot")
    assert checkout.sh("dev", "db", "cat /data/file") == "new"
    assert checkout.run("plan", "dev").out == "dev is as it should be: nothing to do\n"
