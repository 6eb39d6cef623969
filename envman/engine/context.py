"""What a build would send: the files of its contexts, less what `.dockerignore` leaves out, and its own attributes.

`Dockerfile.dockerignore` beside a Dockerfile goes
before `.dockerignore`, as in BuildKit.
Source: https://docs.docker.com/build/concepts/context/#dockerignore-files.
"""

from __future__ import annotations

import hashlib
import stat
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from envman.engine.ignore import Pattern, read_patterns, sent_files
from envman.registry.dockerfile import SYNTAX, SYNTAX_ARGUMENT

# A file that was changed this short a time ago could change again without a new time stamp, so it is read anew.
_SETTLED: Final = 2.0
_CHUNK: Final = 1024 * 1024
# They decide how a build goes about it, not what comes out of it.
_NOT_IN_RESULT: Final = ("cache_from", "cache_to", "no_cache", "no_cache_filter", "pull", "ssh", "secrets", "tags")


@dataclass(frozen=True, slots=True)
class BuildInputs:
    """What an image is made of: the ``build`` section less what cannot change the result, and a hash of every file.

    ``files`` is None where a context is not on this machine. ``pins`` are the images that take the place of those that
    the Dockerfile names.
    """

    definition: Mapping[str, Any]
    files: Mapping[str, str] | None
    pins: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FileHashes:
    """Hashes of files, kept from run to run by path, size, time stamp and inode."""

    known: dict[str, list[Any]] = field(default_factory=dict)
    fresh: dict[str, list[Any]] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """Return the hash of the file, link or folder at ``path``: its content, and whether it can be executed."""
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"link:{path.readlink()}"
        if not stat.S_ISREG(status.st_mode):
            return "folder" if stat.S_ISDIR(status.st_mode) else "special"
        marks = [status.st_size, status.st_mtime_ns, status.st_ino, status.st_mode & 0o111]
        name = str(path)
        entry = self.fresh.get(name) or self.known.get(name)
        if entry is None or entry[:4] != marks:
            entry = [*marks, _hash(path, executable=bool(status.st_mode & 0o111))]
        if time.time() - status.st_mtime > _SETTLED:
            self.fresh[name] = entry
        return str(entry[4])


def _hash(path: Path, *, executable: bool) -> str:
    digest = hashlib.sha256(b"x" if executable else b"-")
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:32]


def build_inputs(build: Mapping[str, Any], root: Path, hashes: FileHashes, pinned: Collection[str] = ()) -> BuildInputs:
    """Return what the build of a rendered ``build`` section is made of; relative contexts lie below ``root``.

    ``pinned`` are those of the additional contexts that stand in no blueprint: images in place of others.
    """
    definition = {key: value for key, value in build.items() if key not in _NOT_IN_RESULT}
    additional = build.get("additional_contexts") or {}
    pins = {name: str(additional[name]) for name in pinned if name in additional}
    if SYNTAX in pinned:
        arguments = dict(build.get("args") or {})
        pins[SYNTAX] = str(arguments.pop(SYNTAX_ARGUMENT, ""))
        definition["args"] = arguments
        if not arguments:
            del definition["args"]
    if pins and additional:
        definition["additional_contexts"] = {name: one for name, one in additional.items() if name not in pins}
        if not definition["additional_contexts"]:
            del definition["additional_contexts"]
    contexts = {"": str(build.get("context") or "."), **additional}
    dockerfile = str(build.get("dockerfile") or "Dockerfile")
    files: dict[str, str] = {}
    for name, context in contexts.items():
        folder = (root / context).expanduser()
        if context.startswith(("service:", "docker-image:", "oci-layout:", "target:")) and name:
            continue
        if not folder.is_dir():
            return BuildInputs(definition, None, pins)
        prefix = f"{name}:" if name else ""
        for path in sorted(_sent(folder, dockerfile if not name else None)):
            try:
                files[prefix + path] = hashes.of(folder / path)
            except OSError:
                continue  # it has gone since the walk, or cannot be read: the build will say so
    return BuildInputs(definition, files, pins)


def _sent(folder: Path, dockerfile: str | None) -> set[str]:
    patterns: list[Pattern] = []
    # Both files are sent beside the context, whatever they say of themselves.
    always = {dockerfile} if dockerfile is not None and (folder / dockerfile).is_file() else set()
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        try:
            patterns = read_patterns((folder / name).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError):
            continue
        always.add(name)
        break
    return {*sent_files(folder, patterns), *always}
