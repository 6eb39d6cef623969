"""What a run of benchmarks has in common: its folder, its processes' environment, the two programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

_SCRIPT: Final = Path(sys.executable).with_name("envman")
# What a user starts: the installed script where there is one.
ENVMAN: Final = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "envman"]
COMPOSE: Final = ["docker", "compose"]
# What would change the meaning of a command, or keep Python from having the bytecode that an installation has.
_DROPPED: Final = ("COMPOSE_", "ENVMAN_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
DOWN: Final = ["down", "--timeout", "0"]


class Bench:
    """A folder for the projects of one run, and the environment that all processes get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.environ: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)},
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(self.cache),
            "NO_COLOR": "1",
        }

    def call(self, *command: str, directory: Path) -> None:
        """Run a command that is not timed."""
        done = subprocess.run(
            command, cwd=directory, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()}")

    def forget(self, root: Path) -> Callable[[], None]:
        """Return what removes everything that envman could know of ``root`` from a run before."""

        def prepare() -> None:
            shutil.rmtree(self.cache, ignore_errors=True)
            shutil.rmtree(root / ".envman" / "dev", ignore_errors=True)

        return prepare
