"""Results about locks and copies."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from envman.output.results.common import Place


class LockChangeData(TypedDict):
    """An entry of a lock that was added, removed or changed."""

    kind: str
    name: str
    old: str | None
    new: str | None


class MoveData(TypedDict):
    """A tag that leads elsewhere now."""

    image: str
    old: str | None
    new: str | None
    used_by: list[str]
    created: str | None


class LockingData(TypedDict):
    """`lock`: an environment's lock."""

    environment: str
    file: str
    written: bool
    changes: list[LockChangeData]
    moves: list[MoveData]
    notices: list[str]


class LockDifference(TypedDict):
    """Where a lock and its blueprint part."""

    code: str
    kind: str
    name: str
    message: str
    locked: Any
    now: Any
    place: Place | None
    lock_place: Place | None


class LockChecked(TypedDict):
    """`lock --check`: an environment's lock."""

    environment: str
    differences: list[LockDifference]
    unknown: list[str]


class Parting(TypedDict):
    """Something that runs otherwise than it is locked or defined."""

    kind: str
    service: str
    container: str
    message: str


class Verified(TypedDict):
    """`verify`."""

    environment: str
    instance: str | None
    verified: bool
    blueprint: list[LockDifference]
    running: list[Parting]
    unknown: list[str]
    help: list[str]


class Finding(TypedDict):
    """An attribute of a copy beside production's."""

    subject: str
    attribute: str
    status: str
    production: Any
    copy: Any
    rule: str | None
    why: str | None


class Reproduced(TypedDict):
    """`reproduce`."""

    environment: str
    copy: str
    source: str
    counts: dict[str, int]
    findings: list[Finding]
