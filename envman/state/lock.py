"""One envman at a time changes a checkout's stacks."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.source.files import explain_os_error

_PID: Final = re.compile(r"\(pid (\d+)\)$")
_UNNAMED: Final = "another envman (or the Compose of a killed one)"


def is_held(state: Path) -> bool:
    """Whether an envman is changing this checkout's stacks just now."""
    try:
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


_held: list[int] = []


@contextmanager
def exclusive(
    state: Path, what: str, *, wait: float, waiting: Callable[[str], None], inherited: bool = False
) -> Iterator[None]:
    """Hold the checkout's lock for the body; ``what`` names the command for whoever waits.

    The kernel drops the lock with the process, so a killed envman leaves none behind; what the file says then counts
    for nothing. ``waiting`` is told once who holds it; after ``wait`` seconds this gives up.
    An ``inherited`` lock is among the ``held_descriptors``.

    Raises:
        EnvmanError: EV506 with the holder, EV510 where the file cannot be used.
    """
    try:
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise fail("EV510", f"{state / 'lock'} cannot be used: {explain_os_error(error)}") from None
    try:
        _acquire(descriptor, wait, waiting)
        if inherited:
            _held.append(descriptor)
        try:
            _name_holder(descriptor, f"{what} (pid {os.getpid()})")
            yield
            _name_holder(descriptor, "")
        finally:
            if inherited:
                _held.remove(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def held_descriptors() -> tuple[int, ...]:
    """Return the descriptors of the locks that this process holds and lets others inherit.

    A process that changes stacks on envman's behalf inherits them: if envman is killed, the lock is held until that
    process has ended too, so that nobody works on a stack beside it.
    """
    return tuple(_held)


def _name_holder(descriptor: int, text: str) -> None:
    # Only a courtesy to those who wait: a full disk is no reason to stop.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def _holder(descriptor: int) -> str:
    """Return who says to hold the lock, unless that process has ended: then somebody else has it, or its children."""
    text = os.pread(descriptor, 200, 0).decode(errors="replace")
    match = _PID.search(text)
    if match is None:
        return "another envman"
    # It has taken the lock and not written its name yet; or this was killed, and what it started is not done yet.
    return text if is_alive(int(match[1])) else _UNNAMED


def is_alive(process: int) -> bool:
    """Whether there is a process with that ID, whoever's it is."""
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _acquire(descriptor: int, wait: float, waiting: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            if time.monotonic() >= deadline:
                raise fail(
                    "EV506",
                    f"{holder} is at work on this checkout",
                    help="wait until it has ended, then try again; without `--no-wait` the command waits for it",
                ) from None
            if not told:
                waiting(holder)
                told = True
            time.sleep(0.05)
        else:
            return
