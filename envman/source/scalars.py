"""Plain scalars as Compose reads them.

Compose uses go-yaml v3, which follows the YAML 1.2 core schema with a few older forms of numbers kept: ``on`` and
``yes`` are strings, ``0777`` and ``0o777`` are octal, ``1_000`` is a number, ``22:22`` is a string. PyYAML's own
resolver follows YAML 1.1 and reads several of these as something else.
Source: https://github.com/yaml/go-yaml/blob/v3/resolve.go, and `docker compose config` (tests/unit/source).
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

from envman.source.tree import Value

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
CONSTANTS: Final[dict[str, Value]] = {
    **dict.fromkeys(NULLS),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
# The first characters of what is not a string: most scalars are decided by this look-up alone.
HINTS: Final = frozenset("~nNtTfF.+-0123456789")

_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INTEGERS: Final = (
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
)
_PREFIX: Final = re.compile(r"(?<![0-9])0[bBoOxX]?(?=[0-9a-fA-F])")
# go-yaml's formats of a time, and Compose's schema then refuses the value wherever it knows the key.
_TIME: Final = re.compile(
    r"\d{4}-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d{2}:\d{2})| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?)?"
)
# Go's ParseFloat, which alone decides what starts with a dot: an underscore stands between digits.
_DOTTED: Final = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_SIGNED_64: Final = 2**63
# Of more digits no integer has 64 bits, and Python refuses to read one of thousands.
_MOST_DIGITS: Final = 20
_UNSIGNED_64: Final = 2**64


@lru_cache(maxsize=4096)
def resolve_plain(text: str) -> Value:
    """Return the value of an unquoted scalar."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text[0] == "." and not _DOTTED.fullmatch(text):
        return text
    digits = text.replace("_", "")
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(digits):
            if base == 10 and len(digits.lstrip("+-")) > _MOST_DIGITS:
                break
            number = int(digits if base == 10 else _PREFIX.sub("", digits, count=1), base)
            # Go tries a signed, then an unsigned integer of 64 bits; the latter takes no sign.
            if -_SIGNED_64 <= number < (_SIGNED_64 if digits[0] in "+-" else _UNSIGNED_64):
                return number
            break
    if _FLOAT.fullmatch(digits):
        real = float(digits)
        return real if math.isfinite(real) else text
    return text


def is_time(text: str) -> bool:
    """Whether an unquoted scalar that is a string here is a time to go-yaml."""
    if text[4:5] != "-":
        return False
    match = _TIME.fullmatch(text)
    return match is not None and 1 <= int(match["month"]) <= 12 and 1 <= int(match["day"]) <= 31


def text_of(value: Value) -> str:
    """Return a value as Compose writes it where only text fits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)
