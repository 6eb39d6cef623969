"""Images on the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


def name_image(engine: Engine, source: str, target: Reference) -> None:
    """Give image ``source`` the name ``target`` as well; a tag that another image had moves to this one.

    Raises:
        EnvmanError: EV4xx for the engine.
    """
    with engine.errors():
        engine.api.tag(source, target.familiar_repository, tag=target.tag, force=True)


@dataclass(frozen=True, slots=True)
class EngineImage:
    """An image in a listing of all; ``unique`` are the bytes that no other image has."""

    id: str
    names: tuple[str, ...]
    labels: Mapping[str, str]
    size: int
    unique: int
    created: float


def all_images(engine: Engine) -> list[EngineImage]:
    """Return every image that is no layer of another, those without a name too."""
    listed, usage = engine.ask(Question("/images/json"), Question("/system/df", {"type": "image"}))
    shared = {str(one["Id"]): int(one.get("SharedSize") or 0) for one in usage.get("Images") or ()}
    found = []
    for one in listed:
        identity, size = str(one["Id"]), int(one.get("Size") or 0)
        names = tuple(name for name in one.get("RepoTags") or () if name != "<none>:<none>")
        unique = max(0, size - max(0, shared.get(identity, 0)))
        found.append(
            EngineImage(identity, names, one.get("Labels") or {}, size, unique, float(one.get("Created") or 0))
        )
    return found


def containers_by_image(engine: Engine) -> dict[str, list[str]]:
    """Return the names of all containers, running or not, by the ID of their image."""
    (listed,) = engine.ask(Question("/containers/json", {"all": "1"}))
    found: dict[str, list[str]] = {}
    for one in listed:
        name = str((one.get("Names") or ["?"])[0]).lstrip("/")
        found.setdefault(str(one.get("ImageID", "")), []).append(name)
    return found


def remove_image(engine: Engine, name: str, *, expected: str) -> str:
    """Remove a name of image ``expected``, and the image with its last name; return why that was not done, or nothing.

    One that is gone already is no problem. Never by force: what a container uses stays.

    Raises:
        EnvmanError: EV4xx where the engine is away.
    """
    from docker.errors import APIError, NotFound

    with engine.errors():
        try:
            if engine.api.inspect_image(name)["Id"] != expected:
                return "it is another image by now"
            engine.api.remove_image(name)
        except NotFound:
            return ""
        except APIError as error:
            return str(error.explanation or error)
    return ""
