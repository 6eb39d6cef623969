"""What was begun and not finished: a record, written before each step of an operation and removed after the last.

A switch has a record of its own beside the other one: it stays until the switch has been finished or taken back,
whatever other commands do in between.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from envman.diagnostics import EnvmanError
from envman.state.record import Record

SWITCH: Final = "switch"
_FILE: Final = "journal.json"
_SWITCH_FILE: Final = "switch.json"


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


@dataclass(frozen=True, slots=True)
class SwitchEntry(Entry):
    """A switch under way, with what is needed to finish it or to take it back.

    ``environment`` and ``other`` are keys in the checkout, of ``instance`` if that is given. ``containers`` of the
    source ran when it began: their health by ID; ``kept`` are containers of the target that ran then. ``settings`` and
    ``timeout`` are those that it was called with. ``stopped_at`` is when (Unix seconds) the source began to be stopped
    with the target not ready yet; ``by_compose`` says that the source needs Compose to stop and start it, ``stopping``
    that containers of the source may be being stopped, ``snapshot`` that one of its data has still to be taken,
    ``frozen`` that the target is held to its lock, ``unsaved`` that anonymous volumes are left behind without a copy.
    """

    instance: str | None = None
    containers: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 300.0
    stopped_at: float | None = None
    by_compose: bool = False
    stopping: bool = False
    snapshot: bool = False
    frozen: bool = False
    unsaved: bool = False


_JOURNAL: Final[Record[Entry]] = Record(Entry, "remove PATH")
_SWITCH: Final[Record[SwitchEntry]] = Record(
    SwitchEntry,
    "a switch was interrupted, and it is not known between which environments; look at `envman status`, remove PATH, "
    "then `envman up` the environment that is to run and `envman stop` the other: no data is lost",
)


def interrupted(state: Path) -> Entry | None:
    """Return the operation that an earlier envman began and did not finish, if any; a switch is told apart.

    The record only tells what was interrupted and guards nothing, so a damaged one refuses nothing either.
    """
    try:
        return _JOURNAL.read(state / _FILE)
    except EnvmanError:
        return Entry("an earlier", "command", "its record is damaged")


def interrupted_switch(state: Path) -> SwitchEntry | None:
    """Return the switch that was neither finished nor taken back, if any.

    Raises:
        EnvmanError: EV509.
    """
    return _SWITCH.read(state / _SWITCH_FILE)


def record(state: Path, entry: Entry) -> None:
    """Write ``entry`` as the operation under way.

    Raises:
        EnvmanError: EV008.
    """
    named = replace(entry, pid=os.getpid())
    if isinstance(named, SwitchEntry):
        _SWITCH.write(state / _SWITCH_FILE, named)
    else:
        _JOURNAL.write(state / _FILE, named)


def forget(state: Path, operation: str = "") -> None:
    """Remove the record: the operation has ended in a state that it reported."""
    (state / (_SWITCH_FILE if operation == SWITCH else _FILE)).unlink(missing_ok=True)


@contextmanager
def journalled(state: Path, entry: Entry) -> Iterator[None]:
    """Keep ``entry`` on record while the body runs; it stays there if the process dies inside.

    Raises:
        EnvmanError: EV008 before the body runs.
    """
    record(state, entry)
    try:
        yield
    finally:
        forget(state)
