"""What git says of a project, asked with the one command that knows."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# What git may look at of its environment. Not GIT_DIR and the like: in a hook they mean the hook's own repository.
_PASSED: Final = (
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CEILING_DIRECTORIES",
)
_PATIENCE: Final = 60


class GitError(Exception):
    """Git cannot say; the message says why."""


def ask_git(root: Path, environ: Mapping[str, str], *arguments: str) -> str:
    """Return what a git command, run in ``root``, writes, without the line break at its end.

    Raises:
        GitError: where there is no git, no repository, or git refuses.
    """
    passed = {name: environ[name] for name in _PASSED if name in environ}
    try:
        done = subprocess.run(
            # Looking must not write to the index, which another git may hold.
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            env={**passed, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("there is no git command on PATH") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git did not answer within {_PATIENCE} seconds") from None
    if done.returncode != 0:
        said = done.stderr.strip().partition("\n")[0].removeprefix("fatal: ")
        raise GitError(f"git says: {said}" if said else f"git ended with status {done.returncode}")
    return done.stdout.rstrip("\n")


def describe(root: Path, environ: Mapping[str, str]) -> str:
    """Return the commit as people name it: ``v1.2.0``, ``v1.2.0-3-g0123456789ab``, ``-dirty`` behind what differs.

    The number of digits is fixed: git's own choice depends on how much a clone holds.

    Raises:
        GitError: as ``ask_git``.
    """
    return ask_git(root, environ, "describe", "--tags", "--always", "--dirty", "--abbrev=12")


def holds_data(path: Path, environ: Mapping[str, str]) -> bool | None:
    """Whether a folder that containers may write to holds their data, not a project's files; None: cannot be told."""
    try:
        if not path.exists():
            return not path.suffix  # Compose would make a folder of it
        if not path.is_dir():
            return False
        return not any(path.iterdir()) or not ask_git(path, environ, "ls-files", "--", ".")
    except (OSError, GitError):
        return None
