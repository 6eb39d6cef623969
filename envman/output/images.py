"""Images as tables and as data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from envman.operations.images import ServiceImage
from envman.operations.project_images import ImageUse, Removal
from envman.operations.pushing import Pushed
from envman.output.tables import age, size, table, timestamp
from envman.registry.reference import short_id


def image_table(images: Sequence[ServiceImage]) -> str:
    """Return a row for each service."""
    rows = [
        [
            one.service,
            one.reference,
            short_id(one.id or "") or ("not built" if one.built else "not pulled"),
            size(one.size) if one.size is not None else "",
            _ago(one.created),
            _digest(one.pushed) if one.built else _digest(one.digest),
        ]
        for one in images
    ]
    return table(["SERVICE", "IMAGE", "ID", "SIZE", "CREATED", "IN REGISTRY"], rows)


def image_data(one: ServiceImage | ImageUse) -> dict[str, Any]:
    """Return an image as plain data."""
    return {**asdict(one), "created": timestamp(one.created)}


def pushed_text(pushed: Sequence[Pushed]) -> str:
    """Return a line for each image that was pushed."""
    return table(
        ["IMAGE", "DIGEST", "SERVICES"], [[one.reference, one.digest, ", ".join(one.services)] for one in pushed]
    )


def _ago(created: float | None) -> str:
    return f"{age(time.time() - created)} ago" if created else ""


def _digest(digest: str | None) -> str:
    return digest[:19] if digest else ""


def uses_table(images: Sequence[ImageUse]) -> str:
    """Return a row for each name of an image of the project, those that nobody needs last."""
    rows = [
        [
            one.reference or "(no name)",
            short_id(one.id or "") or "not here",
            size(one.size) if one.size is not None else "",
            _ago(one.created),
            _digest(one.pushed),
            ", ".join(one.needed_by) or ("nobody: `envman rmi`" if one.made_here else "nobody here"),
        ]
        for one in images
    ]
    return table(["IMAGE", "ID", "SIZE", "CREATED", "IN REGISTRY", "NEEDED BY"], rows) if rows else "no images"


def removal_lines(removal: Removal) -> list[str]:
    """Return a line for each image that is to be removed, or name of one."""
    lines = []
    for one in removal.spare:
        identity = short_id(one.image.id)
        what = f"frees {size(one.freed)}" if one.whole else "frees nothing: it keeps another name"
        lines.append(f"{', '.join(one.names) or '(no name)'} ({identity}, {what})")
    return lines


def removal_text(removal: Removal, *, done: bool) -> str:
    """Return what was removed, or with ``done`` false would be, and why the rest stays."""
    if not removal.spare:
        lines = ["nothing to remove"]
    else:
        word = "removed" if done else "would be removed"
        lines = [f"{word}: {line}" for line in removal_lines(removal)]
        # Layers that only the images removed share are counted for none of them.
        lines.append(f"{'freed' if done else 'would free'} at least {size(removal.freed)}")
    lines += [f"kept: {one.name.removeprefix('sha256:')}: {', '.join(one.why)}" for one in removal.kept]
    return "\n".join(lines)


def removal_data(removal: Removal, *, done: bool) -> dict[str, Any]:
    """Return a removal as plain data."""
    return {
        "done": done,
        "removed": [
            {"id": one.image.id, "names": list(one.names), "whole": one.whole, "freed": one.freed}
            for one in removal.spare
        ],
        "kept": [{"id": one.image.id, "name": one.name, "why": list(one.why)} for one in removal.kept],
        "freed": removal.freed,
    }
