"""Images on the engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from envman.engine.connection import Engine
from envman.engine.wire import Question
from envman.plan.observed import LocalImage
from envman.registry.reference import Reference


def find_images(engine: Engine, references: Iterable[str]) -> dict[str, LocalImage]:
    """Return those of ``references`` that the engine has, by reference."""
    wanted = sorted(references)
    answers = engine.ask(*(Question(f"/images/{reference}/json") for reference in wanted))
    return {reference: _image(reference, one) for reference, one in zip(wanted, answers, strict=True) if one}


def _image(reference: str, image: dict[str, Any]) -> LocalImage:
    from datetime import datetime

    created = str(image.get("Created") or "1970-01-01T00:00:00Z")
    return LocalImage(
        reference,
        str(image["Id"]),
        tuple(image.get("RepoDigests") or ()),
        int(image.get("Size", 0)),
        datetime.fromisoformat(created[:19] + "+00:00").timestamp(),
        image.get("Config") or {},
    )


def image_ids(engine: Engine, references: Iterable[str]) -> dict[str, str]:
    """Return the IDs of those of ``references`` that the engine has."""
    wanted = sorted(references)
    answers = engine.ask(*(Question(f"/images/{reference}/json") for reference in wanted))
    return {reference: str(one["Id"]) for reference, one in zip(wanted, answers, strict=True) if one}


def missing_images(engine: Engine, references: Iterable[str]) -> frozenset[str]:
    """Return those of ``references`` that the engine does not have."""
    wanted = set(references)
    return frozenset(wanted - set(find_images(engine, wanted)))


def name_image(engine: Engine, source: str, target: Reference) -> None:
    """Give image ``source`` the name ``target`` as well; a tag that another image had moves to this one.

    Raises:
        EnvmanError: EV4xx for the engine.
    """
    with engine.errors():
        engine.api.tag(source, target.familiar_repository, tag=target.tag, force=True)
