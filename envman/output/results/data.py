"""Results about volumes, secrets, snapshots and bundles."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from envman.output.results.common import LeftOut


class VolumeData(TypedDict):
    """`volumes`: a volume."""

    volume: str
    name: str
    exists: bool
    retain: str
    services: list[str]


class NetworkData(TypedDict):
    """`networks`: a network."""

    network: str
    name: str
    exists: bool
    internal: bool
    services: list[str]


class SecretData(TypedDict):
    """`secrets list`: a secret, without its value."""

    secret: str
    source: str
    stored: bool


class SecretSet(TypedDict):
    """`secrets set`."""

    environment: str
    secret: str
    changed: bool


class SecretShown(TypedDict):
    """`secrets show`."""

    environment: str
    secret: str
    value: str


class DamagedSnapshot(TypedDict):
    """A snapshot that cannot be read."""

    environment: str
    name: str
    damaged: Literal[True]


class SnapshotRow(TypedDict):
    """`snapshot list`: a snapshot."""

    environment: str
    name: str
    damaged: Literal[False]
    created: str
    stored_bytes: int
    volumes: list[str]
    reason: str


class ArchiveData(TypedDict):
    """A file of a snapshot."""

    file: str
    size: int
    stored: int
    sha256: str


class FilesData(TypedDict):
    """The files of a volume in a snapshot."""

    archive: ArchiveData
    index: ArchiveData
    entries: int
    bytes: int
    content: str


class AnonymousPlace(TypedDict):
    """Where an anonymous volume was mounted."""

    service: str
    number: int
    target: str


class VolumeCopyData(TypedDict):
    """A volume in a snapshot."""

    key: str
    volume: str
    consistency: str
    files: FilesData | None
    dump: str
    way: str
    not_carried: list[str]
    place: AnonymousPlace | None


class DumpData(TypedDict):
    """What a hook wrote."""

    service: str
    command: list[str]
    archive: ArchiveData


class SnapshotData(TypedDict):
    """`snapshot show`."""

    environment: str
    name: str
    damaged: Literal[False]
    created: str
    stored_bytes: int
    reason: str
    project: str
    envman: str
    blueprint: str
    volumes: list[VolumeCopyData]
    dumps: list[DumpData]
    images: dict[str, dict[str, Any]]
    folder: str


class SnapshotCreated(SnapshotData):
    """`snapshot create`: ``left_out`` is what it does not hold, in words."""

    left_out: list[str]


class BundleImage(TypedDict):
    """An image in a bundle."""

    name: str
    tags: list[str]
    manifest: str
    size: int
    kind: str
    id: str
    source: str


class BundleFile(TypedDict):
    """A file in a bundle."""

    name: str
    size: int
    sha256: str
    executable: bool
    unpacked: int | None


class BundleData(TypedDict):
    """`bundle show`."""

    project: str
    environment: str
    platform: str
    envman: str
    images: list[BundleImage]
    files: list[BundleFile]
    snapshots: list[str]
    left_out: list[LeftOut]


class BundleMade(TypedDict):
    """`bundle create`."""

    file: str
    size: int
    sha256: str
    project: str
    environment: str
    platform: str
    envman: str
    images: list[BundleImage]
    files: list[BundleFile]
    snapshots: list[str]
    left_out: list[LeftOut]


class LoadedImage(TypedDict):
    """An image that a bundle brought."""

    name: str
    id: str
    loaded: bool


class BundleLoaded(TypedDict):
    """`bundle load`."""

    project: str
    environment: str
    images: list[LoadedImage]
    folder: str | None
    snapshots: list[str]
    left_out: list[LeftOut]


class SnapshotRestored(TypedDict):
    """`snapshot restore`."""

    environment: str
    snapshot: str
    volumes: list[str]
    hooks: list[str]
    safety_snapshot: str | None
    started: bool


class SnapshotsDeleted(TypedDict):
    """`snapshot delete`, `snapshot prune`."""

    environment: str
    deleted: list[str]
