"""The record of a switch beside that of other operations, and a lock that outlives a killed envman."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.journal import SWITCH, Entry, SwitchEntry, forget, interrupted, interrupted_switch, journalled, record
from envman.state.lock import exclusive, held_descriptors

ENTRY = SwitchEntry(
    SWITCH, "staging-bob", "stopping the other", "dev-bob", instance="bob", containers={"1": ""}, kept=("2",)
)


def test_a_switch_stays_on_record_while_others_come_and_go(tmp_path: Path) -> None:
    record(tmp_path, ENTRY)
    with journalled(tmp_path, Entry("up", "prod")):
        pass
    assert interrupted(tmp_path) is None
    found = interrupted_switch(tmp_path)
    assert found is not None
    assert (found.kept, found.containers, found.pid) == (("2",), {"1": ""}, os.getpid())
    assert found.describe() == "`switch staging-bob` from dev-bob was interrupted (stopping the other)"
    forget(tmp_path, SWITCH)
    assert interrupted_switch(tmp_path) is None


def test_only_its_owner_may_read_the_record(tmp_path: Path) -> None:
    record(tmp_path, ENTRY)
    assert (tmp_path / "switch.json").stat().st_mode & 0o777 == 0o600


def test_the_lock_is_held_until_what_envman_started_has_ended(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys\nfrom pathlib import Path\n"
        "from envman.state.lock import exclusive, held_descriptors\n"
        "with exclusive(Path(sys.argv[1]), 'envman switch dev', wait=0, waiting=print, inherited=True):\n"
        "    subprocess.Popen(['cat'], pass_fds=held_descriptors())\n"
        "    os._exit(9)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE)
    assert process.wait(timeout=60) == 9
    with (
        pytest.raises(EnvmanError, match="the Compose of a killed one"),
        exclusive(tmp_path, "x", wait=0, waiting=print),
    ):
        pass
    assert process.stdin is not None
    process.stdin.close()
    with exclusive(tmp_path, "x", wait=60, waiting=lambda _: None, inherited=True):
        assert len(held_descriptors()) == 1
    assert held_descriptors() == ()


def test_the_lock_is_given_back_though_what_was_started_still_runs(tmp_path: Path) -> None:
    with exclusive(tmp_path, "x", wait=0, waiting=print, inherited=True):
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=held_descriptors())
    with exclusive(tmp_path, "y", wait=0, waiting=print):
        assert process.poll() is None
    process.communicate(timeout=60)
