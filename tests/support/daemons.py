"""Daemons that tests start: none of them outlives the tests, however these end."""

from __future__ import annotations

import shutil


def ends_with_us(*argv: str) -> list[str]:
    """Return the command line with which a daemon is asked to end when this process is gone, even if it was killed."""
    return ["setpriv", "--pdeathsig", "TERM", *argv] if shutil.which("setpriv") else list(argv)
