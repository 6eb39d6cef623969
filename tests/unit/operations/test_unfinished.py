"""When `status` warns of a switch: once it was interrupted, and not while it is under way."""

from __future__ import annotations

import os
from pathlib import Path

from envman.operations.status import unfinished_switch
from envman.state.journal import SwitchEntry, record
from envman.state.lock import exclusive

ENTRY = SwitchEntry("switch", "staging", "stopping", "dev")


def test_nothing_is_said_without_a_record(tmp_path: Path) -> None:
    assert unfinished_switch(tmp_path) == []


def test_a_switch_that_is_under_way_was_not_interrupted(tmp_path: Path) -> None:
    record(tmp_path, ENTRY)
    assert [one.code for one in unfinished_switch(tmp_path)] == ["EV631"]
    with exclusive(tmp_path, f"envman switch staging (pid {os.getpid()})", wait=0, waiting=print):
        assert unfinished_switch(tmp_path) == []
    assert [one.code for one in unfinished_switch(tmp_path)] == ["EV631"]
