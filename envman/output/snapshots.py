"""Snapshots as text and as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from envman.output.tables import table, timestamp
from envman.snapshot.manifest import Manifest


def size_text(count: int) -> str:
    """Return a number of bytes for people."""
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def snapshot_table(rows: Iterable[tuple[str, str, Manifest | None]]) -> str:
    """Return snapshots (environment, name, manifest or None where it is damaged) as a table."""
    lines = []
    for environment, name, manifest in rows:
        if manifest is None:
            lines.append([environment, name, "", "", "damaged", ""])
        else:
            when = manifest.when.strftime("%Y-%m-%d %H:%M:%S")
            keys = ", ".join(one.key for one in manifest.volumes)
            lines.append([environment, name, when, size_text(manifest.stored), keys, manifest.reason])
    return table(["ENVIRONMENT", "NAME", "TAKEN", "SIZE", "VOLUMES", "REASON"], lines) if lines else "no snapshots"


def snapshot_row(environment: str, name: str, manifest: Manifest | None) -> dict[str, Any]:
    """Return a snapshot in a list as data."""
    if manifest is None:
        return {"environment": environment, "name": name, "damaged": True}
    return {
        "environment": environment,
        "name": name,
        "damaged": False,
        "created": timestamp(manifest.created),
        "stored_bytes": manifest.stored,
        "volumes": [one.key for one in manifest.volumes],
        "reason": manifest.reason,
    }


def snapshot_data(manifest: Manifest, folder: str) -> dict[str, Any]:
    """Return everything about a snapshot as data."""
    row = snapshot_row(manifest.environment, manifest.name, manifest)
    return {**row, **asdict(manifest), "created": row["created"], "folder": folder}


def snapshot_text(manifest: Manifest, folder: str) -> str:
    """Return everything about a snapshot for people."""
    lines = [
        f"{manifest.name} of {manifest.environment}, {manifest.when.strftime('%Y-%m-%d %H:%M:%S')}, {manifest.reason}",
        f"  in {folder}, {size_text(manifest.stored)}",
    ]
    for one in manifest.volumes:
        lines += ["", f"  {one.key} ({one.volume})"]
        if one.files is None:
            lines.append(f"    {one.consistency}")
            continue
        lines.append(f"    {one.files.entries} entries, {size_text(one.files.bytes)}, read with {one.way}")
        lines.append(f"    while copied: {one.consistency}")
        lines.append(f"    not carried: {'; '.join(one.not_carried)}")
    for dump in manifest.dumps:
        lines += ["", f"  what {dump.service} wrote: {size_text(dump.archive.size)}, by `{' '.join(dump.command)}`"]
    if manifest.images:
        lines += ["", "  images"]
        lines += [f"    {service}  {one['reference']}  {one['id'][:19]}" for service, one in manifest.images.items()]
    return "\n".join(lines)
