"""git's trees as plain values: path to entry; read from, and written into, a repository's objects."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from envman.template.git import line, run_git
from envman.template.pristine import Files, write_files

_PLAIN: Final = "100644"
_EXECUTABLE: Final = "100755"


class Entry(NamedTuple):
    """A file in a tree: its mode, as git writes it, and the ID of its content."""

    mode: str
    id: str


Entries = Mapping[str, Entry]


def read_tree(tree: str, folder: Path, environ: Mapping[str, str] | None = None) -> dict[str, Entry]:
    """Return the entries of all of ``tree``.

    Raises:
        GitError: where git refuses.
        EnvmanError: EV704 where there is no git.
    """
    entries = {}
    for one in run_git("ls-tree", "-r", "-z", "--full-tree", tree, folder=folder, environ=environ).split(b"\0"):
        if one:
            about, _, path = one.partition(b"\t")
            mode, _, content = about.decode("ascii").split(" ")
            entries[os.fsdecode(path)] = Entry(mode, content)
    return entries


def write_tree(entries: Entries, folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """Write a tree of ``entries`` into the repository of ``folder``, and return its ID.

    Raises:
        GitError: where git refuses.
        EnvmanError: EV704 where there is no git.
    """
    with tempfile.TemporaryDirectory(prefix="envman-index.") as work:
        own = {**(environ or {}), "GIT_INDEX_FILE": str(Path(work) / "index")}
        lines = [os.fsencode(f"{entry.mode} {entry.id}\t{path}\0") for path, entry in entries.items()]
        run_git("update-index", "-z", "--index-info", folder=folder, environ=own, stdin=b"".join(lines))
        return line(run_git("write-tree", folder=folder, environ=own))


def store(files: Files, folder: Path, environ: Mapping[str, str] | None = None) -> dict[str, Entry]:
    """Write the contents of ``files`` into the repository of ``folder``, as they are, and return their entries.

    Raises:
        GitError: where git refuses.
        EnvmanError: EV704 where there is no git.
    """
    with tempfile.TemporaryDirectory(prefix="envman-files.") as work:
        write_files(Path(work), files)
        names = "".join(f"{work}/{path}\n" for path in files)
        made = run_git(
            "hash-object", "-w", "--no-filters", "--stdin-paths", folder=folder, environ=environ, stdin=names.encode()
        )
    return {
        path: Entry(_EXECUTABLE if file.executable else _PLAIN, content)
        for (path, file), content in zip(files.items(), made.decode("ascii").split(), strict=True)
    }
