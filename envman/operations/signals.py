"""Interrupts while something must not be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_NUMBERS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


class Interrupts:
    """The first signal interrupts; from then on, or from ``defer`` on, signals are kept until the end."""

    def __init__(self) -> None:
        self.deferred = False
        self.kept = False

    def defer(self) -> None:
        """Let nothing be interrupted from here on."""
        self.deferred = True

    def handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take a signal."""
        if self.deferred:
            self.kept = True
            return
        self.deferred = True
        raise KeyboardInterrupt


@contextmanager
def interrupted_once() -> Iterator[Interrupts]:
    """Let SIGINT, SIGTERM and SIGHUP interrupt the body once, so that what undoes it is not interrupted too.

    Raises:
        KeyboardInterrupt: in the body, or at its end for a signal that came while they were deferred.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    # Whoever started this may have it ignore some: `nohup` does, and a script that does not wait for it.
    heard = [number for number in _NUMBERS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupts.handle) for number in heard}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupts.kept:
        raise KeyboardInterrupt
