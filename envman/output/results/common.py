"""What results of several commands have."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class Place(TypedDict):
    """A place in a file, from 1."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Note(TypedDict):
    """A further remark of a diagnostic."""

    text: str
    place: Place | None


class DiagnosticData(TypedDict):
    """An error or a warning."""

    code: str
    severity: Literal["error", "warning"]
    title: str
    message: str
    place: Place | None
    expected: str
    notes: list[Note]
    help: str
    detail: str


class UrlData(TypedDict):
    """Where a published port can be reached; ``name`` is the port's in the blueprint, where that was read."""

    service: str
    port: int
    name: str | None
    url: str


class LeftOut(TypedDict):
    """What a bundle does not hold, and why."""

    what: str
    why: str
