"""Paths that a blueprint names, on this machine. A blueprint may name anything, so nothing here raises."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from envman.source.witness import note_unrecorded

# compose-go's remote contexts (`paths/context.go`), and the kinds that BuildKit and Compose tell by a prefix.
_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/|docker-image:|oci-layout:|target:|service:")


def is_elsewhere(path: str) -> bool:
    """Whether ``path``, of a build or an include, names something that is no file or folder of this machine."""
    return _ELSEWHERE.match(path) is not None


def locate(root: Path, path: str) -> Path | None:
    """Return where ``path`` of a blueprint leads, from the project's ``root`` or a home folder, or None: nowhere."""
    if path.startswith("~") and path.partition("/")[0] != "~":
        note_unrecorded(root)  # another user's home: only the system's list of users knows it
    try:
        found = root / Path(path).expanduser()
        os.fsencode(found)
    except (RuntimeError, ValueError):  # no such user; a lone surrogate
        return None
    return None if "\0" in path else found


def status(root: Path, path: str) -> os.stat_result | None:
    """Return what is at ``path``, links followed, or None where nothing is or nobody may look."""
    found = locate(root, path)
    try:
        return found.stat() if found is not None else None
    except OSError:
        return None


def is_anything(path: Path) -> bool:
    """Whether there is anything at ``path``: a link that leads nowhere, too."""
    try:
        path.stat(follow_symlinks=False)
    except (OSError, ValueError):
        return False
    return True


def is_file(path: Path) -> bool:
    """Whether there is a plain file at ``path``. Not ``Path.is_file``: that raises where a name is too long."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False
