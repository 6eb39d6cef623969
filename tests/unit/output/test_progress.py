from __future__ import annotations

import io

import pytest

from envman.operations.progress import Waiting
from envman.output.progress import LineProgress
from envman.output.style import Style

PLAIN = Style(colour=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO) -> str:
    progress = LineProgress(stream, PLAIN)
    progress.step("bringing dev up")
    progress.line("Step 1")
    progress.line("   ")
    progress.waiting([Waiting("db", "starting"), Waiting("api", "created")])
    progress.waiting([Waiting("db", "starting"), Waiting("api", "created")])
    progress.ready("db", "healthy")
    progress.waiting([])
    progress.notice("generated secret token")
    progress.warning("the tag has moved")
    progress.close()
    return stream.getvalue()


def test_elsewhere_everything_is_a_line() -> None:
    lines = told(io.StringIO()).splitlines()
    assert lines[:3] == ["==> bringing dev up", "    Step 1", "    waiting for db (starting), api (created)"]
    assert lines[3].startswith("    ✓ db healthy (")
    assert lines[4:] == ["    - generated secret token", "    ! the tag has moved"]


def test_on_a_terminal_what_is_waited_for_is_drawn_over_and_gone_at_the_end() -> None:
    screen = [line.rpartition("\r\x1b[2K")[2] for line in told(Terminal()).split("\n")]
    assert screen[0] == "==> bringing dev up"
    assert screen[1].startswith("    ✓ db healthy (")
    assert screen[2:] == ["    - generated secret token", "    ! the tag has moved", ""]


def test_elsewhere_no_terminal_codes_are_written() -> None:
    assert "\x1b" not in told(io.StringIO())
    assert "\r" not in told(io.StringIO())


def test_a_terminal_shows_for_how_long_it_has_been_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("envman.output.progress.time.monotonic", lambda: now[0])
    progress = LineProgress(Terminal(), PLAIN)
    for seconds in (0, 12):
        now[0] = 100.0 + seconds
        progress.waiting([Waiting("db", "starting")])
    assert progress.stream.getvalue().split("\r\x1b[2K") == [  # type: ignore[attr-defined]
        "    0 s  waiting for db (starting)",
        "    12 s  waiting for db (starting)",
    ]
