"""Images as tables and as data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from envman.operations.images import ServiceImage
from envman.operations.pushing import Pushed
from envman.output.tables import age, size, table


def image_table(images: Sequence[ServiceImage]) -> str:
    """Return a row for each service."""
    rows = [
        [
            one.service,
            one.reference,
            (one.id or "").removeprefix("sha256:")[:12] or ("not built" if one.built else "not pulled"),
            size(one.size) if one.size is not None else "",
            f"{age(time.time() - one.created)} ago" if one.created else "",
        ]
        for one in images
    ]
    return table(["SERVICE", "IMAGE", "ID", "SIZE", "CREATED"], rows)


def image_data(one: ServiceImage) -> dict[str, Any]:
    """Return an image as plain data."""
    return asdict(one)


def pushed_text(pushed: Sequence[Pushed]) -> str:
    """Return a line for each image that was pushed."""
    return table(
        ["IMAGE", "DIGEST", "SERVICES"], [[one.reference, one.digest, ", ".join(one.services)] for one in pushed]
    )
