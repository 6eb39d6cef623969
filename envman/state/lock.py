"""One envman at a time changes a checkout's stacks."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.source.files import explain_os_error

_PID: Final = re.compile(r"\(pid (\d+)\)$")
_UNNAMED: Final = "another envman (or the Compose of a killed one)"
# Those who wait for the lock have a file each in this folder of the state, named in the order of their coming.
_LINE: Final = "waiting"
_PAUSE: Final = 0.05
# Seconds after which somebody who waits is told again what for.
_REMIND: Final = 30


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
    for nothing. First come, first served. ``waiting`` is told who holds it, at once and every 30 seconds; after
    ``wait`` seconds this gives up.
    An ``inherited`` lock is among the ``held_descriptors``.

    Raises:
        EnvmanError: EV506 with the holder, EV510 where the file cannot be used.
    """
    try:
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise fail("EV510", f"{state / 'lock'} cannot be used: {explain_os_error(error)}") from None
    try:
        _acquire(state, descriptor, wait, waiting)
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
        os.pwrite(descriptor, os.fsencode(text), 0)


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


def _acquire(state: Path, descriptor: int, wait: float, waiting: Callable[[str], None]) -> None:
    """Take the lock, after everybody who waited for it before.

    Raises:
        EnvmanError: EV506 after ``wait`` seconds.
    """
    began = told = time.monotonic()
    if not _line(state) and _locked(descriptor):
        return
    with _place_in_line(state) if wait > 0 else nullcontext() as place:
        while True:
            before = _line(state, place)
            if not before and _locked(descriptor):
                return
            now = time.monotonic()
            holder = _holder(descriptor)
            if now >= began + wait:
                waited = f", and has been for {now - began:.0f} s" if wait >= 1 else ""
                raise fail(
                    "EV506",
                    f"{holder} is at work on this checkout{waited}",
                    help="wait until it has ended, then try again; without `--fail-if-busy` the command waits for it",
                )
            if told == began or now >= told + _REMIND:
                ahead = f"{holder}, and {before} before this command" if before else holder
                waiting(ahead if told == began else f"{ahead} ({now - began:.0f} s)")
                told = now
            time.sleep(_PAUSE)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _place_in_line(state: Path) -> Iterator[Path]:
    """Yield the file that stands for this process among those who wait, locked while it does."""
    folder = state / _LINE
    folder.mkdir(mode=0o700, exist_ok=True)
    # One clock for all processes of a machine, and nobody sets it.
    name = f"{time.monotonic_ns():020d}-{os.getpid()}"
    hidden, place = folder / f".{name}", folder / name
    descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Seen by others only when it is locked: what is not locked is left from a process that has ended.
        hidden.replace(place)
        yield place
    finally:
        for path in (hidden, place):
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _line(state: Path, own: Path | None = None) -> int:
    """Return how many wait, before ``own`` if that is given; remove what processes that have ended left."""
    count = 0
    for place in sorted((state / _LINE).glob("[0-9]*")):
        if place == own:
            break
        try:
            descriptor = os.open(place, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            if _locked(descriptor):
                place.unlink(missing_ok=True)
            else:
                count += 1
        finally:
            os.close(descriptor)
    return count
