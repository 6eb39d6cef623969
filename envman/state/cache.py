"""Results that are used again while everything that they came from is as it was.

A result is kept with a record of every look that its making took (``envman.source.witness``), the code that made it,
and a seal. It counts only where all of it still holds; whatever is wrong with a file here, the work is done anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from envman.source.witness import Witness, read_plain

OFF: Final = "ENVMAN_NO_CACHE"
_KEY: Final = "cache.key"
_KEPT: Final = 200
# Beside envman's own code, what reads a file and what checks a value.
_PARTS: Final = ("yaml/__init__.py", "pydantic_core/__init__.py")


def cache_home(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_CACHE_HOME/envman``, by default ``~/.cache/envman``."""
    configured = environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path in these variables is to be ignored.
    return (Path(configured) if configured.startswith("/") else Path.home() / ".cache") / "envman"


def code_fingerprint() -> str:
    """Return what changes when envman, Python, or a package that takes part in a render does."""
    package = Path(__file__).resolve().parent.parent
    parts = [sys.version, *_stamps(str(package))]
    for part in _PARTS:
        parts += next(filter(None, (_stamp(f"{folder}/{part}") for folder in sys.path)), [])
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _stamps(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.endswith(".py"):
                yield from _stamp(entry.path)
            elif entry.name not in {"__pycache__", "shipped_files"} and entry.is_dir():
                yield from _stamps(entry.path)


def _stamp(path: str) -> list[str]:
    try:
        found = os.stat(path)  # noqa: PTH116 - a hundred of them in 1 ms
    except OSError:
        return []
    return [path, str(found.st_size), str(found.st_mtime_ns), str(found.st_ino)]


def witness_for(state: Path) -> Witness:
    """Return a witness whose digests only this checkout's state can repeat; the key is made where there is none.

    Raises:
        EnvmanError: EV008.
    """
    key = read_plain(state / _KEY)
    if not key or len(key) != 64:
        from envman.state.atomic import write_new, write_whole

        key = os.urandom(32).hex().encode()
        if (state / _KEY).exists():
            # Damaged: what was kept under the former key is made anew.
            write_whole(state / _KEY, key.decode(), mode=0o400)
        elif not write_new(state / _KEY, key.decode(), mode=0o400):
            key = read_plain(state / _KEY) or key
    return Witness(key)


class Entry:
    """One kept result: where it lies, and what it is asked for by.

    ``request`` is all that is known before any file is read.
    """

    def __init__(self, environ: Mapping[str, str], kind: str, request: Sequence[str]) -> None:
        name = "\0".join((kind, str(os.getuid()), environ.get("HOME", ""), environ.get("XDG_STATE_HOME", ""), *request))
        digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
        self.folder = cache_home(environ) / kind
        self.path = self.folder / f"{digest}.json"
        self.environ = environ

    def recall(self) -> dict[str, Any] | None:
        """Return what was kept, if it all still holds."""
        try:
            return self._recall()
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def _recall(self) -> dict[str, Any] | None:
        data = read_plain(self.path)
        if data is None:
            return None
        seal, _, body = data.partition(b"\n")
        kept: dict[str, Any] = json.loads(body)
        if kept["code"] != code_fingerprint():
            return None
        key = read_plain(Path(kept["state"]) / _KEY)
        if not key:
            return None
        witness = Witness(key)
        if witness.digest(body).encode() != seal or not witness.still_holds(kept["held"], self.environ):
            return None
        result: dict[str, Any] = kept["result"]
        return result

    def keep(self, state: Path, witness: Witness, result: Mapping[str, Any]) -> None:
        """Keep ``result``, whose making ``witness`` saw; where that cannot be, nothing happens."""
        if not witness.complete:
            return
        kept = {"code": code_fingerprint(), "state": str(state), "held": witness.held(), "result": result}
        try:
            body = json.dumps(kept, ensure_ascii=False).encode()
            self._write(witness.digest(body).encode() + b"\n" + body)
        except (OSError, ValueError):
            return

    def _write(self, data: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self.path.with_suffix(f".{os.getpid()}")
        # No fsync: a file that a crash has torn has a broken seal.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        temporary.replace(self.path)
        self._prune()

    def _prune(self) -> None:
        with os.scandir(self.folder) as entries:
            found = sorted(entries, key=lambda one: one.stat().st_mtime_ns)
        for entry in found[:-_KEPT]:
            Path(entry.path).unlink(missing_ok=True)
