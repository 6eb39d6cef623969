from __future__ import annotations

from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.lock import exclusive, is_held


def test_a_second_envman_waits_and_then_says_who_is_at_work(tmp_path: Path) -> None:
    told: list[str] = []
    with exclusive(tmp_path, "up dev", wait=0, waiting=told.append):
        with pytest.raises(EnvmanError) as caught, exclusive(tmp_path, "down dev", wait=0.1, waiting=told.append):
            pass
        (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "EV506"
    assert diagnostic.message.startswith("up dev (pid ")
    assert told == [diagnostic.message.removesuffix(" is at work on this checkout")]


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for what in ("up dev", "down dev"):
        with exclusive(tmp_path, what, wait=0, waiting=pytest.fail):
            assert (tmp_path / "lock").read_text().startswith(what)


def test_whether_somebody_holds_the_lock(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with exclusive(tmp_path, "envman up dev", wait=0, waiting=print):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
