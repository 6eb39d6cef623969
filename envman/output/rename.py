"""A rename as text and as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from envman.output.snapshots import size_text
from envman.state.renaming import Renaming

# Bytes a second, reading twice, writing and reading again; measured on a machine with two processors.
_RATE: Final = 60_000_000


def rename_steps(entry: Renaming, *, ran: Iterable[str] = ()) -> list[str]:
    """Return everything that a rename does, in order; ``ran`` are the names of containers that run."""
    lines = [f"stop {name}" for name in ran]
    for one in entry.volumes:
        size = "size not known" if one.size < 0 else f"{size_text(one.size)}, about {max(1, round(one.size / _RATE))} s"
        how = "leads to the same place" if one.alike else f"copied and compared: {size}"
        after = "removed" if entry.remove else "kept"
        lines.append(f"volume {one.old} -> {one.new} ({how}; the old one is {after})")
    lines += [f"secrets, snapshots, ports and records of {old} -> {new}" for old, new in entry.keys if old != new]
    if entry.whole:
        keys = ", ".join(old for old, _ in entry.keys) or "no environment"
        lines.append(f"secrets, snapshots, ports and records of {keys}: {entry.project} -> {entry.to_project}")
    for old, new in entry.files:
        lines.append(f"file {old} -> {new}" if old != new else f"{old}: name: {entry.to_project}")
    if entry.chosen:
        lines.append(f"chosen environment {entry.old} -> {entry.new}")
    lines.append("remove the containers and networks under the old name; `envman up` makes them under the new one")
    return lines


def rename_data(entry: Renaming) -> dict[str, Any]:
    """Return a rename as plain data."""
    return {
        "project": entry.to_project,
        "old": entry.old,
        "new": entry.new,
        "environments": [new for _, new in entry.keys],
        "volumes": [
            {"old": one.old, "new": one.new, "bytes": one.size if one.size >= 0 else None} for one in entry.volumes
        ],
        "removed_volumes": entry.remove,
    }


def rename_text(entry: Renaming) -> str:
    """Return what a rename has done, and what to do next."""
    what = f"project {entry.old}" if entry.whole else entry.old
    lines = [f"{what} is {entry.new} now"]
    lines += [f"  `envman up {new}` brings it up again" for old, new in entry.keys if entry.running.get(old)]
    if entry.volumes and not entry.remove:
        names = ", ".join(one.old for one in entry.volumes)
        prefix = f"{entry.project}/" if entry.whole else ""
        of = dict.fromkeys(old.partition("-")[0] for old, _ in entry.keys)
        lines.append(f"  the old volumes are kept: {names}")
        lines += [f"  `envman down {prefix}{name} --volumes --no-snapshot` deletes those of {name}" for name in of]
    lines += [f"  `envman lock {new}` locks it under its new name" for _, new in entry.files if new.endswith(".lock")]
    return "\n".join(lines)
