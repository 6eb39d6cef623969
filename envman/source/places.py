"""Paths that a blueprint names, on this machine. A blueprint may name anything, so nothing here raises."""

from __future__ import annotations

import os
from pathlib import Path


def locate(root: Path, path: str) -> Path | None:
    """Return where ``path`` of a blueprint leads, from the project's ``root`` or a home folder, or None: nowhere."""
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
