"""What a piece of work looked at: every file, folder and process variable, and what it found there.

A result may be used again only while everything that it came from is as it was, and nobody can list by hand what that
is: a check that looks whether a Dockerfile exists, a ``.env`` file that was not there. So the work is given paths and
an environment that keep a record. What looks past them is found by ``tests/unit/source/test_witness.py`` and by the
ban on ``os.path`` that ruff holds everywhere.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

# Nobody keeps a file in the way of a render that is larger; what is, is not remembered.
_LARGEST: Final = 16 * 1024 * 1024
_ABSENT: Final = "absent"


class Witness:
    """Records looks. ``key`` makes digests that say nothing of a value to who does not have it."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.complete = True
        self.contents: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.listings: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.measured: dict[str, str] = {}

    def digest(self, data: bytes) -> str:
        """Return what changes when ``data`` does."""
        return hashlib.blake2b(data, key=self._key, digest_size=16).hexdigest()

    def note(self, record: dict[str, str], name: str, found: str) -> None:
        """Record that ``found`` is what stands at ``name``."""
        if record.setdefault(name, found) != found:
            self.complete = False  # it changed while the work was under way

    def read(self, path: Path, data: bytes) -> None:
        """Record that ``data`` is what ``path`` holds."""
        self.note(self.contents, os.fspath(path), f"{os.path.realpath(path)} {self.digest(data)}")

    def held(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return {
            "contents": self.contents,
            "states": self.states,
            "links": self.links,
            "listings": self.listings,
            "variables": self.variables,
            "measured": self.measured,
        }

    def still_holds(self, held: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
        """Whether looking again, now, would find what ``held`` says.

        Raises:
            OSError, ValueError, LookupError, TypeError: where ``held`` is no record; it does not hold then.
        """
        return (
            all(variable_state(self, environ, name) == found for name, found in held["variables"].items())
            and all(path_state(path) == found for path, found in held["states"].items())
            and all(path_state(path, follow_symlinks=False) == found for path, found in held["links"].items())
            and all(self._content(path) == found for path, found in held["contents"].items())
            and all(self._listing(name) == found for name, found in held["listings"].items())
            and all(self._measured(name, environ) == found for name, found in held["measured"].items())
        )

    def _content(self, path: str) -> str:
        data = read_plain(path)
        return _ABSENT if data is None else f"{os.path.realpath(path)} {self.digest(data)}"

    def _listing(self, name: str) -> str:
        folder, _, pattern = name.rpartition("|")
        return listing(self, Path(folder).glob(pattern))

    def _measured(self, name: str, environ: Mapping[str, str]) -> str:
        from envman.source.measure import measure_again

        found = measure_again(name, environ)
        return _ABSENT if found is None else self.digest(found.encode(*_AS_BYTES))


def read_plain(path: str | Path) -> bytes | None:
    """Return what a plain file holds, or None where there is none; a FIFO is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        parts = []
        while part := os.read(descriptor, _LARGEST):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def path_state(path: str | Path, *, follow_symlinks: bool = True) -> str:
    """Return what a check can learn of a path without opening it: its kind, rights and owner."""
    try:
        # Not Path.stat: a path that is watched would come back here.
        found = os.stat(path, follow_symlinks=follow_symlinks)  # noqa: PTH116
    except (OSError, ValueError):
        return _ABSENT
    return f"{found.st_mode:o} {found.st_uid} {found.st_gid}"


def variable_state(witness: Witness, environ: Mapping[str, str], name: str) -> str:
    """Return what stands for a variable's value; for all variables at once, where ``name`` is ``*``."""
    if name == "*":
        return witness.digest("\0".join(f"{one}={environ[one]}" for one in sorted(environ)).encode(*_AS_BYTES))
    return witness.digest(environ[name].encode(*_AS_BYTES)) if name in environ else _ABSENT


_AS_BYTES: Final = ("utf-8", "surrogateescape")


def listing(witness: Witness, paths: Iterator[Path]) -> str:
    """Return what stands for the names of ``paths``."""
    return witness.digest("\0".join(sorted(map(os.fspath, paths))).encode(*_AS_BYTES))


class WatchedEnviron(Mapping[str, str]):
    """The process environment, with a record of the names that were looked up."""

    def __init__(self, environ: Mapping[str, str], witness: Witness) -> None:
        self._environ = environ
        self._witness = witness

    def __getitem__(self, name: str) -> str:
        self._note(name)
        return self._environ[name]

    def __contains__(self, name: object) -> bool:
        self._note(str(name))
        return name in self._environ

    def __iter__(self) -> Iterator[str]:
        self._note("*")
        return iter(self._environ)

    def __len__(self) -> int:
        self._note("*")
        return len(self._environ)

    def _note(self, name: str) -> None:
        self._witness.note(self._witness.variables, name, variable_state(self._witness, self._environ, name))


class WatchedPath(type(Path())):  # type: ignore[misc]
    """A path that records how it, and every path made from it, is looked at.

    What it does not know how to record makes the record incomplete: the result is not remembered then.
    """

    # Python makes paths from paths without asking for more than their class, so each witness gets a class of its own.
    witness: Witness

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """As ``Path.stat``."""
        self._look(follow_symlinks=follow_symlinks)
        return cast("os.stat_result", super().stat(follow_symlinks=follow_symlinks))

    def exists(self, **options: Any) -> bool:
        """As ``Path.exists``."""
        self._look(**options)
        return bool(super().exists(**options))

    def is_file(self, **options: Any) -> bool:
        """As ``Path.is_file``."""
        self._look(**options)
        return bool(super().is_file(**options))

    def is_dir(self, **options: Any) -> bool:
        """As ``Path.is_dir``."""
        self._look(**options)
        return bool(super().is_dir(**options))

    def read_bytes(self) -> bytes:
        """As ``Path.read_bytes``."""
        try:
            # Not the method `open`, which marks the record.
            with open(self, "rb") as stream:  # noqa: PTH123
                data = stream.read()
        except FileNotFoundError:
            self.witness.note(self.witness.contents, os.fspath(self), _ABSENT)
            raise
        except OSError:
            self.witness.complete = False
            raise
        self.witness.read(self, data)
        return data

    def read_text(self, encoding: str | None = None, errors: str | None = None, newline: str | None = None) -> str:
        """As ``Path.read_text``."""
        return io.TextIOWrapper(io.BytesIO(self.read_bytes()), encoding, errors, newline).read()

    def glob(self, pattern: Any, **options: Any) -> Iterator[Any]:
        """As ``Path.glob``."""
        found = list(super().glob(pattern, **options))
        if options or not isinstance(pattern, str) or "|" in pattern:
            self.witness.complete = False
        else:
            name = f"{os.fspath(self)}|{pattern}"
            self.witness.note(self.witness.listings, name, listing(self.witness, iter(found)))
        return iter(found)

    def _look(self, *, follow_symlinks: bool = True) -> None:
        record = self.witness.states if follow_symlinks else self.witness.links
        path = os.fspath(self)
        self.witness.note(record, path, path_state(path, follow_symlinks=follow_symlinks))


def _unrecorded(name: str) -> Callable[..., Any]:
    def look(self: WatchedPath, *arguments: Any, **options: Any) -> Any:
        self.witness.complete = False
        return getattr(super(WatchedPath, self), name)(*arguments, **options)

    return look


# Looks that no part of a render takes today.
UNRECORDED: Final = (
    "open", "iterdir", "rglob", "walk", "lstat", "is_symlink", "is_mount", "is_socket", "is_fifo", "is_block_device",
    "is_char_device", "is_junction", "samefile", "resolve", "readlink", "owner", "group",
)  # fmt: skip
for _name in UNRECORDED:
    if hasattr(Path, _name):
        setattr(WatchedPath, _name, _unrecorded(_name))


def watched(path: Path, witness: Witness) -> Path:
    """Return ``path`` as one whose looks, and those of all paths made from it, are recorded by ``witness``."""
    made: Path = type("WatchedPath", (WatchedPath,), {"witness": witness})(path)
    return made


def note_read(path: Path, data: bytes) -> None:
    """Record that ``data`` was read from ``path``, for who reads by a descriptor of their own."""
    if isinstance(path, WatchedPath):
        path.witness.read(path, data)


def note_measured(path: Path, name: str, found: str) -> None:
    """Record that measuring ``name`` (see ``envman.source.measure``), on the way to ``path``, gave ``found``."""
    if isinstance(path, WatchedPath):
        witness = path.witness
        witness.note(witness.measured, name, witness.digest(found.encode(*_AS_BYTES)))


def note_unrecorded(path: Path) -> None:
    """Say that something was learnt, on the way to ``path``, of which there can be no record."""
    if isinstance(path, WatchedPath):
        path.witness.complete = False
