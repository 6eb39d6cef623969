"""Colours and weights, or none: decided once, by terminal and ``NO_COLOR``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TextIO

# Lines of source are cut here where nobody knows the terminal's width.
WIDEST: Final = 160
# Without what ends a sentence or a quotation around it.
_URL: Final = re.compile(r"\bhttps?://[^\s\x1b`'\"<>|]*[^\s\x1b`'\"<>|.,:;!?)\]}]")


@dataclass(frozen=True, slots=True)
class Style:
    """Paints text where ``colour`` is on, and says how wide a line may be."""

    colour: bool
    width: int = WIDEST

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def linked(self, text: str) -> str:
        """Return ``text`` with its URLs as links that a terminal opens (OSC 8), where escapes are wanted at all."""
        return (
            _URL.sub(lambda found: f"\x1b]8;;{found[0]}\x1b\\{found[0]}\x1b]8;;\x1b\\", text) if self.colour else text
        )

    def error(self, text: str) -> str:
        """Return ``text`` as an error."""
        return self._paint(text, "1;31")

    def warning(self, text: str) -> str:
        """Return ``text`` as a warning."""
        return self._paint(text, "1;33")

    def good(self, text: str) -> str:
        """Return ``text`` as a success."""
        return self._paint(text, "1;32")

    def bold(self, text: str) -> str:
        """Return ``text`` in bold."""
        return self._paint(text, "1")

    def dim(self, text: str) -> str:
        """Return ``text`` in the background."""
        return self._paint(text, "2")


def style_for(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """Return the style for ``stream``: colours on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    is_terminal = stream.isatty()
    width = _columns(stream) if is_terminal else WIDEST
    if environ.get("NO_COLOR"):
        return Style(colour=False, width=width)
    if environ.get("FORCE_COLOR"):
        return Style(colour=True, width=width)
    return Style(colour=is_terminal and environ.get("TERM") != "dumb", width=width)


def _columns(stream: TextIO) -> int:
    try:
        return max(40, min(WIDEST, os.get_terminal_size(stream.fileno()).columns or WIDEST))
    except OSError:
        return WIDEST
