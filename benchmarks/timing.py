"""Two sides of a pair, timed in turn.

A side is a list of commands, run one after the other as whole processes; the clock runs from before the first is
started until the last has been reaped. Both sides get the same environment, their output goes to the same place
(nowhere), and the side that goes first changes with every round, so that neither gains by a machine that speeds up or
slows down. No run is left out but the warm-up, which fills the disk cache for both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeAlias

Command: TypeAlias = Sequence[str]


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Side:
    """Commands that are timed as one, where they run, and what is done before each run, outside the clock.

    With ``read`` the seconds are not the clock's but the sum of what ``read`` makes of each command's output.
    """

    commands: Sequence[Command]
    directory: Path
    prepare: Callable[[], None] = nothing
    read: Callable[[str], float] | None = None


@dataclass(frozen=True)
class Pair:
    """What is compared. ``target`` bounds the ratio of the medians; ``memory`` envman's peak, in MB.

    ``limit`` bounds envman's median in seconds, ``more`` how many it may take beyond the other side's.
    """

    name: str
    title: str
    envman: Side
    compose: Side
    target: float
    memory: float | None = None
    limit: float | None = None
    more: float | None = None


@dataclass
class Series:
    """The runs of one side: seconds, those of all processors, and the most memory that a process of it had, in MB."""

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: float = 0.0

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return median(self.seconds)


@dataclass
class Result:
    """A pair and its runs."""

    pair: Pair
    envman: Series
    compose: Series

    @property
    def ratio(self) -> float:
        """The median of envman's runs as a part of the median of Compose's."""
        return self.envman.median / self.compose.median

    @property
    def best_ratio(self) -> float:
        """The same of the two fastest runs: what is left when nothing else runs on the machine."""
        return min(self.envman.seconds) / min(self.compose.seconds)

    @property
    def processor_ratio(self) -> float:
        """The same of processor time, which a busy machine stretches less."""
        return median(self.envman.processor) / median(self.compose.processor)

    @property
    def holds(self) -> bool:
        """Whether the targets are met."""
        memory, limit, more = self.pair.memory, self.pair.limit, self.pair.more
        return (
            self.ratio <= self.pair.target
            and (memory is None or self.envman.memory < memory)
            and (limit is None or self.envman.median < limit)
            and (more is None or self.envman.median - self.compose.median < more)
        )


def measure(pair: Pair, *, runs: int, environ: Mapping[str, str]) -> Result:
    """Run both sides of ``pair`` ``runs`` times in turn, after one run each that does not count."""
    result = Result(pair, Series(), Series())
    sides = [(pair.envman, result.envman), (pair.compose, result.compose)]
    for side, _ in sides:
        _run(side, environ)
    for number in range(runs):
        for side, series in sides if number % 2 == 0 else reversed(sides):
            seconds, processor, memory = _run(side, environ)
            series.seconds.append(seconds)
            series.processor.append(processor)
            series.memory = max(series.memory, memory)
    return result


def _run(side: Side, environ: Mapping[str, str]) -> tuple[float, float, float]:
    side.prepare()
    peak = 0
    processor = 0.0
    said = 0.0
    start = time.perf_counter()
    for command in side.commands:
        process = subprocess.Popen(
            command,
            cwd=side.directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if side.read is None else subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        output = process.stdout.read() if process.stdout is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        processor += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} in {side.directory} ended with {process.returncode}")
        if side.read is not None:
            said += side.read(output.decode())
    seconds = said if side.read is not None else time.perf_counter() - start
    # Kilobytes on Linux, bytes on macOS.
    return seconds, processor, peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
