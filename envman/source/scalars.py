"""Plain scalars as Compose reads them.

Compose uses go-yaml v3, which follows the YAML 1.2 core schema with a few older forms of numbers kept: ``on`` and
``yes`` are strings, ``0777`` and ``0o777`` are octal, ``1_000`` is a number, ``22:22`` is a string. PyYAML's own
resolver follows YAML 1.1 and reads several of these as something else.
Source: https://github.com/yaml/go-yaml/blob/v3/resolve.go, and `docker compose config` (tests/unit/source).
"""

from __future__ import annotations

import re
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
# The first characters that anything but a string can start with: most scalars are decided by this look-up alone.
HINTS: Final = frozenset("~nNtTfF.+-0123456789")

_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INTEGERS: Final = (
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), 8),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),
)
_SIGNED_64: Final = 2**63
_UNSIGNED_64: Final = 2**64


def resolve_plain(text: str) -> Value:
    """Return the value of an unquoted scalar."""
    if text == "" or (text[0] in HINTS and text in CONSTANTS):
        return CONSTANTS[text]
    if text[0] not in HINTS:
        return text
    return _number(text)


def _number(text: str) -> Value:
    digits = text.replace("_", "")
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(digits):
            number = int(re.sub(r"(?i)^([-+]?)0[bxo]?(?=[0-9a-f])", r"\1", digits), base)
            if -_SIGNED_64 <= number < _UNSIGNED_64:
                return number
            break
    if _FLOAT.fullmatch(digits):
        return float(digits)
    return text
