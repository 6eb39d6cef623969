"""Results as a table and as data, with the machine that they were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.timing import Result, Series


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    return {
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "compose": _compose(),
        "load": " ".join(f"{one:.1f}" for one in os.getloadavg()),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _compose() -> str:
    done = subprocess.run(["docker", "compose", "version", "--short"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def table(results: Iterable[Result]) -> str:
    """Return the results as a Markdown table."""
    header = ["", "envman", "docker compose", "ratio", "of the fastest", "of processor time", "target", ""]
    rows = [header, ["---"] * len(header), *(_row(one) for one in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = []
    for row in rows:
        cells = (cell.ljust(width, "-" if set(cell) == {"-"} else " ") for cell, width in zip(row, widths, strict=True))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _row(result: Result) -> Sequence[str]:
    pair = result.pair
    target = f"{pair.target:g}"
    envman = _spread(result.envman)
    if pair.memory is not None:
        target += f", {pair.memory:g} MB"
        envman += f", {result.envman.memory:.0f} MB"
    if pair.limit is not None:
        target += f", {pair.limit:g} s"
    if pair.more is not None:
        target += f", {pair.more:g} s more"
    ratio, best = f"{result.ratio:.2f}", f"{result.best_ratio:.2f}"
    processor = f"{result.processor_ratio:.2f}"
    verdict = "holds" if result.holds else "MISSED"
    return [pair.title, envman, _spread(result.compose), ratio, best, processor, target, verdict]


def _spread(series: Series) -> str:
    low, middle, high = (f"{1000 * one:.0f}" for one in (min(series.seconds), series.median, max(series.seconds)))
    return f"{middle} ms ({low} to {high})"


def as_data(results: Iterable[Result], about: dict[str, str]) -> dict[str, Any]:
    """Return the results for a program, every single run included."""
    return {
        "machine": about,
        "pairs": [
            {
                "name": one.pair.name,
                "title": one.pair.title,
                "target": one.pair.target,
                "memory_target_mb": one.pair.memory,
                "seconds_target": one.pair.limit,
                "seconds_more_target": one.pair.more,
                "ratio": one.ratio,
                "ratio_of_fastest": one.best_ratio,
                "ratio_of_processor_time": one.processor_ratio,
                "holds": one.holds,
                "envman": asdict(one.envman),
                "compose": asdict(one.compose),
            }
            for one in results
        ],
    }
