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
