"""What is held of every project that the template bakes, however it was baked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def refuse_unclean_python(folder: Path) -> None:
    """Fail where ruff, by the settings of the projects below ``folder``, has anything to say."""
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def pins(lock: str) -> set[tuple[str, str]]:
    """Return the packages of a file of locked requirements, with their versions."""
    return set(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock, re.MULTILINE))
