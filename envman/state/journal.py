"""What was begun and not finished: one record, written before an operation and removed after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from envman.state.atomic import write_whole
from envman.state.checkout import read_json

_FILE: Final = "journal.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation under way: ``up dev``, or ``switch staging`` from ``dev``; ``step`` is where it is."""

    operation: str
    environment: str
    step: str = "begun"
    other: str = ""
    pid: int = 0

    def describe(self) -> str:
        """Return the entry in words."""
        source = f" from {self.other}" if self.other else ""
        return f"`{self.operation} {self.environment}`{source} was interrupted ({self.step})"


def interrupted(state: Path) -> Entry | None:
    """Return the operation that an earlier envman began and did not finish, if any."""
    data = read_json(state / _FILE)
    try:
        return Entry(**data) if isinstance(data, dict) else None
    except TypeError:
        return None


def record(state: Path, entry: Entry) -> None:
    """Write ``entry`` as the operation under way."""
    write_whole(state / _FILE, json.dumps({**asdict(entry), "pid": os.getpid()}) + "\n", mode=0o600)


def forget(state: Path) -> None:
    """Remove the record: the operation has ended in a state that it reported."""
    (state / _FILE).unlink(missing_ok=True)


@contextmanager
def journalled(state: Path, entry: Entry) -> Iterator[None]:
    """Keep ``entry`` on record while the body runs; it stays there if the process dies inside."""
    record(state, entry)
    try:
        yield
    finally:
        forget(state)
