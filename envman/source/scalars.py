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
_SIGNED_64: Final = 2**63
_UNSIGNED_64: Final = 2**64


@lru_cache(maxsize=4096)
def resolve_plain(text: str) -> Value:
    """Return the value of an unquoted scalar."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    # Go's ParseFloat, which alone decides what starts with a dot, lets no underscore pass.
    digits = text if text[0] == "." else text.replace("_", "")
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(digits):
            number = int(digits if base == 10 else _PREFIX.sub("", digits, count=1), base)
            # Go tries a signed, then an unsigned integer of 64 bits; the latter takes no sign.
            if -_SIGNED_64 <= number < (_SIGNED_64 if digits[0] in "+-" else _UNSIGNED_64):
                return number
            break
    if _FLOAT.fullmatch(digits):
        real = float(digits)
        return real if math.isfinite(real) else text
    return text
