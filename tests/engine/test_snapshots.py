"""Snapshots on a real engine. Data is small; what is killed is killed at a moment that the state folder tells of."""

from __future__ import annotations

import io
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from relay import Relay, engine_socket
from stacks import MANY_PORTS, SLEEPER, Checkout, await_true, docker, remove_project, starting

DATA = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\n"
FILL = (
    "cd /data && mkdir -p d/deep .hidden && echo one >a && ln a b && ln -s a s && ln -s /nowhere t && echo x >d/deep/f"
    " && printf '\\377\\0\\n' >.hidden/bytes && touch 'a name' 'na\nme' && chown -R 70:71 . && chmod 4750 a"
    " && chmod 700 . && mkfifo pipe && touch -d '2001-02-03 04:05:06' d/deep/f d .hidden"
)
# Every name with what a copy must keep; links by the inode that they share.
LOOK = (
    "cd /data && find . ! -name 'na*me' | sort | while read -r one; do "
    'stat -c "%N %f %u %g %Y %h" "$one"; done && find . -type f -exec md5sum {} + | sort && ls -i a b | cut -c1-8 | uniq'
)


@pytest.fixture
def state(checkout: Checkout, tmp_path: Path) -> Path:
    """The folder that the checkout's state lies in."""
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    return tmp_path / "state"


@pytest.fixture
def stack(checkout: Checkout, state: Path) -> Checkout:
    """A database that runs, with data."""
    checkout.write(dev=DATA).run("up", "dev")
    checkout.sh("dev", "db", FILL)
    return checkout


def shelf(state: Path, environment: str = "dev") -> Path:
    return next(state.glob("envman/*")) / "snapshots" / environment


def contents(checkout: Checkout, environment: str = "dev") -> str:
    """Return what is in the volume, without the inode numbers, which are new after a restore."""
    lines = checkout.sh(environment, "db", LOOK).splitlines()
    return "\n".join(lines[:-1]) + f"\n{len(lines[-1].split())} inode"


def state_of(checkout: Checkout, environment: str = "dev") -> str:
    return docker("inspect", "--format", "{{.State.Status}}", f"{checkout.name}-{environment}-db-1")


def listed(checkout: Checkout) -> dict[str, bool]:
    return {
        one["name"]: one["damaged"] for one in checkout.run("--format", "json", "snapshot", "list", status=None).json
    }


def helpers(checkout: Checkout, state: Path) -> str:
    own = json.loads(next(state.glob("envman/*/checkout.json")).read_text())["record"]["id"]
    label = f"label=dev.envman.checkout={own}"
    return docker("ps", "--all", "--quiet", "--filter", "label=dev.envman.helper", "--filter", label)


def test_a_restore_brings_back_owners_modes_times_and_links(stack: Checkout, state: Path) -> None:
    before = contents(stack)
    container = stack.container_ids("dev")
    made = stack.run("snapshot", "create", "dev", "--name", "first")
    assert made.out.startswith("snapshot first of dev: data (")
    manifest = stack.run("--format", "json", "snapshot", "show", "dev", "first", "--verify").json
    assert [one["consistency"] for one in manifest["volumes"]] == ["db paused"]
    assert "sparseness: holes are filled with zeros" in manifest["volumes"][0]["not_carried"]
    assert manifest["images"]["db"]["reference"] == "busybox:1.37"
    assert state_of(stack) == "running"
    stack.sh("dev", "db", "rm -rf /data/* /data/.hidden && echo other >/data/other && chmod 755 /data")

    assert "EV606" in stack.run("snapshot", "restore", "dev", "first", status=1).err
    done = stack.run("--format", "json", "snapshot", "restore", "dev", "first", "--yes").json
    assert contents(stack) == before
    assert stack.container_ids("dev") == container
    assert helpers(stack, state) == ""
    stack.run("snapshot", "restore", "dev", done["safety_snapshot"], "--no-snapshot", "--yes")
    assert stack.sh("dev", "db", "ls -A /data") == "other"
    assert stack.run("plan", "dev").out == "dev is as it should be: nothing to do\n"


def test_what_is_damaged_is_refused_before_anything_is_touched(stack: Checkout, state: Path) -> None:
    for name in ("flipped", "short", "sealed"):
        stack.run("snapshot", "create", "dev", "--live", "--name", name)
    started = docker("inspect", "--format", "{{.State.StartedAt}}", f"{stack.name}-dev-db-1")
    before = contents(stack)
    flipped = shelf(state) / "flipped" / "data.tar.zst"
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.write_bytes(data)
    short = shelf(state) / "short" / "data.tar.zst"
    short.write_bytes(short.read_bytes()[:-20])
    manifest = shelf(state) / "sealed" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"reason": "asked for"', '"reason": "asked 4"'))

    assert listed(stack) == {"flipped": False, "short": True, "sealed": True}
    told = stack.run("snapshot", "list", status=1).err
    assert "snapshot short of dev is damaged" in told
    assert "snapshot sealed of dev is damaged" in told
    assert (
        "snapshot flipped of dev is damaged: data: "
        in stack.run("snapshot", "show", "dev", "flipped", "--verify", status=1).err
    )
    for name in ("flipped", "short", "sealed"):
        assert "error[EV643]" in stack.run("snapshot", "restore", "dev", name, "--yes", status=1).err
    assert docker("inspect", "--format", "{{.State.StartedAt}}", f"{stack.name}-dev-db-1") == started
    assert contents(stack) == before
    assert sorted(listed(stack)) == ["flipped", "sealed", "short"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_half_made_and_everything_running(stack: Checkout, small_disk: Path) -> None:
    stack.sh("dev", "db", "dd if=/dev/urandom of=/data/big bs=1k count=600 2>/dev/null")
    project = stack.root / "envman.yaml"
    project.write_text(project.read_text() + f"snapshots: {small_disk}\n")
    done = stack.run("snapshot", "create", "dev", "--name", "full", status=1)
    assert "error[EV645]: snapshot full could not be written: no space left on device" in done.err
    assert list((small_disk / "dev").iterdir()) == []
    assert state_of(stack) == "running"
    # Nothing is deleted either where the snapshot before it cannot be taken.
    stack.run("down", "dev", "--volumes", "--yes", status=1)
    assert stack.sh("dev", "db", "cat /data/a") == "one"
    stack.sh("dev", "db", "rm /data/big")
    stack.run("snapshot", "create", "dev", "--name", "full")
    assert list(listed(stack)) == ["full"]


def test_a_snapshot_that_is_killed_at_any_moment_leaves_nothing_behind(stack: Checkout, state: Path) -> None:
    stack.sh("dev", "db", "dd if=/dev/urandom of=/data/big bs=1M count=40 2>/dev/null")
    before = contents(stack)
    seed = secrets.randbits(32)
    moments = random.Random(seed)
    for number in range(3):
        running = stack.start("snapshot", "create", "dev", "--name", f"killed{number}")
        begun = next(state.glob("envman/*")) / "copying" / "dev.json"
        await_true(lambda begun=begun, running=running: begun.exists() or running.poll() is not None)  # type: ignore[misc]
        time.sleep(moments.uniform(0, 1.2))
        running.kill()
        running.communicate()
        names = listed(stack)
        assert not any(names.values()), f"seed {seed}"
        for name in names:
            stack.run("snapshot", "show", "dev", name, "--verify")
    stack.run("stop", "staging", status=None)
    stack.run("restart", "dev")
    assert state_of(stack) == "running", f"seed {seed}"
    assert helpers(stack, state) == "", f"seed {seed}"
    assert not list(shelf(state).glob(".*")), f"seed {seed}"
    assert not list(next(state.glob("envman/*")).glob("pipe-*")), f"seed {seed}"
    assert contents(stack) == before


@pytest.mark.parametrize("tcp", [False, True], ids=["socket", "tcp"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "termination"])
def test_an_interrupt_while_data_streams_ends_it_at_once(
    stack: Checkout, state: Path, number: signal.Signals, tcp: bool
) -> None:
    # Takes no room, and longer to read than anybody waits.
    stack.sh("dev", "db", "truncate -s 200G /data/holes")
    with Relay(tcp=tcp) as relay:
        stack.environ["DOCKER_HOST"] = relay.host
        running = stack.start("snapshot", "create", "dev", "--name", "cut")
        archive = shelf(state) / ".unfinished-cut" / "data.tar.zst"
        await_true(lambda: running.poll() is not None or (archive.exists() and archive.stat().st_size > 0))
        running.send_signal(number)
        _, said = running.communicate(timeout=30)
    del stack.environ["DOCKER_HOST"]
    assert running.returncode == 130, said
    assert "interrupted" in said
    assert state_of(stack) == "running"
    assert helpers(stack, state) == ""
    assert listed(stack) == {}
    assert not list(shelf(state).glob(".*"))


def test_an_engine_that_goes_away_leaves_nothing_paused_for_good(stack: Checkout, state: Path) -> None:
    stack.sh("dev", "db", "dd if=/dev/urandom of=/data/big bs=1M count=40 2>/dev/null")
    copying = next(state.glob("envman/*")) / "copying" / "dev.json"
    with Relay() as relay:
        stack.environ["DOCKER_HOST"] = relay.host
        running = stack.start("snapshot", "create", "dev", "--name", "cut")
        await_true(lambda: running.poll() is not None or state_of(stack) == "paused")
        relay.cut()
        _, said = running.communicate()
    del stack.environ["DOCKER_HOST"]
    assert running.returncode == 3, said
    assert "error[EV408]" in said
    assert json.loads(copying.read_text())["record"]["held"]
    assert listed(stack) == {}
    stack.run("snapshot", "create", "dev", "--name", "whole")
    assert state_of(stack) == "running"
    assert helpers(stack, state) == ""
    assert not copying.exists()
    assert listed(stack) == {"whole": False}


def test_a_restore_that_is_killed_is_named_and_can_be_repeated(stack: Checkout, state: Path) -> None:
    stack.sh("dev", "db", "dd if=/dev/urandom of=/data/big bs=1M count=20 2>/dev/null")
    before = contents(stack)
    stack.run("snapshot", "create", "dev", "--name", "good")
    stack.sh("dev", "db", "echo new >/data/new")
    running = stack.start("snapshot", "restore", "dev", "good", "--yes")
    copying = next(state.glob("envman/*")) / "copying" / "dev.json"

    def refilling() -> bool:
        assert running.poll() is None
        return copying.exists() and bool(json.loads(copying.read_text())["record"]["refilling"])

    await_true(refilling)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()

    done = stack.run("up", "dev", status=1)
    assert "`restore dev` was interrupted (refilling from good; repeat it, or `envman snapshot restore dev " in done.err
    assert f"error[EV650]: {stack.name}-dev_data of dev is not whole: restoring it was interrupted" in done.err
    assert "`envman snapshot restore dev good` repeats it" in done.err
    safety = json.loads(copying.read_text())["record"]["safety"]
    assert "error[EV650]" in stack.run("snapshot", "delete", "dev", safety, "--yes", status=1).err
    again = stack.run("--format", "json", "snapshot", "restore", "dev", "good", "--yes").json
    assert again["safety_snapshot"] == safety
    assert contents(stack) == before
    assert state_of(stack) == "running"
    assert helpers(stack, state) == ""
    stack.run("snapshot", "restore", "dev", safety, "--yes", "--no-snapshot")
    assert stack.sh("dev", "db", "cat /data/new") == "new"


STUBBORN = """
services:
  db: {image: busybox:1.37, command: [sleep, infinity], stop_grace_period: 5s, volumes: ['data:/data']}
volumes: {data: {}}
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_was_being_stopped_for_a_restore_runs_again(checkout: Checkout, state: Path, number: int) -> None:
    """The engine goes on with a stop, whoever asked for it: what still runs by then is about to end."""
    checkout.write(dev=STUBBORN).run("up", "dev")
    checkout.sh("dev", "db", "echo old >/data/file")
    checkout.run("snapshot", "create", "dev", "--name", "good")
    checkout.sh("dev", "db", "echo new >/data/file")
    container = f"{checkout.name}-dev-db-1"
    wanted = ["--filter", f"container={container}", "--filter", "event=kill", "--format", "{{.Action}}"]
    bounds = ["--since", str(time.time()), "--until", str(time.time() + 60)]
    with subprocess.Popen(["docker", "events", *wanted, *bounds], stdout=subprocess.PIPE, text=True) as events:
        assert events.stdout is not None
        running = checkout.start("snapshot", "restore", "dev", "good", "--yes")
        assert events.stdout.readline() == "kill\n"
        running.send_signal(number)
        events.terminate()
    running.communicate(timeout=60)
    assert running.returncode == (130 if number == signal.SIGINT else -number)
    checkout.run("up", "dev")
    began, ended = docker("inspect", "--format", "{{.State.StartedAt}} {{.State.FinishedAt}}", container).split()
    assert began > ended > "2000"
    assert state_of(checkout) == "running"
    assert checkout.sh("dev", "db", "cat /data/file") == "new"


def test_what_is_just_being_started_is_held_as_well(checkout: Checkout, state: Path) -> None:
    """Nothing writes to a volume while it is copied, also if the engine says only later that it runs."""
    text = DATA.replace("volumes: ['data:/data']", f"volumes: ['data:/data'], ports: [{MANY_PORTS}]")
    checkout.write(dev=text).run("up", "dev")
    container = f"{checkout.name}-dev-db-1"
    docker("stop", container)
    with subprocess.Popen(["docker", "start", container], stdout=subprocess.DEVNULL) as start:
        await_true(lambda: starting(container))
        made = checkout.run("--format", "json", "snapshot", "create", "dev", "--name", "good").json
    assert start.returncode == 0
    assert [one["consistency"] for one in made["volumes"]] == ["db paused"]


HOOKED = f"""
services:
  db: {SLEEPER[:-1]}, volumes: ['data:/data']}}
  api:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    volumes: ['notes:/notes']
    snapshot:
      command: [cat, /notes/n]
      restore: [sh, -c, 'cat >/notes/n; echo read it >&2; ! grep -q poison /notes/n']
volumes: {{data: {{}}, notes: {{}}}}
"""


def test_a_hook_stands_for_its_volumes_and_a_restore_that_fails_is_undone(checkout: Checkout, state: Path) -> None:
    checkout.write(dev=HOOKED).run("up", "dev")
    checkout.sh("dev", "db", "echo old >/data/a")
    checkout.sh("dev", "api", "echo poison >/notes/n; echo not dumped >/notes/other")
    made = checkout.run("--format", "json", "snapshot", "create", "dev", "--name", "poisoned").json
    assert [(one["key"], one["dump"]) for one in made["volumes"]] == [("notes", "api"), ("data", "")]
    checkout.sh("dev", "api", "echo fine >/notes/n")
    checkout.run("snapshot", "create", "dev", "--name", "fine")
    checkout.sh("dev", "db", "echo new >/data/a")
    checkout.sh("dev", "api", "echo newer >/notes/n")

    done = checkout.run("snapshot", "restore", "dev", "poisoned", "--yes", status=1)
    assert "error[EV648]: snapshot poisoned could not be restored; dev has the data that it had" in done.err
    assert "error[EV647]: the snapshot hook of api ended with 1" in done.err
    assert "read it" in done.err
    assert checkout.sh("dev", "db", "cat /data/a") == "new"
    assert checkout.sh("dev", "api", "cat /notes/n") == "newer"

    checkout.run("snapshot", "restore", "dev", "fine", "--yes")
    assert checkout.sh("dev", "db", "cat /data/a") == "old"
    assert checkout.sh("dev", "api", "cat /notes/n /notes/other") == "fine\nnot dumped"
    checkout.sh("dev", "api", "rm /notes/n")
    failed = checkout.run("snapshot", "create", "dev", "--name", "none", status=1)
    assert "error[EV647]" in failed.err
    assert "none" not in listed(checkout)
    checkout.run("stop", "dev", "api")
    assert "error[EV608]" in checkout.run("snapshot", "restore", "dev", "fine", "--yes", status=1).err
    # What is stopped has nothing to dump with, and its files are consistent.
    stopped = checkout.run("--format", "json", "snapshot", "create", "dev", "--volume", "notes").json
    assert [one["consistency"] for one in stopped["volumes"]] == ["nothing was running"]


def set_immutable(volume: str, path: str, *, on: bool) -> bool:
    """Set or clear what `chattr +i` sets; return whether the file system can."""
    program = (
        "import fcntl, os, sys\n"
        f"file = os.open('/v/{path}', os.O_RDONLY)\n"
        "flags = bytearray(8)\n"
        "fcntl.ioctl(file, 0x80086601, flags)\n"
        f"flags[0] = flags[0] & ~0x10 | {0x10 if on else 0}\n"
        "fcntl.ioctl(file, 0x40086602, flags)\n"
        "print('done')\n"
    )
    options = ("--rm", "--user", "0", "--cap-add", "LINUX_IMMUTABLE", "--volume", f"{volume}:/v")
    return docker("run", *options, "python:3.13-slim", "python3", "-c", program, check=False) == "done"


def test_a_volume_that_cannot_be_emptied_leaves_the_services_stopped_and_says_how_to_go_on(
    stack: Checkout, state: Path
) -> None:
    stack.run("snapshot", "create", "dev", "--name", "good")
    before = contents(stack)
    if not set_immutable(f"{stack.name}-dev_data", "d/deep/f", on=True):
        pytest.skip("the file system knows no immutable files")
    done = stack.run("snapshot", "restore", "dev", "good", "--yes", status=3)
    assert "error[EV649]: snapshot good could not be restored, nor what was there before" in done.err
    assert "error[EV646]: volume " in done.err
    assert "the services stay stopped; `envman snapshot restore dev before-restore-" in done.err
    assert state_of(stack) == "exited"
    set_immutable(f"{stack.name}-dev_data", "d/deep/f", on=False)
    stack.run("snapshot", "restore", "dev", "good", "--yes")
    assert contents(stack) == before
    assert state_of(stack) == "running"


def test_a_volume_is_seeded_into_another_environment_and_comes_back_after_down(stack: Checkout, state: Path) -> None:
    stack.write(staging=DATA, other=DATA.replace("data", "elsewhere"))
    before = contents(stack)
    done = stack.run("down", "dev", "--volumes", "--yes")
    name = next(iter(listed(stack)))
    assert name.startswith("before-down-")
    assert done.out == (
        f"dev is down; deleted: {stack.name}-dev_data\n"
        f"snapshot {name} has their data: `envman snapshot restore dev {name}`\n"
    )
    assert stack.volumes("dev") == []
    stack.run("snapshot", "restore", "dev", name, "--yes")
    assert listed(stack) == {name: False}  # there was nothing to keep
    stack.run("up", "dev")
    assert contents(stack) == before
    stack.run("snapshot", "restore", "dev", name, "--into", "staging", "--yes")
    stack.run("up", "staging")
    assert contents(stack, "staging") == before
    wrong = stack.run("snapshot", "restore", "dev", name, "--into", "other", "--yes", status=1)
    assert "error[EV652]" in wrong.err
    stack.run("down", "staging", "--volumes", "--yes", "--no-snapshot")
    assert listed(stack) == {name: False}


def test_protected_ephemeral_and_external_volumes(checkout: Checkout, state: Path) -> None:
    external = f"{checkout.name}-outside"
    docker("volume", "create", external)
    volumes = f"volumes: {{data: {{retain: protected}}, cache: {{retain: ephemeral}}, ext: {{external: true, name: {external}}}}}\n"
    mounts = "['data:/data', 'cache:/cache', 'ext:/ext']"
    text = f"services: {{db: {SLEEPER[:-1]}, volumes: {mounts}}}}}\n{volumes}"
    try:
        checkout.write(dev=text, scratch=DATA.replace("{}", "{retain: ephemeral}")).run("up", "dev")
        checkout.run("up", "scratch")
        made = checkout.run("--format", "json", "snapshot", "create", "dev", "--name", "one").json
        assert [one["key"] for one in made["volumes"]] == ["data"]
        for key in ("ext", "dta"):
            assert "error[EV642]" in checkout.run("snapshot", "create", "dev", "--volume", key, status=1).err
        checkout.run("snapshot", "restore", "dev", "one", "--yes", status=1)
        checkout.run("snapshot", "delete", "dev", "one", "--yes", status=1)
        checkout.run("snapshot", "restore", "dev", "one", "--confirm", "dev")
        checkout.run("down", "dev", "--volumes", "--yes", status=1)
        assert "error[EV651]" in checkout.run("snapshot", "create", "scratch", status=1).err
        gone = checkout.run("down", "scratch", "--volumes")
        assert gone.out == f"scratch is down; deleted: {checkout.name}-scratch_data\n"
        for name in ("two", "three"):
            checkout.run("snapshot", "create", "dev", "--live", "--name", name)
        assert "error[EV641]" in checkout.run("snapshot", "create", "dev", "--name", "two", status=1).err
        checkout.run("snapshot", "prune", "dev", "--keep", "1", "--confirm", "dev")
        assert listed(checkout) == {"three": False}
        checkout.run("snapshot", "delete", "dev", "three", "--confirm", "dev")
        assert checkout.run("snapshot", "list").out == "no snapshots\n"
    finally:
        remove_project(checkout.name)
        docker("volume", "rm", external)


def test_a_volume_that_others_use_is_not_restored(stack: Checkout) -> None:
    stack.run("snapshot", "create", "dev", "--name", "one")
    other = f"{stack.name}-other"
    docker(
        "run",
        "--detach",
        "--init",
        "--name",
        other,
        "--volume",
        f"{stack.name}-dev_data:/d",
        "busybox:1.37",
        "sleep",
        "60",
    )
    try:
        assert f"{other} may write while this copies" in stack.run("snapshot", "create", "dev").err
        done = stack.run("snapshot", "restore", "dev", "one", "--yes", status=1)
        assert f"error[EV653]: {other} mounts {stack.name}-dev_data too" in done.err
        assert state_of(stack) == "running"
        docker("pause", other)
        assert "may write" not in stack.run("snapshot", "create", "dev").err
        assert "error[EV653]" in stack.run("snapshot", "restore", "dev", "one", "--yes", status=1).err
    finally:
        docker("rm", "--force", other)


def test_what_somebody_paused_does_not_go_on_with_other_data_below_it(stack: Checkout) -> None:
    container = f"{stack.name}-dev-db-1"
    before = contents(stack)
    stack.run("snapshot", "create", "dev", "--name", "one")
    stack.sh("dev", "db", "rm -r /data/d")
    docker("pause", container)
    stack.run("snapshot", "create", "dev", "--name", "two")
    assert state_of(stack) == "paused", "it did not write: it stays as somebody wanted it"
    stack.run("snapshot", "restore", "dev", "one", "--yes")
    began, ended = docker("inspect", "--format", "{{.State.StartedAt}} {{.State.FinishedAt}}", container).split()
    assert began > ended > "2000"
    assert contents(stack) == before


@pytest.fixture
def bare_image(tmp_path: Path) -> Iterator[str]:
    """An image with one program and nothing else: no shell, no tar."""
    name = f"t{secrets.token_hex(4)}:1"
    container = docker("create", "busybox:1.37")
    docker("cp", f"{container}:/bin/busybox", str(tmp_path / "busybox"))
    docker("rm", container)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(tmp_path / "busybox", "sleep")
    subprocess.run(["docker", "import", "-", name], input=archive.getvalue(), check=True, capture_output=True)
    yield name
    docker("rmi", "--force", name)


def test_an_image_without_a_shell_will_do(checkout: Checkout, state: Path, bare_image: str) -> None:
    service = f"{{image: '{bare_image}', command: [/sleep, infinity], stop_grace_period: 0s, volumes: ['data:/data']}}"
    checkout.write(dev=f"services: {{db: {service}}}\nvolumes: {{data: {{}}}}\n").run("up", "dev")
    volume = f"{checkout.name}-dev_data"

    def inside(command: str) -> str:
        return docker("run", "--rm", "--volume", f"{volume}:/data", "busybox:1.37", "sh", "-c", command)

    try:
        inside(FILL)
        before = inside(LOOK).splitlines()[:-1]
        made = checkout.run("--format", "json", "snapshot", "create", "dev", "--name", "one").json
        assert made["volumes"][0]["way"] == "the engine's archive"
        inside("cd /data && rm -r d && echo file >d && rm .hidden/bytes && echo new >.hidden/new")
        checkout.run("snapshot", "restore", "dev", "one", "--yes")
        assert inside(LOOK).splitlines()[:-1] == before
        inside("echo stray >/data/stray")
        done = checkout.run("snapshot", "restore", "dev", "one", "--yes", status=1)
        assert "error[EV644]: volume data holds stray, which the snapshot does not have" in done.err
        assert inside("cat /data/stray") == "stray"
        assert state_of(checkout) == "running"
    finally:
        remove_project(checkout.name)


@pytest.fixture
def tcp_engine() -> Iterator[str]:
    """The engine behind a TCP port on loopback."""
    path = engine_socket()
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(path)
            back = threading.Thread(target=pump, args=(server, client))
            back.start()
            pump(client, server)
            back.join()

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(client,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in (accepting, *threads):
        thread.join(10)


def test_an_engine_that_shares_no_files_will_do(checkout: Checkout, state: Path, tcp_engine: str) -> None:
    checkout.environ["DOCKER_HOST"] = tcp_engine
    checkout.write(dev=HOOKED).run("up", "dev")
    checkout.sh("dev", "db", FILL)
    checkout.sh("dev", "api", "echo kept >/notes/n")
    before = contents(checkout)
    checkout.run("snapshot", "create", "dev", "--name", "one")
    checkout.sh("dev", "db", "rm -r /data/d /data/a")
    checkout.sh("dev", "api", "echo lost >/notes/n")
    checkout.run("snapshot", "restore", "dev", "one", "--yes")
    assert contents(checkout) == before
    assert checkout.sh("dev", "api", "cat /notes/n") == "kept"
