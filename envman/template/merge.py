"""The three-way merge, by git itself, of whole trees: renames, deletions, binary files and modes are as git has them.

It runs in a repository of its own that borrows the project's objects. So it touches no file, index, reference or
setting of the project, and names the sides in its conflict markers as people call them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.template.git import line, run_git
from envman.template.trees import Entries, Entry, read_tree, write_tree

# Who merges is in no commit that anybody gets to see.
_NOBODY: Final = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "envman"), ("EMAIL", "envman@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}
_BASE, _OURS, _THEIRS = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a merge.

    ``entries`` is the tree, with markers where both sides changed the same lines; ``conflicts`` are git's stages
    (1 base, 2 project, 3 template) by path; ``reasons`` is git's word for each of these; ``still_deleted`` are files
    that the template changed and the project had deleted: they are in neither.
    """

    entries: dict[str, Entry]
    conflicts: dict[str, dict[int, Entry]]
    reasons: dict[str, str]
    still_deleted: tuple[str, ...]


def merge(
    base: Entries,
    ours: Entries,
    theirs: Entries,
    *,
    label: str,
    objects: Mapping[str, str],
    format: str,  # noqa: A002 - git's word
) -> Merged:
    """Merge what happened between ``base`` and ``theirs`` into ``ours``.

    ``label`` names theirs in conflict markers. ``objects`` are the variables that tell git where contents lie and new
    ones go; ``format`` is how they are hashed.

    Raises:
        GitError: where git cannot merge.
    """
    with tempfile.TemporaryDirectory(prefix="envman-merge.") as work:
        folder = Path(work)
        run_git("init", "--quiet", "--bare", "--template=", f"--object-format={format}", folder=folder)
        environ = {**objects, "GIT_DIR": work}

        def commit(entries: Entries, *parents: str) -> str:
            tree = write_tree(entries, folder, environ)
            options = [part for parent in parents for part in ("-p", parent)]
            return line(run_git("commit-tree", "-m", "x", *options, tree, folder=folder, environ=environ | _NOBODY))

        root = commit(base)
        for name, entries in (("project", ours), (label, theirs)):
            run_git("update-ref", f"refs/heads/{name}", commit(entries, root), folder=folder, environ=environ)
        said = run_git(
            *("-c", "merge.conflictStyle=diff3", "-c", "merge.renames=true", "-c", "diff.renameLimit=5000"),
            # Files that the user added stay where they are, also where the template renames the folder around them.
            *("-c", "merge.directoryRenames=false"),
            *("merge-tree", "--write-tree", "-z", "project", label),
            folder=folder,
            environ=environ,
            good=(0, 1),
        )
        return _read(said, folder, environ)


def _read(said: bytes, folder: Path, environ: Mapping[str, str]) -> Merged:
    """Return what ``merge-tree -z`` says: git's manual, "OUTPUT" of git-merge-tree."""
    parts = [os.fsdecode(part) for part in said.split(b"\0")]
    entries = read_tree(parts[0], folder, environ)
    conflicts: dict[str, dict[int, Entry]] = {}
    at = 1
    while at < len(parts) and parts[at]:
        about, _, path = parts[at].partition("\t")
        mode, content, stage = about.split(" ")
        conflicts.setdefault(path, {})[int(stage)] = Entry(mode, content)
        at += 1
    reasons = _reasons(parts[at + 1 :])
    still_deleted = tuple(path for path, stages in conflicts.items() if set(stages) == {_BASE, _THEIRS})
    for path in still_deleted:
        del conflicts[path]
        entries.pop(path, None)
    return Merged(entries, conflicts, {path: reasons.get(path, "") for path in conflicts}, still_deleted)


def _reasons(parts: list[str]) -> dict[str, str]:
    """Return the kind of conflict by path: groups of a number, that many paths, a kind, a message."""
    reasons: dict[str, str] = {}
    at = 0
    while at < len(parts) and parts[at].isdigit():
        count = int(parts[at])
        paths, kind = parts[at + 1 : at + 1 + count], parts[at + 1 + count]
        if kind.startswith("CONFLICT ("):
            for path in paths:
                reasons.setdefault(path, kind.removeprefix("CONFLICT (").removesuffix(")"))
        at += count + 3
    return reasons
