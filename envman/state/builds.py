"""What each image was built from: kept per image reference, and read to tell whether a build would make another one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from envman.diagnostics import EnvmanError
from envman.state.record import Record

_FOLDER: Final = "builds"
_HASHES: Final = "hashes.json"
_MADE: Final = "made.json"
_MOST_MADE: Final = 5_000
_NAMED_FILES: Final = 3


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """An image as it was built here: its ID on the engine, the ``build`` section, and a hash of every file sent.

    ``pins`` are the images that took the place of those that its Dockerfile names. ``stamp`` is what was written on it
    beside what the blueprint says: ``labels``, and the ``epoch`` that it counts as made.
    """

    reference: str
    image: str
    definition: Mapping[str, Any]
    files: Mapping[str, str] | None
    pins: Mapping[str, str] = field(default_factory=dict)
    stamp: Mapping[str, Any] = field(default_factory=dict)


_BUILD: Final[Record[BuildRecord]] = Record(BuildRecord, "remove PATH: the image is built anew")
_MADE_RECORD: Final[Record[list[str]]] = Record(
    list[str], "remove PATH: `envman rmi` then leaves the images alone that were built before"
)
_HASHES_RECORD: Final[Record[dict[str, list[Any]]]] = Record(dict[str, list[Any]], "remove PATH: files are read anew")


def read_build(state: Path, reference: str) -> BuildRecord | None:
    """Return how ``reference`` was built by this checkout, or None where that is not known.

    Raises:
        EnvmanError: EV509.
    """
    return _BUILD.read(_path(state, reference))


def read_builds(state: Path) -> list[BuildRecord]:
    """Return everything that is known of images that this checkout has built.

    Raises:
        EnvmanError: EV509.
    """
    paths = [path for path in sorted((state / _FOLDER).glob("*.json")) if path.name not in {_HASHES, _MADE}]
    return [record for record in map(_BUILD.read, paths) if record is not None]


def write_build(state: Path, record: BuildRecord) -> None:
    """Keep ``record`` in place of an earlier one of the same reference.

    Raises:
        EnvmanError: EV008.
    """
    _BUILD.write(_path(state, record.reference), record)


def made_images(state: Path) -> frozenset[str]:
    """Return the IDs of the images that this checkout has built: what proves that one is its own to remove.

    Raises:
        EnvmanError: EV509.
    """
    return frozenset(_MADE_RECORD.read(state / _FOLDER / _MADE) or ())


def remember_made(state: Path, images: Iterable[str]) -> None:
    """Add the IDs of images that were built to those that are known; the oldest of very many are forgotten.

    Raises:
        EnvmanError: EV008, EV509.
    """
    before = _MADE_RECORD.read(state / _FOLDER / _MADE) or []
    fresh = [one for one in dict.fromkeys(images) if one not in before]
    if fresh:
        _MADE_RECORD.write(state / _FOLDER / _MADE, [*before, *fresh][-_MOST_MADE:])


def build_changes(
    record: BuildRecord | None,
    image: str,
    definition: Mapping[str, Any],
    files: Mapping[str, str] | None,
    pins: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Return what differs between how an image was built and how it would be built now, in words.

    Of ``pins`` only the digests count: who pins nothing takes what was pinned before.
    """
    if record is None or record.image != image:
        return ("it is not known what its image was built from",)
    found = [f"build.{key} has changed" for key in sorted({*definition, *record.definition})
             if definition.get(key) != record.definition.get(key)]  # fmt: skip
    before, after = record.files or {}, files or {}
    changed = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    if changed:
        more = f" and {len(changed) - _NAMED_FILES} more" if len(changed) > _NAMED_FILES else ""
        found.append(f"{', '.join(changed[:_NAMED_FILES])}{more} changed since it was built")
    found += [
        f"it was built from another {name} than the one that is locked"
        for name, pin in sorted((pins or {}).items())
        if "@" in pin and _digest(pin) != _digest(record.pins.get(name, ""))
    ]
    return tuple(found)


def _digest(reference: str) -> str:
    return reference.rpartition("@")[2] if "@" in reference else ""


def _path(state: Path, reference: str) -> Path:
    return state / _FOLDER / f"{hashlib.sha256(reference.encode()).hexdigest()[:16]}.json"


def read_hashes(state: Path) -> dict[str, list[Any]]:
    """Return the file hashes that an earlier run has kept."""
    try:
        return _HASHES_RECORD.read(state / _FOLDER / _HASHES) or {}
    except EnvmanError:
        # Reading the files again gives the same.
        return {}


def write_hashes(state: Path, hashes: Mapping[str, list[Any]]) -> None:
    """Keep ``hashes`` for the next run.

    Raises:
        EnvmanError: EV008.
    """
    _HASHES_RECORD.write(state / _FOLDER / _HASHES, dict(hashes))
