"""The volumes of a stack that ran under Compose's own project name: named, copied, and never changed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from stacks import SLEEPER, Checkout, await_true, docker

STACK = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data', 'bound:/bound']}}}}\n"
VOLUMES = "volumes: {data: {}, bound: {driver_opts: {type: none, o: bind, device: %s}}}\n"
FILL = "cd /data && mkdir -p a/b && echo one >a/b/f && ln -s f a/b/l && chown -R 70:71 a && chmod 750 a"
LOOK = "cd /data && find . | sort | xargs stat -c '%N %f %u %g' && cat a/b/f"


class Former:
    """Stacks of one Compose file under names that Compose gave them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.names: set[str] = set()

    def compose(self, name: str, *arguments: str) -> None:
        self.names.add(name)
        command = ["docker", "compose", "--project-name", name, "--file", str(self.file), *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def filled(self, name: str, more: str = "true") -> str:
        """Bring a stack up, fill its volume, stop it, and return the volume's name."""
        self.compose(name, "up", "--detach")
        docker("exec", f"{name}-db-1", "sh", "-c", f"{FILL} && {more}")
        self.compose(name, "stop", "--timeout", "0")
        return f"{name}_data"


@pytest.fixture
def former(checkout: Checkout, tmp_path: Path) -> Iterator[Former]:
    (tmp_path / "bound").mkdir()
    text = STACK + VOLUMES % (tmp_path / "bound")
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    checkout.write(dev=text)
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    stacks = Former(file)
    yield stacks
    checkout.run("down", "dev", "--volumes", "--no-snapshot", "--yes", status=None)
    for name in stacks.names:
        stacks.compose(name, "down", "--volumes", "--timeout", "0")


def contents(volume: str) -> str:
    return docker("run", "--rm", "--volume", f"{volume}:/data", "busybox:1.37", "sh", "-c", LOOK)


def test_a_former_volume_is_named_and_copied(checkout: Checkout, former: Former) -> None:
    name = checkout.name
    old = former.filled(name)
    before = contents(old)
    planned = checkout.run("plan", "dev")
    assert f"begins empty; volume {old} of Compose project {name} stays as it is" in planned.out
    assert "warning[EV837]: volume data begins empty" in planned.err
    # What has options leads to data elsewhere, which is there already.
    assert f"{name}_bound" not in planned.out + planned.err

    former.compose(name, "start")
    assert f"{name}-db-1 mounts {old} too" in checkout.run("up", "dev", "--adopt-volumes", status=1).err
    assert f"{name}-dev_data" not in docker("volume", "ls", "--quiet").split()
    former.compose(name, "stop", "--timeout", "0")

    # Another name that means the same project.
    other = f"{name}_"
    former.filled(other, "echo other >/data/a/b/f")
    refused = checkout.run("up", "dev", "--adopt-volumes", status=1).err
    assert "error[EV838]: more than one stack has a volume data" in refused
    assert "EV838" in checkout.run("up", "dev", "--adopt-from", "nobody", status=1).err

    planned = checkout.run("plan", "dev", "--adopt-from", name)
    assert f"gets a copy of volume {old} of Compose project {name}, which stays as it is" in planned.out
    assert "EV837" not in planned.err
    done = checkout.run("up", "dev", "--adopt-from", name)
    assert f"entries of {old}, checked" in done.err
    assert contents(f"{name}-dev_data") == before == contents(old)
    assert docker("volume", "inspect", old, "--format", "{{json .Labels}}").find("envman") < 0
    # Done once: the environment's own data is never replaced.
    checkout.sh("dev", "db", "echo new >/data/new")
    again = checkout.run("--format", "json", "up", "dev", "--adopt-volumes")
    assert again.json["steps"] == []
    assert checkout.sh("dev", "db", "cat /data/new") == "new"


def test_a_copy_that_is_killed_starts_nothing_and_is_repeated(
    checkout: Checkout, former: Former, tmp_path: Path
) -> None:
    old = former.filled(checkout.name, "dd if=/dev/urandom of=/data/big bs=1M count=30 2>/dev/null")
    before = contents(old)

    def copying() -> bool:
        records = list((tmp_path / "state").glob("envman/*/copying/dev.json"))
        return any(json.loads(one.read_text())["record"]["refilling"] for one in records)

    for number in (signal.SIGINT, signal.SIGKILL):
        running = checkout.start("up", "dev", "--adopt-volumes")
        await_true(copying)
        os.kill(running.pid, number)
        running.communicate()
        assert running.returncode == (130 if number == signal.SIGINT else -number)
        # An interrupt takes back what it began; after a kill that is left to the next command.
        assert copying() == (number == signal.SIGKILL)
        if number == signal.SIGINT:
            assert checkout.volumes("dev") == []

    refused = checkout.run("up", "dev", status=1).err
    assert f"error[EV650]: {checkout.name}-dev_data of dev is not whole: copying it from Compose project" in refused
    assert "`envman up dev --adopt-volumes` copies it anew" in refused
    assert checkout.containers("dev") == []
    checkout.run("up", "dev", "--adopt-volumes")
    assert contents(f"{checkout.name}-dev_data") == before == contents(old)
    checkout.run("restart", "dev")
    (state,) = (tmp_path / "state" / "envman").iterdir()
    own = f"label=dev.envman.checkout={state.name.rpartition('-')[2]}"
    assert docker("ps", "--all", "--quiet", "--filter", "label=dev.envman.helper", "--filter", own) == ""
