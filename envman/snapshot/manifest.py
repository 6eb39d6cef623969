"""A snapshot's manifest: what is in it, from when, made how, and what the way of copying could not carry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from envman.snapshot.archive import Archive, FileArchive

# 2: anonymous volumes.
FORMAT: Final = 2


class BrokenManifestError(Exception):
    """It is no manifest, a damaged one, or one of a newer envman; the message says which."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an anonymous volume is mounted: in which container of which service, and at what target."""

    service: str
    number: int
    target: str

    @property
    def key(self) -> str:
        """What stands for the volume's name, which it has not got: ``db:/data``, of a second container ``db.2:/data``.

        No name of a volume has a colon.
        """
        return f"{self.service}{f'.{self.number}' if self.number > 1 else ''}:{self.target}"


@dataclass(frozen=True, slots=True)
class VolumeCopy:
    """A volume in a snapshot.

    ``key`` is its name in the blueprint, ``volume`` the engine's; an anonymous one has a ``place``. Either ``files``
    holds what was in it, or it is one of those that a hook's ``dump`` stands for. ``consistency`` says in words why the
    copy is one of one moment, or that it need not be; ``way`` how it was read; ``not_carried`` what that way leaves
    behind.
    """

    key: str
    volume: str
    consistency: str
    files: FileArchive | None = None
    dump: str = ""
    way: str = ""
    not_carried: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Dump:
    """What the hook of ``service`` wrote, and with which command."""

    service: str
    command: tuple[str, ...]
    archive: Archive


@dataclass(frozen=True, slots=True)
class Manifest:
    """A snapshot. ``created`` is in Unix seconds; ``images`` are the references, IDs and digests by service."""

    name: str
    project: str
    environment: str
    created: float
    reason: str
    envman: str
    blueprint: str
    volumes: tuple[VolumeCopy, ...]
    dumps: tuple[Dump, ...] = ()
    images: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def stored(self) -> int:
        """The bytes that its archives take."""
        return sum(one.stored for one in self.archives)

    @property
    def archives(self) -> list[Archive]:
        """All its files beside the manifest."""
        pairs = [one.files for one in self.volumes if one.files is not None]
        files = [archive for pair in pairs for archive in (pair.archive, pair.index)]
        return [*files, *(one.archive for one in self.dumps)]

    @property
    def when(self) -> datetime:
        """When it was taken, in local time."""
        return datetime.fromtimestamp(self.created).astimezone()

    def dump_of(self, service: str) -> Dump | None:
        """Return the dump of ``service``, if there is one."""
        return next((one for one in self.dumps if one.service == service), None)


def manifest_text(manifest: Manifest) -> str:
    """Return ``manifest`` as JSON with a seal over all of it."""
    data = {"format": FORMAT, **asdict(manifest)}
    return json.dumps({**data, "seal": _seal(data)}, indent=2) + "\n"


def read_manifest(text: str) -> Manifest:
    """Return the manifest in ``text``.

    Raises:
        BrokenManifestError: where it is not one, or not as it was written.
    """
    try:
        data = json.loads(text)
        seal = data.pop("seal")
        number = data.pop("format")
        if not isinstance(number, int) or number > FORMAT:
            raise BrokenManifestError("it was written by a newer envman")
        if seal != _seal({"format": number, **data}):
            raise BrokenManifestError("its seal is wrong: somebody or something has changed it")
        volumes = tuple(_volume(one) for one in data.pop("volumes"))
        dumps = tuple(
            Dump(one["service"], tuple(one["command"]), Archive(**one["archive"])) for one in data.pop("dumps")
        )
        return Manifest(**data, volumes=volumes, dumps=dumps)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BrokenManifestError("it is not a manifest") from error


def _volume(data: dict[str, Any]) -> VolumeCopy:
    files = data.pop("files")
    if files is not None:
        files = FileArchive(**{**files, "archive": Archive(**files["archive"]), "index": Archive(**files["index"])})
    place = data.pop("place", None)
    place = Place(**place) if place is not None else None
    return VolumeCopy(**{**data, "files": files, "not_carried": tuple(data["not_carried"]), "place": place})


def _seal(data: Mapping[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
