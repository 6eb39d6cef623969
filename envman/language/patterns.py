"""Whether a value matches a user's regular expression, decided in bounded time.

Python's engine backtracks: ``(a+)+`` on a short text can take longer than anybody waits, and a match cannot be given a
limit. Patterns that cannot do that are matched here; the rest in a process of its own, which is ended.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import Final

PATIENCE: Final = 1.0
# Without a repeated group and with so few repetitions, a text of this length takes milliseconds at worst.
_SHORT: Final = 256
_MOST_REPETITIONS: Final = 2
_REPETITION: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:[*+{]|(?<!\()\?)")
_REPEATED_GROUP: Final = re.compile(r"\)[*+?{]|\\[1-9]|\(\?P=")
_PROGRAM: Final = """
import json, re, sys
pattern, text = json.load(sys.stdin)
sys.exit(0 if re.fullmatch(pattern, text) else 1)
"""


class TooSlowError(Exception):
    """The pattern did not come to an end on this text."""


def matches(pattern: str, text: str) -> bool:
    """Return whether ``pattern`` matches the whole of ``text``.

    Raises:
        TooSlowError: where that takes longer than ``PATIENCE``.
    """
    if is_quick(pattern) and len(text) <= _SHORT:
        return re.fullmatch(pattern, text) is not None
    found = _apart(pattern, text)
    if found is None:
        raise TooSlowError(pattern)
    return found


@lru_cache(maxsize=256)
def _apart(pattern: str, text: str) -> bool | None:
    """Return whether it matches, or None where that took too long. Environments that inherit it ask once."""
    import json
    import subprocess  # 4 ms, and hardly ever wanted

    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps([pattern, text]).encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return None if done.returncode not in {0, 1} or done.stderr else done.returncode == 0


def is_quick(pattern: str) -> bool:
    """Return whether ``pattern`` has no repeated group, no reference back and few repetitions."""
    return _REPEATED_GROUP.search(pattern) is None and len(_REPETITION.findall(pattern)) <= _MOST_REPETITIONS
