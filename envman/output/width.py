"""Text on a terminal: how wide it is, and nothing in it that the terminal would obey."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Control characters, and those that turn the direction of writing (https://trojansource.codes).
_COMMANDS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# What programs colour their output with.
_COLOURS: Final = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")
_WIDE: Final = frozenset("WF")
_WIDTHLESS: Final = frozenset({"Mn", "Me", "Cf"})


def columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.category(character) in _WIDTHLESS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def padded(text: str, width: int) -> str:
    """Return ``text`` with spaces behind it, up to ``width`` columns."""
    return text + " " * (width - columns(text))


def one_line(text: str) -> str:
    r"""Return ``text`` on one line and without orders: every control character is written out, as in ``\n``."""
    return _COMMANDS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def same_length(text: str) -> str:
    """Return ``text`` with a replacement character for each control character but the tab: places in it stay."""
    return _COMMANDS.sub(lambda match: match[0] if match[0] == "\t" else "\N{REPLACEMENT CHARACTER}", text)


def colourless(text: str) -> str:
    """Return another program's line without its colours, and with what else it would command replaced."""
    return same_length(_COLOURS.sub("", text))
