"""Results about blueprints, projects and this machine."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from envman.output.results.common import Place


class Created(TypedDict):
    """`new`."""

    project: str
    folder: str


class Initialised(TypedDict):
    """`init`."""

    project: str
    folder: str
    files: list[str]
    dockerfile: str | None
    ports: list[str]
    advice: list[str]


class UpdateChange(TypedDict):
    """A file that an update changes, with git's letter."""

    change: str
    path: str


class UpdateConflict(TypedDict):
    """A file that the template and the project changed."""

    path: str
    reason: str


Updated = TypedDict(
    "Updated",
    {
        "template": str,
        "from": str | None,
        "to": str,
        "changes": list[UpdateChange],
        "conflicts": list[UpdateConflict],
        "difference": str,
        "dry_run": bool,
    },
)


class Imported(TypedDict):
    """`import`."""

    environment: str
    folder: str
    files: list[str]


class CapturedImage(TypedDict):
    """An image of a captured stack."""

    digest: str | None
    id: str | None
    used_by: list[str]


class CapturedSecret(TypedDict):
    """A value that looks secret, without it."""

    place: str
    reason: str
    shown: str


class Captured(TypedDict):
    """`capture`."""

    environment: str
    folder: str
    files: list[str]
    services: list[str]
    images: dict[str, CapturedImage]
    secrets: list[CapturedSecret]
    variables: list[str]


class Checked(TypedDict):
    """`check`: how many errors and warnings."""

    environments: list[str]
    errors: int
    warnings: int


class RenderedFile(TypedDict):
    """`render` into a file."""

    environment: str
    file: str


class RenderedText(TypedDict):
    """`render --output -`."""

    environment: str
    text: str


class Page(TypedDict):
    """`explain CODE`."""

    code: str
    title: str
    page: str


class Override(TypedDict):
    """A value that a later layer replaced."""

    value: Any
    withheld: bool
    place: Place | None


class ExplainedValue(TypedDict):
    """A value and where it comes from."""

    path: str
    value: Any
    withheld: bool
    unset: bool
    written: str | None
    rendered: Any
    by: Literal["blueprint", "envman"]
    reason: str | None
    place: Place | None
    overrides: list[Override]
    variables: list[str]


class VariableOrigin(TypedDict):
    """An origin that a variable's value won over."""

    origin: str
    place: Place | None


class UsedVariable(TypedDict):
    """A variable in a value."""

    value: Any
    withheld: bool
    origin: str
    place: Place | None
    declared: Place | None
    overrides: list[VariableOrigin]


class Explained(TypedDict):
    """`explain ENV PATH`."""

    environment: str
    path: str
    values: list[ExplainedValue]
    variables: dict[str, UsedVariable]


class Side(TypedDict):
    """One side of a difference."""

    present: bool
    value: Any
    withheld: bool
    unset: bool
    place: Place | None
    variables: dict[str, UsedVariable]


class DifferenceData(TypedDict):
    """A value in which two environments differ."""

    group: str
    service: str | None
    path: str
    left: Side
    right: Side


class Differences(TypedDict):
    """`diff`."""

    left: str
    right: str
    different: bool
    differences: list[DifferenceData]


class Chosen(TypedDict):
    """`use`."""

    environment: str | None
    instance: str | None


class DoctorCheck(TypedDict):
    """`doctor`: a check."""

    check: str
    status: Literal["ok", "warn", "fail", "skip"]
    detail: str
    help: str


class WrittenFile(TypedDict):
    """`schema --output`."""

    file: str
