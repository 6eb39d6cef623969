"""Plain data to YAML that every reader of YAML 1.1 and 1.2 understands alike.

Every string is quoted, because which bare words are numbers or booleans differs between readers (``1e3``, ``0o17``,
``08``, ``on``). PyYAML's dumper leaves some of them bare, and is ten times slower than this.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

_BARE_KEY: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
# Words that some reader of YAML takes for a boolean or null.
_NOT_BARE: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
# JSON leaves these as they are, YAML does not allow or would fold them.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def quote(text: str) -> str:
    """Return ``text`` as a double-quoted YAML scalar on one line."""
    quoted = json.dumps(text, ensure_ascii=False)
    if _UNSAFE.search(quoted):
        return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
    return quoted


def write_key(text: str) -> str:
    """Return ``text`` as a mapping key: bare where no reader could mistake it."""
    if _BARE_KEY.fullmatch(text) and text.lower() not in _NOT_BARE:
        return text
    return quote(text)


def write_scalar(value: Any) -> str:
    """Return a scalar as YAML: strings quoted, numbers and booleans bare."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return repr(value)


def write_yaml(data: dict[str, Any]) -> str:
    """Return ``data`` (dicts, lists and scalars) as block-style YAML, keys in their order."""
    if not data:
        return "{}\n"
    lines: list[str] = []
    _mapping(data, "", lines)
    return "\n".join(lines) + "\n"


def _mapping(data: dict[str, Any], indent: str, lines: list[str]) -> None:
    for key, value in data.items():
        written = write_key(key)
        if isinstance(value, dict) and value:
            lines.append(f"{indent}{written}:")
            _mapping(value, indent + "  ", lines)
        elif isinstance(value, list) and value:
            lines.append(f"{indent}{written}:")
            _sequence(value, indent + "  ", lines)
        else:
            lines.append(f"{indent}{written}: {_inline(value)}")


def _sequence(items: list[Any], indent: str, lines: list[str]) -> None:
    for item in items:
        if isinstance(item, dict | list) and item:
            nested: list[str] = []
            if isinstance(item, dict):
                _mapping(item, indent + "  ", nested)
            else:
                _sequence(item, indent + "  ", nested)
            nested[0] = f"{indent}- {nested[0].lstrip(' ')}"
            lines.extend(nested)
        else:
            lines.append(f"{indent}- {_inline(item)}")


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return write_scalar(value)
