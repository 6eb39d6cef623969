from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.lock import exclusive, is_held

HOLD = """\
import sys, time
from pathlib import Path
from envman.state.lock import exclusive
with exclusive(Path(sys.argv[1]), "envman up dev", wait=0, waiting=print):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_envman_waits_and_then_says_who_is_at_work(tmp_path: Path) -> None:
    told: list[str] = []
    with exclusive(tmp_path, "up dev", wait=0, waiting=told.append):
        with pytest.raises(EnvmanError) as caught, exclusive(tmp_path, "down dev", wait=0.1, waiting=told.append):
            pass
        (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "EV506"
    assert diagnostic.message.startswith("up dev (pid ")
    assert told == [diagnostic.message.removesuffix(" is at work on this checkout")]


def test_one_that_is_not_to_wait_says_so_at_once(tmp_path: Path) -> None:
    with exclusive(tmp_path, "up dev", wait=0, waiting=pytest.fail):
        began = time.monotonic()
        with pytest.raises(EnvmanError), exclusive(tmp_path, "down dev", wait=0, waiting=pytest.fail):
            pass
        assert time.monotonic() - began < 1


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for what in ("up dev", "down dev"):
        with exclusive(tmp_path, what, wait=0, waiting=pytest.fail):
            assert (tmp_path / "lock").read_text().startswith(what)


def test_whether_somebody_holds_the_lock(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with exclusive(tmp_path, "envman up dev", wait=0, waiting=print):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


TAKE_A_TURN = """\
import sys
from pathlib import Path
from envman.state.lock import exclusive
state, number = Path(sys.argv[1]), sys.argv[2]
with exclusive(state, number, wait=60, waiting=lambda _: print("waits", flush=True)):
    with (state / "order").open("a") as stream:
        stream.write(number + "\\n")
"""


def test_first_come_first_served(tmp_path: Path) -> None:
    processes = []
    with exclusive(tmp_path, "up dev", wait=0, waiting=pytest.fail):
        for number in range(6):
            process = subprocess.Popen(
                [sys.executable, "-c", TAKE_A_TURN, str(tmp_path), str(number)], stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            assert process.stdout.readline() == "waits\n"
            processes.append(process)
        # One that gives up holds up nobody.
        processes[2].kill()
        processes[2].wait()
    for process in processes:
        process.communicate(timeout=60)
    assert (tmp_path / "order").read_text().split() == ["0", "1", "3", "4", "5"]
    assert list((tmp_path / "waiting").iterdir()) == []


def test_nobody_who_comes_later_is_served_first(tmp_path: Path) -> None:
    with exclusive(tmp_path, "up dev", wait=0, waiting=pytest.fail):
        waiter = subprocess.Popen(
            [sys.executable, "-c", TAKE_A_TURN, str(tmp_path), "0"], stdout=subprocess.PIPE, text=True
        )
        assert waiter.stdout is not None
        assert waiter.stdout.readline() == "waits\n"
        os.kill(waiter.pid, signal.SIGSTOP)
    try:
        told: list[str] = []
        with pytest.raises(EnvmanError), exclusive(tmp_path, "down dev", wait=0.2, waiting=told.append):
            pass
        assert told[0].endswith(", and 1 before this command")
    finally:
        os.kill(waiter.pid, signal.SIGCONT)
        waiter.communicate(timeout=60)


def held_elsewhere(state: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(state)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_killed_envman_leaves_no_lock_behind(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / "lock").read_text() == f"envman up dev (pid {process.pid})"
    with exclusive(tmp_path, "down dev", wait=0, waiting=pytest.fail):
        assert (tmp_path / "lock").read_text() == f"down dev (pid {os.getpid()})"


def test_what_a_dead_process_wrote_names_nobody(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with exclusive(tmp_path, "up dev", wait=0, waiting=pytest.fail):
        # As between taking the lock and writing a name into it.
        (tmp_path / "lock").write_text(f"envman up prod (pid {ended.pid})")
        with pytest.raises(EnvmanError) as caught, exclusive(tmp_path, "down dev", wait=0, waiting=pytest.fail):
            pass
    assert caught.value.diagnostics[0].message.startswith("another envman (or the Compose of a killed one) is")


def test_text_in_the_file_alone_locks_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(f"envman up dev (pid {os.getpid()})")
    with exclusive(tmp_path, "down dev", wait=0, waiting=pytest.fail):
        assert (tmp_path / "lock").read_text().startswith("down dev")


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_waiting_goes_by_a_clock_that_nobody_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    real = time.time

    def later() -> float:
        return real() + jump

    def waiting(_: str) -> None:
        monkeypatch.setattr(time, "time", later)

    with exclusive(tmp_path, "up dev", wait=0, waiting=pytest.fail):
        began = time.monotonic()
        with pytest.raises(EnvmanError), exclusive(tmp_path, "down dev", wait=0.2, waiting=waiting):
            pass
    assert 0.2 <= time.monotonic() - began < 5


def test_a_lock_that_cannot_be_made_is_diagnosed(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(EnvmanError) as caught, exclusive(tmp_path, "up dev", wait=0, waiting=pytest.fail):
        pass
    assert caught.value.diagnostics[0].code == "EV510"
