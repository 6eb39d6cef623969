from __future__ import annotations

import io

import pytest

from envman.output.style import Style, style_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "colour"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
    ],
)
def test_colours_on_a_terminal_unless_somebody_objects(
    stream: io.StringIO, environ: dict[str, str], colour: bool
) -> None:
    assert style_for(stream, environ).colour is colour


def test_paint() -> None:
    assert Style(colour=True).error("x") == "\x1b[1;31mx\x1b[0m"
    assert Style(colour=True).error("") == ""
    assert Style(colour=False).error("x") == "x"


def test_urls_are_links_where_escapes_are_wanted() -> None:
    text = "dev is up\n  api http  http://localhost:1/a?b=c, see (https://docs.example/x)."
    link = "\x1b]8;;http://localhost:1/a?b=c\x1b\\http://localhost:1/a?b=c\x1b]8;;\x1b\\,"
    linked = Style(colour=True).linked(text)
    assert link in linked
    assert linked.endswith("\x1b\\https://docs.example/x\x1b]8;;\x1b\\).")
    assert Style(colour=False).linked(text) == text
