"""One envman at a time changes a checkout's stacks."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from envman.diagnostics.diagnostic import fail

_held: list[int] = []


@contextmanager
def exclusive(state: Path, what: str, *, wait: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the checkout's lock for the body; ``what`` names the command for whoever waits.

    The kernel drops the lock with the process, so a killed envman leaves none behind. ``waiting`` is told once who
    holds it; after ``wait`` seconds this gives up.

    Raises:
        EnvmanError: EV506 with the holder.
    """
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, wait, waiting)
        _held.append(descriptor)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{what} (pid {os.getpid()})".encode(), 0)
            yield
            os.ftruncate(descriptor, 0)
        finally:
            _held.remove(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def held_descriptors() -> tuple[int, ...]:
    """Return the descriptors of the locks that this process holds.

    A process that changes stacks on envman's behalf inherits them: if envman is killed, the lock is held until that
    process has ended too, so that nobody works on a stack beside it.
    """
    return tuple(_held)


def _acquire(descriptor: int, wait: float, waiting: Callable[[str], None]) -> None:
    deadline = time.monotonic() + wait
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another envman"
            if time.monotonic() >= deadline:
                raise fail(
                    "EV506", f"{holder} is at work on this checkout", help="wait until it has ended, then try again"
                ) from None
            if not told:
                waiting(holder)
                told = True
            time.sleep(0.05)
        else:
            return
