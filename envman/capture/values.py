"""The engine's numbers in the spelling that people use in Compose files."""

from __future__ import annotations

import re
from typing import Any, Final

_UNITS: Final = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"))
_SIZES: Final = ((1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k"))


def duration(nanoseconds: int) -> str:
    """Return a duration: ``90s``, ``1500ms``."""
    if not nanoseconds:
        return "0s"
    size, unit = next((size, unit) for size, unit in _UNITS if nanoseconds % size == 0)
    return f"{nanoseconds // size}{unit}"


def size(amount: int) -> int | str:
    """Return a number of bytes: ``64m`` where it is a whole number of a unit, else the number."""
    for unit, letter in _SIZES:
        if amount > 0 and amount % unit == 0:
            return f"{amount // unit}{letter}"
    return amount


def size_text(amount: int) -> str:
    """Return the same as text, as ``deploy.resources`` wants it."""
    found = size(amount)
    return found if isinstance(found, str) else f"{found}b"


def processors(nano: int) -> float | int:
    """Return a number of processors: 1.5 for 1500000000."""
    return nano // 10**9 if nano % 10**9 == 0 else float(f"{nano / 1e9:.9f}".rstrip("0"))


def only_given(attributes: dict[str, Any]) -> dict[str, Any]:
    """Leave out what nobody set: None, and empty collections and texts."""
    return {key: value for key, value in attributes.items() if value not in (None, "", [], {}, ())}


def identifier(text: str) -> str:
    """Return ``text`` as a name of lower-case letters, digits and ``_``, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"x_{name}".rstrip("_")


def key(text: str) -> str:
    """Return ``text`` as a key of a Compose file; one that begins with ``x-`` would be an extension to Compose."""
    return re.sub(r"^x-", "x_", re.sub(r"[^a-zA-Z0-9._-]", "_", text))
