"""Progress for a person: lines that stay for what is done, and on a terminal one line for what is waited for."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Sequence
from typing import TextIO

from envman.operations.progress import Waiting
from envman.output.style import Style


class LineProgress:
    """Writes to ``stream``; on a terminal the last line tells what is waited for and is drawn over."""

    def __init__(self, stream: TextIO, style: Style, *, verbose: bool = True) -> None:
        self.stream = stream
        self.style = style
        self.verbose = verbose
        self.live = stream.isatty()
        self._began = time.monotonic()
        self._drawn = False
        self._last = ""

    @property
    def keeps_lines(self) -> bool:
        """Whether lines stay: on a terminal each is drawn over by the next."""
        return self.verbose and not self.live

    def _clear(self) -> None:
        if self._drawn:
            self.stream.write("\r\x1b[2K")
            self._drawn = False

    def _write(self, text: str) -> None:
        # A terminal that has gone is no reason to leave an operation half done.
        with contextlib.suppress(OSError):
            self._clear()
            self.stream.write(text + "\n")
            self.stream.flush()

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns
        with contextlib.suppress(OSError):
            self._clear()
            self.stream.write(self.style.dim(text[: width - 1]))
            self.stream.flush()
            self._drawn = True

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._began:.1f} s"

    def step(self, text: str) -> None:
        """Write what begins."""
        self._began = time.monotonic()
        self._write(f"{self.style.bold('==>')} {text}")

    def line(self, text: str) -> None:
        """Write a line of another program's output; on a terminal only the latest is seen."""
        if not text.strip():
            return
        if self.live:
            self._draw(f"    {text}")
        elif self.verbose:
            self._write(f"    {text}")

    def ready(self, service: str, state: str) -> None:
        """Write that a service is ready, and after how long."""
        self._write(f"    {self.style.good('✓')} {service} {state} ({self._elapsed()})")

    def waiting(self, services: Sequence[Waiting]) -> None:
        """Show what is waited for: on a terminal with the seconds that it takes, elsewhere where it changes."""
        text = ", ".join(f"{one.service} ({one.state})" for one in services)
        if not text:
            return
        # Behind a long list of services the seconds would be cut off.
        seconds = f"{time.monotonic() - self._began:.0f} s  " if self.live else ""
        line = f"    {seconds}waiting for {text}"
        if line == self._last and (self._drawn or not self.live):
            return
        self._last = line
        if self.live:
            self._draw(line)
        else:
            self._write(line)

    def notice(self, text: str) -> None:
        """Write a remark."""
        self._write(f"    {self.style.dim('-')} {text}")

    def warning(self, text: str) -> None:
        """Write what may have to be acted on."""
        self._write(f"    {self.style.warning('!')} {text}")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._clear()
        self.stream.flush()
