"""What is in a bundle, as its ``bundle.json`` says: whose it is, images, files with checksums, what was left out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from envman.bundle.container import CONTENTS, BrokenBundleError, NewerBundleError, Place, fits

FORMAT: Final = 1
DOCUMENT: Final = "document.yaml"
PROJECT: Final = "project/"
SNAPSHOTS: Final = "snapshots/"
BLOBS: Final = "blobs/sha256/"
# Other programs run what lies in some of these; a checkout's identity lies in another. No bundle brings any.
NEVER: Final = frozenset({".git", ".hg", ".svn", ".envman", ".venv", "__pycache__", "node_modules", ".ds_store"})
OCI: Final = ("index.json", "manifest.json", "oci-layout")
# A list of 100,000 files has 20 MB.
LARGEST_LIST: Final = 32 << 20
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Part:
    """A file in a bundle. ``unpacked`` is the size of a layer that is compressed, once it is not."""

    name: str
    size: int
    sha256: str
    executable: bool = False
    unpacked: int | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a bundle.

    ``name`` is the lock's (canonical) name of it, or ``services.NAME`` for one that is built; ``tags`` the names that
    it gets on an engine, ``manifest`` the digest of its manifest, ``size`` that of the manifest's text, ``kind`` its
    media type. ``id`` is the digest of its configuration. ``source`` says where it was copied from.
    """

    name: str
    tags: tuple[str, ...]
    manifest: str
    size: int
    kind: str
    id: str
    source: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What the environment uses and the bundle does not hold, and why not."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A whole bundle. ``snapshots`` are ``ENVIRONMENT/NAME``."""

    project: str
    environment: str
    platform: str
    envman: str
    images: tuple[Image, ...]
    parts: tuple[Part, ...]
    snapshots: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    _by_name: dict[str, Part] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name.update((part.name, part) for part in self.parts)

    @property
    def lock(self) -> str:
        """The name of the lock's file."""
        return f"{PROJECT}blueprints/{self.environment}.lock"

    @property
    def unpacked(self) -> int:
        """The bytes that the images' layers take once they are not compressed, at the most."""
        return sum(part.unpacked or 0 for part in self.parts)

    def part(self, name: str) -> Part:
        """Return the file called ``name``; raises BrokenBundleError where there is none."""
        found = self._by_name.get(name)
        if found is None:
            raise BrokenBundleError(f"{name} is not in it")
        return found

    def under(self, folder: str) -> list[Part]:
        """Return the files below ``folder``, which ends with ``/``."""
        return [part for part in self.parts if part.name.startswith(folder)]


def blob_name(digest: str) -> str:
    """Return the name of the file that holds the blob with ``digest``."""
    return BLOBS + digest.removeprefix("sha256:")


def canonical(data: Any) -> bytes:
    """Return ``data`` as the one JSON text that stands for it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def contents_text(contents: Contents) -> bytes:
    """Return ``contents`` as ``bundle.json``, with a seal over all of it."""
    data = asdict(contents)
    del data["_by_name"]
    data["bundle"] = FORMAT
    for part in data["parts"]:
        for name, usual in (("executable", False), ("unpacked", None)):
            if part[name] is usual:
                del part[name]
    return canonical({**data, "seal": hashlib.sha256(canonical(data)).hexdigest()}) + b"\n"


def read_contents(text: bytes) -> Contents:
    """Return the contents in ``text``.

    Raises:
        BrokenBundleError: where it is no list of contents, or not as it was written.
        NewerBundleError: where a newer envman wrote it.
    """
    try:
        data = json.loads(text)
        number = data["bundle"]
        if isinstance(number, int) and number > FORMAT:
            raise NewerBundleError(str(number))
        contents = Contents(
            project=_text(data["project"]),
            environment=_text(data["environment"]),
            platform=_text(data["platform"]),
            envman=_text(data["envman"]),
            images=tuple(map(_image, data["images"])),
            parts=tuple(map(_part, data["parts"])),
            snapshots=tuple(map(_snapshot, data["snapshots"])),
            left_out=tuple(LeftOut(_text(one["what"]), _text(one["why"])) for one in data["left_out"]),
        )
        same = contents_text(contents) == text
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BrokenBundleError(f"its {CONTENTS} is not one") from None
    if not same:
        raise BrokenBundleError(f"its {CONTENTS} is not as it was written: its seal is wrong")
    return contents


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _digest(value: Any) -> str:
    if not _DIGEST.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _part(data: Mapping[str, Any]) -> Part:
    name, unpacked = _text(data["name"]), data.get("unpacked")
    if not fits(name):
        raise ValueError
    return Part(
        name,
        _number(data["size"]),
        _digest(f"sha256:{_text(data['sha256'])}").removeprefix("sha256:"),
        data.get("executable", False) is True,
        None if unpacked is None else _number(unpacked),
    )


def _image(data: Mapping[str, Any]) -> Image:
    return Image(
        _text(data["name"]),
        tuple(map(_text, data["tags"])),
        _digest(data["manifest"]),
        _number(data["size"]),
        _text(data["kind"]),
        _digest(data["id"]),
        _text(data["source"]),
    )


def _snapshot(value: Any) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", _text(value)):
        raise ValueError
    return str(value)


def check_places(contents: Contents, places: Sequence[Place]) -> None:
    """Make sure that ``places`` are what ``contents`` list, no more, no less, in this order.

    Raises:
        BrokenBundleError: where they are not.
    """
    listed = [(part.name, part.size, part.executable) for part in contents.parts]
    if listed != [(place.name, place.size, place.executable) for place in places[:-1]]:
        raise BrokenBundleError("its files are not the ones that it lists")
    for part in contents.parts:
        known = part.name in {DOCUMENT, *OCI} or part.name.startswith((PROJECT, SNAPSHOTS, BLOBS))
        if not known or any(step.lower() in NEVER for step in part.name.split("/")):
            raise BrokenBundleError(f"{part.name} has no place in a bundle")
