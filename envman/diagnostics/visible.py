"""Text of strangers, made safe to show: a name in a file must not drive the reader's terminal."""

from __future__ import annotations

import re
from typing import Final

# Controls (escape sequences begin with one), lone surrogates (no encoding has them), and what turns the direction of
# writing or cannot be seen. Tabs too: whoever wants one expands it first.
_HIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
_NAMED: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str) -> str:
    r"""Return ``text`` with every character that does not show itself written as an escape such as ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    number = ord(character)
    return _NAMED.get(character) or (f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}")


def shortened(text: str, most: int) -> str:
    """Return ``text``, its middle left out where it has more than ``most`` characters."""
    if len(text) <= most:
        return text
    half = (most - 3) // 2
    return f"{text[:half]}...{text[-half:]}"
