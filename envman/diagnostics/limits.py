"""How much of a user's input envman reads, and how a user raises that.

The limits keep a hostile or broken file from using up the machine's memory. Depth (levels of nesting, parents and
includes) cannot be raised: each level is a step of recursion.
"""

from __future__ import annotations

import os
from typing import Final

VARIABLE: Final = "ENVMAN_LIMITS"
HELP: Final = f"set {VARIABLE}=10 in the process's environment to allow ten times as much"


def limit(count: int) -> int:
    """Return ``count`` times the whole number in ``ENVMAN_LIMITS``; ``count`` where that is unset or no such number."""
    factor = os.environ.get(VARIABLE, "")
    return count * int(factor) if factor.isascii() and factor.isdigit() and 0 < len(factor) < 7 else count
