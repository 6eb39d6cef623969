"""Which files of a folder a build would send: all but what its `.dockerignore` leaves out.

Source: https://docs.docker.com/build/concepts/context/#dockerignore-files, and for what it leaves open the matcher that
BuildKit uses (github.com/moby/patternmatcher). The Docker SDK has one too, behind an import that takes longer.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Pattern(NamedTuple):
    """A line of the file; with ``kept`` what it matches is sent after all."""

    regex: re.Pattern[str]
    kept: bool


def read_patterns(text: str) -> list[Pattern]:
    """Return the patterns of a `.dockerignore`; a line that is no pattern is left out, as the build will say so."""
    patterns = []
    for line in text.splitlines():
        word = "" if line.startswith("#") else line.strip()
        kept = word.startswith("!")
        word = word.removeprefix("!").strip()
        if not word:
            continue
        cleaned = posixpath.normpath(word).lstrip("/")
        try:
            patterns.append(Pattern(re.compile(_regex(cleaned), re.DOTALL), kept))
        except re.error:
            continue
    return patterns


def _regex(pattern: str) -> str:
    parts = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        elif pattern[at] == "*":
            parts.append("[^/]*")
            at += 1
        elif pattern[at] == "?":
            parts.append("[^/]")
            at += 1
        elif pattern[at] == "[" and "]" in pattern[at + 2 :]:
            end = pattern.index("]", at + 2)
            inside = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            parts.append(f"[{inside}]")
            at = end + 1
        else:
            at += 1 if pattern[at] == "\\" and at + 1 < len(pattern) else 0
            parts.append(re.escape(pattern[at]))
            at += 1
    return "".join(parts)


def ignored(path: str, patterns: Sequence[Pattern]) -> bool:
    """Whether ``path`` is left out: the last pattern that matches it, or a folder above it, decides."""
    steps = path.split("/")
    paths = ["/".join(steps[:count]) for count in range(1, len(steps) + 1)]
    found = False
    for pattern in patterns:
        # A pattern that could only say what is known already need not be tried.
        if pattern.kept == found and any(pattern.regex.fullmatch(one) for one in paths):
            found = not pattern.kept
    return found


def sent_files(folder: Path, patterns: Sequence[Pattern]) -> Iterator[str]:
    """Yield the path of every file and link below ``folder`` that is sent. What cannot be read is left out."""
    some_kept = any(pattern.kept for pattern in patterns)
    open_folders = [""]
    while open_folders:
        prefix = open_folders.pop()
        try:
            with os.scandir(folder / prefix) as entries:
                found = [(prefix + one.name, one.is_dir(follow_symlinks=False)) for one in entries]
        except OSError:
            continue
        for path, is_folder in found:
            left_out = bool(patterns) and ignored(path, patterns)
            if is_folder and (some_kept or not left_out):
                open_folders.append(f"{path}/")
            elif not is_folder and not left_out:
                yield path
