"""Anonymous volumes that a recreation would orphan: copied first, and brought back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from stacks import Checkout, docker
from struck import argv

QUICK = "image: busybox:1.37, init: true, stop_grace_period: 0s, command: [sleep, infinity]"
BEFORE = f"services: {{db: {{{QUICK}, volumes: [/old]}}}}\n"
WITHOUT = f"services: {{db: {{{QUICK}}}}}\n"
EVERY = "{{range .Mounts}}{{println .Name}}{{end}}"
NAMED = f"services: {{db: {{{QUICK}, volumes: ['data:/old']}}}}\nvolumes: {{data: {{}}}}\n"


@pytest.fixture
def checkout(checkout: Checkout, tmp_path: Path) -> Checkout:
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    return checkout


def snapshots(checkout: Checkout) -> list[str]:
    return sorted(path.name for path in Path(checkout.environ["XDG_STATE_HOME"]).glob("envman/*/snapshots/*/*"))


def copied(checkout: Checkout, name: str) -> list[str]:
    [manifest] = Path(checkout.environ["XDG_STATE_HOME"]).glob(f"envman/*/snapshots/*/{name}/manifest.json")
    return [one["key"] for one in json.loads(manifest.read_text())["volumes"]]


def remove(volumes: list[str]) -> None:
    if volumes:
        docker("volume", "rm", *volumes)


def anonymous(checkout: Checkout, environment: str = "dev") -> str:
    form = '{{range .Mounts}}{{if eq .Destination "/old"}}{{.Name}}{{end}}{{end}}'
    return docker("inspect", "--format", form, f"{checkout.name}-{environment}-db-1")


def test_what_up_leaves_behind_is_copied_first_and_comes_back_where_a_volume_is_then(checkout: Checkout) -> None:
    checkout.write(dev=BEFORE).run("up", "dev")
    left = [anonymous(checkout)]
    try:
        checkout.sh("dev", "db", "echo precious >/old/file && chown 70:71 /old/file")
        checkout.run("up", "dev", "--recreate")
        assert (anonymous(checkout), snapshots(checkout)) == (left[0], []), "Compose hands it on"

        checkout.write(dev=WITHOUT)
        said = f"leaves anonymous volume {left[0][:12]} of /old behind, after a snapshot of what was written there"
        assert said in checkout.run("plan", "dev").out
        done = checkout.run("up", "dev")
        [name] = snapshots(checkout)
        assert name.startswith("before-up-")
        assert f"snapshot {name} was taken first; `--no-snapshot` does without" in done.err
        assert f"snapshot {name} has the anonymous volumes that were left behind" in done.out
        assert f"db:/old ({left[0]})" in checkout.run("snapshot", "show", "dev", name, "--verify").out
        refused = checkout.run("snapshot", "restore", "dev", name, "--yes", status=1).err
        assert "error[EV652]" in refused
        assert "`volumes: [db-data:/old]`" in refused

        checkout.write(dev=NAMED).run("up", "dev")
        checkout.run("snapshot", "restore", "dev", name, "--yes")
        assert checkout.sh("dev", "db", "cat /old/file; stat -c %u:%g /old/file") == "precious\n70:71"
    finally:
        remove(left)


def test_it_comes_back_into_an_anonymous_volume_too_and_no_snapshot_does_without(checkout: Checkout) -> None:
    checkout.write(dev=BEFORE).run("up", "dev")
    left = [anonymous(checkout)]
    try:
        checkout.sh("dev", "db", "echo precious >/old/file")
        checkout.write(dev=WITHOUT).run("up", "dev")
        [name] = snapshots(checkout)
        checkout.write(dev=BEFORE).run("up", "dev")
        left.append(anonymous(checkout))
        assert checkout.sh("dev", "db", "ls /old") == "", "a new one"
        done = checkout.run("--format", "json", "snapshot", "restore", "dev", name, "--yes").json
        assert done["volumes"] == ["db:/old"]
        assert checkout.sh("dev", "db", "cat /old/file") == "precious"
        assert anonymous(checkout) == left[1], "refilled in place"
        before = snapshots(checkout)
        checkout.write(dev=WITHOUT).run("up", "dev", "--no-snapshot")
        assert snapshots(checkout) == before
    finally:
        remove(left)


def test_down_with_volumes_copies_them_and_a_restore_says_what_has_no_place_yet(checkout: Checkout) -> None:
    both = NAMED.replace("'data:/old'", "'data:/data', /old")
    checkout.write(dev=both).run("up", "dev")
    checkout.sh("dev", "db", "echo one >/data/file && echo two >/old/file")
    checkout.run("down", "dev", "--volumes", "--yes")
    [name] = snapshots(checkout)
    done = checkout.run("snapshot", "restore", "dev", name, "--yes")
    assert "db:/old is left out: db has no volume at /old now" in done.err
    checkout.run("up", "dev")
    assert checkout.sh("dev", "db", "cat /data/file; ls /old") == "one"
    checkout.run("snapshot", "restore", "dev", name, "--yes")
    assert checkout.sh("dev", "db", "cat /data/file /old/file") == "one\ntwo"


def test_rm_and_down_copy_what_was_written_where_nothing_leads_to_then(checkout: Checkout) -> None:
    # The image has something in /var, and nothing in /old.
    services = {"db": "[/old, /var]", "web": "[/old]", "idle": "[/old, /var]"}
    checkout.write(
        dev=f"services: {{{', '.join(f'{name}: {{{QUICK}, volumes: {at}}}' for name, at in services.items())}}}\n"
    )
    left: list[str] = []

    def up() -> None:
        checkout.run("up", "dev")
        left.extend(docker("inspect", "--format", EVERY, *checkout.container_ids("dev")).split())
        assert len(set(left)) == len(left)

    try:
        up()
        for service in ("db", "web"):
            checkout.sh("dev", service, f"echo precious >/old/{service}")
        checkout.run("rm", "dev", "web", "--stop", "--no-snapshot")
        checkout.run("rm", "dev", "idle", "--stop")
        assert snapshots(checkout) == [], "no copy is wanted of the one, and nothing was written by the other"
        done = checkout.run("rm", "dev", "--stop")
        [first] = snapshots(checkout)
        assert first.startswith("before-rm-")
        assert f"snapshot {first} was taken first; `--no-snapshot` does without" in done.err
        assert f"snapshot {first} has the anonymous volumes that were left behind" in done.out
        assert copied(checkout, first) == ["db:/old"], "all of /var is in the image"

        up()
        checkout.run("snapshot", "restore", "dev", first, "--yes", "--no-snapshot")
        assert checkout.sh("dev", "db", "ls /old; touch /var/more") == "db"
        second = checkout.run("--format", "json", "down", "dev").json["snapshot"]
        assert second.startswith("before-down-")
        assert copied(checkout, second) == ["db:/old", "db:/var"]
        assert snapshots(checkout) == [second, first]
        assert checkout.containers("dev") == []
    finally:
        remove(left)


def test_a_switch_copies_what_its_target_leaves_behind_and_no_snapshot_outlives_a_kill(checkout: Checkout) -> None:
    checkout.write(dev=BEFORE, qa=BEFORE).run("up", "qa")
    left = [anonymous(checkout, "qa")]
    try:
        checkout.sh("qa", "db", "echo precious >/old/file")
        checkout.run("stop", "qa")
        checkout.run("up", "dev")
        left.append(anonymous(checkout, "dev"))
        checkout.sh("dev", "db", "echo precious >/old/file")
        checkout.write(dev=NAMED, qa=NAMED)
        result = checkout.run("--format", "json", "switch", "qa", "--from", "dev").json
        assert result["target_snapshot"].startswith("before-switch-")
        assert result["snapshot"] is None
        checkout.run("snapshot", "restore", "qa", result["target_snapshot"], "--yes")
        assert checkout.sh("qa", "db", "cat /old/file") == "precious"

        before = snapshots(checkout)
        killed = argv(signal.SIGKILL, 1, "after", *checkout.argv("switch", "dev", "--no-snapshot")[3:])
        done = subprocess.run(killed, capture_output=True, check=False, env={**os.environ, **checkout.environ})
        assert done.returncode == -signal.SIGKILL
        assert checkout.run("--format", "json", "switch", "--resume").json["target_snapshot"] is None
        assert snapshots(checkout) == before
        assert docker("volume", "ls", "--quiet", "--filter", f"name={left[1]}") == left[1]
    finally:
        remove(left)


def test_data_that_an_image_keeps_in_an_anonymous_volume_is_said(checkout: Checkout) -> None:
    checkout.write(
        dev="""
        services:
          db:
            image: postgres:17
            entrypoint: [sleep, infinity]
            init: true
            stop_grace_period: 0s
            volumes: ["pgdata:/var/lib/postgresql"]
        volumes: {pgdata: {}}
        """
    )
    where = "/var/lib/postgresql/data"
    said = (
        f"warning[EV333]: db keeps {where} in an anonymous volume: image postgres:17 declares one there; "
        "pgdata, mounted at /var/lib/postgresql, does not hold it"
    )
    for command in ("plan", "up", "plan"):
        done = checkout.run(command, "dev").err
        assert said in done
        assert "blueprints/dev.yaml:8:" in done
    assert "EV333" not in checkout.run("up", "dev").err, "nothing was made"
    assert json.loads(checkout.run("--format", "json", "snapshot", "create", "dev").out)["result"]["left_out"] == []
    checkout.sh("dev", "db", f"echo precious >{where}/file")
    left = f"left out: what db has at {where} in an anonymous volume"
    assert left in checkout.run("snapshot", "create", "dev").out
    checkout.run("down", "dev", "--volumes", "--yes")


def test_a_snapshot_names_folders_that_it_does_not_hold(checkout: Checkout) -> None:
    checkout.write(
        dev="""\
        services:
          db:
            image: busybox:1.37
            volumes: ["./data:/data", "./src:/src", "./conf:/conf:ro", "./gone:/gone", "/run:/host", "./f.yaml:/f"]
        """
    )
    for file in ("data/rows", "src/main.py", "conf/a", "f.yaml"):
        (checkout.root / file).parent.mkdir(exist_ok=True)
        (checkout.root / file).write_text("x")
    for arguments in (("init", "-q"), ("add", "src")):
        subprocess.run(["git", "-C", str(checkout.root), *arguments], check=True)
    refused = checkout.run("snapshot", "create", "dev", status=1).err
    assert "error[EV651]: dev has no data to take a snapshot of" in refused
    assert "left out: what db writes to ./data: a folder of the engine's machine, not a volume; copy it" in refused
    assert refused.count("left out") == 1
