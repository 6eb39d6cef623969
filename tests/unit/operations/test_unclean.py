"""Data of production that no hook has cleaned gets into no snapshot, whatever takes one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from environments import load

from envman.diagnostics import EnvmanError
from envman.operations.progress import Silent
from envman.operations.sanitizing import cleaned
from envman.operations.snapshots import before
from envman.state.reproductions import Reproduced, write_reproduced


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, text: str) -> None:
        self.said.append(text)

    warning = notice


def test_down_goes_on_without_a_snapshot_and_what_asks_for_one_is_refused(tmp_path: Path) -> None:
    copy = load(tmp_path, dev="services: {db: {image: x}}")
    # Whoever asks an engine here, or writes a snapshot, fails.
    workspace: Any = SimpleNamespace(checkout=SimpleNamespace(state=tmp_path))
    write_reproduced(tmp_path, Reproduced(copy.key, ("shop-dev_data",)))
    heard = Heard()
    assert before(workspace, copy, "down", heard) is None
    assert heard.said == ["no snapshot is taken of shop-dev_data: no hook has cleaned this data"]
    with pytest.raises(EnvmanError) as caught:
        before(workspace, copy, "switch", heard, asked=True)
    assert [one.code for one in caught.value.diagnostics] == ["EV665"]


def test_only_the_hooks_that_reach_a_volume_are_said_to_have_cleaned_it(tmp_path: Path) -> None:
    copy = load(
        tmp_path,
        dev="""
        services:
          db: {image: 'busybox:1.37', volumes: ['data:/d'], sanitize: {command: clean}}
          api: {image: 'busybox:1.37', volumes: ['models:/m', 'data:/d']}
        volumes: {data: {}, models: {}}
        """,
    )
    assert cleaned(copy, ["db"], "data") == ", cleaned by db"
    assert cleaned(copy, ["db"], "models") == ", not cleaned: no service that mounts it has a `sanitize:` hook"
    assert cleaned(copy, [], "data") == ", not cleaned: no service has a `sanitize:` hook"
