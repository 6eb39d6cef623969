"""What BuildKit says of a build that failed: the instruction, where it stands, and what it wrote. Pure.

Source of the form: ``docker buildx`` 0.17 to 0.29 with ``--progress plain``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from envman.diagnostics import Source, Span

_PLACE: Final = re.compile(r"(?P<file>\S.*):(?P<line>\d+)")
_RULE: Final = re.compile(r"-{10,}")
_MARKED: Final = re.compile(r" *(?P<line>\d+) \| >>> ")
_STEP: Final = re.compile(r" > \[.*\] .*:")
_TIMED: Final = re.compile(r"\d+\.\d+ ")
_FAILED: Final = "failed to solve: "
# What BuildKit was about, before what went wrong.
_ABOUT: Final = re.compile(
    r"(?:failed to compute cache key: )?(?:failed to calculate checksum of ref \S+: )?"
    r"(?:dockerfile parse error on line \d+: )?"
)
_STATUS: Final = re.compile(r'process ".*" did not complete successfully: exit code: (\d+)')


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """The lines of the Dockerfile that failed (``first`` to ``last``), why, and what that step wrote."""

    first: int
    last: int
    reason: str
    output: tuple[str, ...]

    def span(self, dockerfile: Source) -> Span:
        """Return the place of the instruction in ``dockerfile``."""
        start = dockerfile.line(self.first)
        column = len(start) - len(start.lstrip()) + 1
        return Span(dockerfile, self.first, column, self.last, len(dockerfile.line(self.last)) + 1)


def read_failure(text: str) -> BuildFailure | None:
    """Return what the output of a build says of its failure, or None where it names no instruction."""
    lines = text.splitlines()
    places = [
        index
        for index, line in enumerate(lines[:-1])
        if _PLACE.fullmatch(line) and _RULE.fullmatch(lines[index + 1]) is not None
    ]
    reason = next((line.partition(_FAILED)[2] for line in reversed(lines) if _FAILED in line), "")
    if not places or not reason:
        return None
    at = places[-1]
    place = _PLACE.fullmatch(lines[at])
    assert place is not None  # it was found by this
    marked = [int(found["line"]) for line in lines[at:] if (found := _MARKED.match(line)) is not None]
    first = min(marked, default=int(place["line"]))
    return BuildFailure(first, max(marked, default=first), _plain(reason), _output(lines[:at]))


def _plain(reason: str) -> str:
    status = _STATUS.fullmatch(reason)
    return f"exit status {status[1]}" if status else _ABOUT.sub("", reason, count=1)


def _output(lines: Sequence[str]) -> tuple[str, ...]:
    """Return what the step wrote, which stands between its name and a rule."""
    begin = next((index for index in range(len(lines) - 1, -1, -1) if _STEP.fullmatch(lines[index])), None)
    if begin is None:
        return ()
    written = []
    for line in lines[begin + 1 :]:
        if line == "------":
            break
        timed = _TIMED.match(line)
        written.append(line[timed.end() :] if timed else line)
    return tuple(written)
