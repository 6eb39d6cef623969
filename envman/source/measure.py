"""Facts that are measured from many files at once, where a record of every look would be larger than the work.

A measurement is recorded by what was asked for and what came out of it. It holds while measuring again gives the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from envman.source.context import FileHashes, sections_digest
from envman.source.git import GitError, describe
from envman.source.witness import note_measured

# Services share their contexts: each file is read once in a process, while size, time stamp and inode stay.
_HASHES: Final = FileHashes()


def _git(root: Path, environ: Mapping[str, str], question: str) -> str:  # noqa: ARG001
    return describe(root, environ)


def _content(root: Path, environ: Mapping[str, str], question: str) -> str:  # noqa: ARG001
    return sections_digest(json.loads(question), root, _HASHES)


_WAYS: Final[dict[str, Callable[[Path, Mapping[str, str], str], str]]] = {"git": _git, "content": _content}


def measure(root: Path, environ: Mapping[str, str], way: str, question: str = "") -> str:
    """Return what ``way`` (``git``, ``content``) says of the files below ``root``; it goes on the record of ``root``.

    Raises:
        GitError: where git cannot say.
        LookupError: where a build's context is not on this machine.
    """
    found = _WAYS[way](Path(str(root)), environ, question)
    note_measured(root, json.dumps([way, str(root), question]), found)
    return found


def measure_again(name: str, environ: Mapping[str, str]) -> str | None:
    """Return what measuring again gives, for a name on a record; None where it cannot be measured any more."""
    way, root, question = json.loads(name)
    try:
        return _WAYS[way](Path(root), environ, question)
    except (GitError, LookupError):
        return None
