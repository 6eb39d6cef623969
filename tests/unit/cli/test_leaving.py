"""How the process ends: with its status, its output written, and what registered itself for the end called."""

from __future__ import annotations

import subprocess
import sys

import pytest

AT_EXIT = "import atexit; atexit.register(lambda: print('left')); "
THREAD = (
    "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('joined', flush=True))).start(); "
)
MAIN = "from envman.cli.main import main; main({arguments!r})"


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--version"], 0), (["nonsense"], 2), (["-C", "/nonexistent", "render", "dev"], 1)]
)
def test_the_status_reaches_the_caller(arguments: list[str], status: int) -> None:
    done = python(MAIN.format(arguments=arguments))
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert done.stdout or done.stderr


def test_what_waits_for_the_end_is_called() -> None:
    done = python(AT_EXIT + MAIN.format(arguments=["--version"]))
    assert done.stdout.splitlines()[-1] == "left"


def test_what_is_to_go_on_after_a_hang_up_goes_on() -> None:
    asked = "import atexit, signal; atexit.register(lambda: print(signal.getsignal(signal.SIGHUP).name)); "
    ignored = "signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    done = python(asked + ignored + MAIN.format(arguments=["--version"]))
    assert done.stdout.splitlines()[-1] == "SIG_IGN"


def test_threads_are_waited_for() -> None:
    done = python(THREAD + MAIN.format(arguments=["--version"]))
    assert "joined" in done.stdout.splitlines()


def test_output_that_goes_nowhere_is_no_traceback() -> None:
    program = f"{sys.executable} -m envman --help | true"
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ["--version", "--format json schema"])
def test_a_full_disk_under_the_output_is_no_bug(arguments: str) -> None:
    program = f"{sys.executable} -m envman {arguments} > /dev/full"
    full = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert full.returncode == 1
    said = "error[EV008]: standard output: no space left on device\n  = help: make room where it goes"
    assert full.stderr.strip() == said
