"""Renaming environments and projects: all data comes along, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from stacks import Checkout, docker, remove_project
from struck import argv

QUICK = "image: busybox:1.37, init: true, stop_grace_period: 0s, command: [sleep, infinity]"
STACK = f"""
services:
  db:
    {{{QUICK}, volumes: ['data:/data'], secrets: [key],
     ports: [{{name: tcp, target: 80, published: auto, host_ip: 127.0.0.1}}]}}
  web: {{{QUICK}, depends_on: [db], volumes: ['models:/m']}}
secrets: {{key: {{source: generate}}}}
volumes: {{data: {{}}, models: {{}}}}
"""


@pytest.fixture
def checkout(checkout: Checkout, tmp_path: Path) -> Checkout:
    checkout.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    return checkout


def filled(checkout: Checkout) -> Checkout:
    checkout.write(dev=STACK).run("up", "dev")
    checkout.sh("dev", "db", "echo precious >/data/file && chown 70:71 /data/file && ln /data/file /data/link")
    return checkout


def known(checkout: Checkout, environment: str) -> tuple[str, str, str]:
    """Return what must come along: the data, the secret and the port."""
    return (
        checkout.sh(environment, "db", "cat /data/link; stat -c %u:%g:%h /data/file"),
        checkout.run("secrets", "show", environment, "key").out,
        checkout.run("port", environment, "db", "tcp").out,
    )


def test_an_environment_comes_along_with_all_that_it_has(checkout: Checkout) -> None:
    before = known(filled(checkout), "dev")
    assert before[0] == "precious\n70:71:2"
    checkout.run("snapshot", "create", "dev", "--name", "kept")
    checkout.run("use", "dev")
    (checkout.root / ".env.dev").write_text("A=1\n")
    shown = checkout.run("rename", "dev", "store", "--dry-run").out
    assert f"volume {checkout.name}-dev_data -> {checkout.name}-store_data (copied and compared: " in shown
    assert f"stop {checkout.name}-dev-db-1" in shown
    assert "file blueprints/dev.yaml -> blueprints/store.yaml" in shown
    assert len(checkout.containers("dev", everything=False)) == 2, "nothing was changed"
    done = checkout.run("rename", "dev", "store")
    assert "`envman up store` brings it up again" in done.out
    assert checkout.containers("dev") == []
    assert sorted(checkout.volumes("dev")) == [f"{checkout.name}-dev_data", f"{checkout.name}-dev_models"]
    assert (checkout.root / ".env.store").read_text() == "A=1\n"
    # The volumes are taken for Compose's own, and the chosen environment is the new one.
    checkout.run("up")
    assert known(checkout, "store") == before
    assert "nothing to do" in checkout.run("plan").out
    assert "kept" in checkout.run("snapshot", "list", "store").out
    refused = checkout.run("rename", "store", "dev", status=1).err
    assert "error[EV016]: dev has containers, volumes or networks" in refused
    checkout.run("down", "dev", "--volumes", "--no-snapshot", "--yes")
    assert checkout.volumes("dev") == []


def test_a_project_comes_along_whoever_changed_its_name_first(checkout: Checkout) -> None:
    before = known(filled(checkout), "dev")
    old, new, last = checkout.name, f"{checkout.name}-b", f"{checkout.name}-c"
    try:
        (checkout.root / "envman.yaml").write_text(f"name: {new}\nlanguage: 1\n")
        said = checkout.run("plan", "dev").err
        assert f"warning[EV015]: this checkout has a stack {old}/dev, an older name of dev" in said
        assert f"`envman rename --project {new} --from {old}`" in said
        assert f"{old}/dev" in checkout.run("status").out
        checkout.run("stop", f"{old}/dev")
        assert checkout.containers("dev", everything=False) == []
        checkout.run("rename", "--project", new, "--remove-volumes")
        assert checkout.volumes("dev") == []
        checkout.run("up", "dev")
        checkout.name = new
        assert known(checkout, "dev") == before
        # And the other way about: the command changes the file.
        (checkout.root / "envman.yaml").write_text(f"# ours\nname: {new} # the name\nlanguage: 1\n")
        checkout.run("rename", "--project", last)
        assert (checkout.root / "envman.yaml").read_text() == f"# ours\nname: {last} # the name\nlanguage: 1\n"
        checkout.run("up", "dev")
        checkout.name = last
        assert known(checkout, "dev") == before
    finally:
        for name in (new, last):
            remove_project(name)


@pytest.mark.parametrize(
    ("change", "way"),
    # When records and files have moved, and at the end.
    [(6, "abort"), (7, "again")],
)
def test_a_rename_that_is_killed_is_repeated_or_taken_back(checkout: Checkout, change: int, way: str) -> None:
    before = known(filled(checkout), "dev")
    ids = checkout.container_ids("dev")
    killed(checkout, change, "rename", "dev", "store")
    assert "warning[EV017]: renaming dev to store was interrupted" in checkout.run("status").err
    name = "dev" if (checkout.root / "blueprints/dev.yaml").exists() else "store"
    assert "error[EV017]" in checkout.run("up", name, status=1).err
    if way == "abort":
        # Volumes are removed by then, and it is not recorded that all has ended.
        killed(checkout, 2, "rename", "--abort")
        checkout.run("rename", "--abort")
        assert checkout.container_ids("dev") == ids
        assert checkout.volumes("store") == []
        assert known(checkout, "dev") == before
        # While the second volume is copied, and then while that is taken back.
        killed(checkout, 4, "rename", "dev", "store", "--remove-volumes")
        killed(checkout, 2, "rename", "--abort")
    checkout.run("rename", "dev", "store")
    checkout.run("up", "store")
    assert known(checkout, "store") == before


def killed(checkout: Checkout, change: int, *arguments: str) -> None:
    words = argv(signal.SIGKILL, change, "before", "--directory", str(checkout.root), *arguments)
    done = subprocess.run(words, check=False, capture_output=True, env={**os.environ, **checkout.environ}, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_what_cannot_be_renamed_is_refused_and_a_failed_copy_is_taken_back(checkout: Checkout) -> None:
    fixed = f"services: {{db: {{{QUICK}, volumes: ['data:/d']}}}}\nvolumes: {{data: {{name: {checkout.name}-own}}}}\n"
    checkout.write(dev=fixed, child=f"extends: dev\nservices: {{web: {{{QUICK}}}}}\n").run("up", "dev")
    refused = checkout.run("rename", "dev", "store", status=1).err
    assert f"error[EV016]: volume {checkout.name}-own of dev has a name of its own" in refused
    assert "error[EV016]: child extends dev" in refused
    assert "blueprints/child.yaml:1:" in refused
    assert len(checkout.containers("dev", everything=False)) == 1
    assert 'error[EV003]: there is no environment "dve"' in checkout.run("rename", "dve", "store", status=1).err
    # Somebody else writes to a volume: nothing was stopped, and nothing of it is left.
    other = f"services: {{db: {{{QUICK}, volumes: ['data:/d']}}}}\nvolumes: {{data: {{}}}}\n"
    checkout.write(other=other).run("up", "other")
    writer = ["run", "--detach", "--rm", "--volume", f"{checkout.name}-other_data:/d", "busybox:1.37", "sleep", "600"]
    foreign = docker(*writer)
    try:
        assert "error[EV653]" in checkout.run("rename", "other", "store", status=1).err
    finally:
        docker("rm", "--force", foreign)
    assert len(checkout.containers("other", everything=False)) == 1
    assert checkout.volumes("store") == []
    assert "EV017" not in checkout.run("status").err
