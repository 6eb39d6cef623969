"""Locks, and where they part from what is, for people and programs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from envman.diagnostics.visible import visible
from envman.lock.changes import LockChange
from envman.lock.compare import Difference
from envman.lock.lock import lock_path
from envman.output.diagnostics import place
from envman.output.tables import age, timestamp

if TYPE_CHECKING:
    from envman.operations.locking import Locking, Move
    from envman.operations.verify import Verification

_SIGNS = {(True, False): "+", (False, True): "-", (False, False): "~"}
_SHORT = 12
_LONGEST = 60


def locking_text(made: Locking, *, written: bool, checked: bool) -> str:
    """Return what a lock changes: a line for each entry."""
    name, lock = lock_path(made.environment.name), made.lock
    holds = f"{_count(len(lock.images), 'image')}, {_count(len(lock.builds), 'build')}"
    if checked:
        head = f"{name}: {_count(len(made.moves), 'tag')} moved" if made.moves else f"{name}: no tag has moved"
        return "\n".join([head, *map(_move_line, made.moves)])
    head = f"{name}: {holds}" if written else f"{name} is up to date: {holds}"
    ages = {move.reference.canonical: move for move in made.moves}
    return "\n".join(
        [
            head,
            *(
                _move_line(ages[one.name]) if one.kind == "image" and one.name in ages else _change_line(one)
                for one in made.changes
            ),
            *(f"  note: {one}" for one in made.notices),
        ]
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _change_line(one: LockChange) -> str:
    sign = _SIGNS[one.old is None, one.new is None]
    if one.kind in {"secret", "part", "document"}:
        return f"  {sign} {one.kind} {visible(one.name)}"
    if one.kind == "image":
        values = " -> ".join(short(value) for value in (one.old, one.new) if value is not None)
    else:
        values = " -> ".join(_shown(value) for value in (one.old, one.new) if value is not None)
    return f"  {sign} {one.kind} {visible(one.name)}  {values}"


def _shown(value: str) -> str:
    text = visible(" ".join(short(word) for word in value.split(" ")))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _move_line(one: Move) -> str:
    made = f", made {age(time.time() - one.created)} ago" if one.created is not None else ""
    who = ", ".join(one.used_by)
    return (
        f"  ~ image {one.reference.canonical}  {short(one.old or 'none')} -> {short(one.new or 'none')}{made} ({who})"
    )


def short(digest: str) -> str:
    """Return a digest as people compare it; everything else as it is."""
    return digest[: len("sha256:") + _SHORT] if digest.startswith("sha256:") else digest


def locking_data(made: Locking, *, written: bool) -> dict[str, Any]:
    """Return a lock that was made as plain data."""
    return {
        "environment": made.environment.name,
        "file": lock_path(made.environment.name),
        "written": written,
        "changes": [one._asdict() for one in made.changes],
        "moves": [
            {"image": one.reference.canonical, "old": one.old, "new": one.new, "used_by": list(one.used_by),
             "created": timestamp(one.created)}
            for one in made.moves
        ],
        "notices": list(made.notices),
    }  # fmt: skip


def difference_data(one: Difference) -> dict[str, Any]:
    """Return where a lock and its blueprint part as plain data."""
    return {
        "code": one.code,
        "kind": one.kind,
        "name": one.name,
        "message": one.message,
        "locked": one.locked,
        "now": one.now,
        "place": place(one.span),
        "lock_place": place(one.lock_span),
    }


def verification_text(found: Verification) -> str:
    """Return where lock, blueprint and what runs part, a line for each, and what to do about it."""
    name = found.environment.key
    lines: list[str] = []
    if found.blueprint:
        lines.append(f"the lock and the blueprint of {name} part:")
        for one in found.blueprint:
            places = ", ".join(str(span) for span in (one.span, one.lock_span) if span is not None)
            lines.append(f"  {visible(one.message)}" + (f" ({places})" if places else ""))
    if found.running:
        lines.append(f"what runs of {name} is not what is locked:")
        lines += [f"  {visible(one.message)}" for one in found.running]
    if not lines:
        lines.append(f"{name} runs as it is locked")
    lines += [f"help: {one}" for one in found.remedies()]
    lines += _unknown(found.unknown)
    return "\n".join(lines)


def _unknown(names: Sequence[str]) -> list[str]:
    return ["cannot be compared here:", *(f"  {one}" for one in names)] if names else []


def check_text(environment: str, differences: Sequence[Difference], unknown: Sequence[str]) -> str:
    """Return the verdict of a check; its differences are shown as diagnostics."""
    path = lock_path(environment)
    verdict = f"{path}: {_count(len(differences), 'difference')}" if differences else f"{path} holds what there is"
    return "\n".join([verdict, *_unknown(unknown)])


def verification_data(found: Verification) -> dict[str, Any]:
    """Return a verification as plain data."""
    return {
        "environment": found.environment.name,
        "instance": found.environment.instance,
        "verified": not found,
        "blueprint": [difference_data(one) for one in found.blueprint],
        "running": [one._asdict() for one in found.running],
        "unknown": list(found.unknown),
        "help": found.remedies(),
    }
