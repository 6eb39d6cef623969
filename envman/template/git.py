"""Running git: with this process's settings, but about the repository that is meant and in words that can be read."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail

# `merge-tree --write-tree` came with 2.38.
NEEDED: Final = (2, 38)
# Set in a hook or an alias, these would turn git to another repository.
_ABOUT_A_REPOSITORY: Final = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
        "GIT_PREFIX",
    }
)


class GitError(Exception):
    """git ended with an error; ``message`` is what it wrote."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"git ended with {status}")
        self.status = status
        self.message = message


def run_git(
    *arguments: str,
    folder: Path | None = None,
    stdin: bytes = b"",
    environ: Mapping[str, str] | None = None,
    good: tuple[int, ...] = (0,),
) -> bytes:
    """Run git in ``folder`` and return what it wrote to standard output.

    Raises:
        GitError: where its exit status is not among ``good``.
        EnvmanError: EV704 where there is no git.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _ABOUT_A_REPOSITORY}
    try:
        done = subprocess.run(
            # No hook of anybody's has a part in this: commits and references are in repositories that do not last.
            ["git", "-c", f"core.hooksPath={os.devnull}", *arguments],
            cwd=folder,
            input=stdin,
            capture_output=True,
            check=False,
            env={**inherited, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(environ or {})},
        )
    except FileNotFoundError:
        raise fail("EV704", "git is not installed", help="install git, of 2.38 or later") from None
    if done.returncode not in good:
        raise GitError(done.returncode, done.stderr.decode("utf-8", "replace"))
    return done.stdout


def line(output: bytes) -> str:
    """Return git's one line of output."""
    return os.fsdecode(output.removesuffix(b"\n"))


def need_git() -> None:
    """Raise EV704 where git is older than envman needs it to be."""
    said = line(run_git("--version"))
    found = re.search(r"(?<!\d)(\d+)\.(\d+)", said)
    if found is not None and (int(found[1]), int(found[2])) < NEEDED:
        raise fail(
            "EV704",
            f"{said} cannot merge without touching the work tree",
            expected="git 2.38 or later",
            help="upgrade git",
        )
