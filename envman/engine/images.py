"""Images on the engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from envman.engine.connection import Engine
from envman.plan.observed import LocalImage


def find_images(engine: Engine, references: Iterable[str]) -> dict[str, LocalImage]:
    """Return those of ``references`` that the engine has, by reference."""
    from docker.errors import ImageNotFound

    found = {}
    with engine.errors():
        for reference in sorted(references):
            try:
                image = engine.api.inspect_image(reference)
            except ImageNotFound:
                continue
            created = str(image.get("Created") or "1970-01-01T00:00:00Z")
            found[reference] = LocalImage(
                reference,
                str(image["Id"]),
                tuple(image.get("RepoDigests") or ()),
                int(image.get("Size", 0)),
                datetime.fromisoformat(created[:19] + "+00:00").timestamp(),
                image.get("Config") or {},
            )
    return found


def missing_images(engine: Engine, references: Iterable[str]) -> frozenset[str]:
    """Return those of ``references`` that the engine does not have."""
    wanted = set(references)
    return frozenset(wanted - set(find_images(engine, wanted)))
