"""A blueprint's header, and the project file."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic_core import PydanticCustomError

from envman.model.fields import Attributes, Bounds, Discriminator, made_by
from envman.model.types import Duration, Null, Opaque, Scalar, Size, Text

LANGUAGE: Final = 1
LONGEST_PATTERN: Final = 1000
PROJECT_NAME: Final = r"^[a-z][a-z0-9-]{0,38}[a-z0-9]$|^[a-z]$"
# No `-`: a Compose project is named PROJECT-ENVIRONMENT[-INSTANCE], and must be readable backwards.
ENVIRONMENT_NAME: Final = r"^[a-z][a-z0-9_]{0,29}$"


class Declaration(Attributes):
    """What variables of every type have."""

    extra = "forbid"

    env: Text | None = None
    description: Text | None = None


def _pattern(value: Any) -> Any:
    expected = "a regular expression"
    if value.__class__ is not str:
        raise PydanticCustomError("EV106", "", {"expected": expected})
    if len(value) > LONGEST_PATTERN:
        raise PydanticCustomError("EV108", f"longer than {LONGEST_PATTERN} characters", {"expected": expected})
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        message = f"not a regular expression: {error}".replace("{", "{{").replace("}", "}}")
        raise PydanticCustomError("EV108", message, {"expected": expected}) from None
    return value


class StringVariable(Declaration):
    """Any text, or text that matches a regular expression as a whole."""

    type: Literal["string"]
    default: Annotated[Text | None, Null] = None
    pattern: Annotated[str, Scalar(_pattern, ("string",))] | None = None


class IntegerVariable(Declaration):
    """A whole number, within bounds."""

    type: Literal["int"]
    default: Annotated[int | None, Null] = None
    min: int | None = None
    max: int | None = None


class NumberVariable(Declaration):
    """A number, within bounds."""

    type: Literal["number"]
    default: Annotated[int | float | None, Null] = None
    min: int | float | None = None
    max: int | float | None = None


class BooleanVariable(Declaration):
    """true or false."""

    type: Literal["bool"]
    default: Annotated[bool | None, Null] = None


class EnumVariable(Declaration):
    """One of the values listed."""

    type: Literal["enum"]
    values: Annotated[list[str | int], Bounds(min_length=1)]
    default: Annotated[str | int | None, Null] = None


class PortVariable(Declaration):
    """A host port, or ``auto``: a free one, stable for the environment."""

    type: Literal["port"]
    default: Annotated[int | Literal["auto"] | None, Null] = None


class SizeVariable(Declaration):
    """A number of bytes such as ``512m``, within bounds."""

    type: Literal["size"]
    default: Annotated[Size | None, Null] = None
    min: Size | None = None
    max: Size | None = None


class DurationVariable(Declaration):
    """A duration such as ``90s``, within bounds."""

    type: Literal["duration"]
    default: Annotated[Duration | None, Null] = None
    min: Duration | None = None
    max: Duration | None = None


Variable = Annotated[
    StringVariable
    | IntegerVariable
    | NumberVariable
    | BooleanVariable
    | EnumVariable
    | PortVariable
    | SizeVariable
    | DurationVariable,
    Discriminator("type"),
]


class Declarations(Attributes):
    """The variables of all layers, merged."""

    variables: dict[str, Variable] = made_by(dict)


class Header(Attributes):
    """What a blueprint says of itself. Of these only ``variables`` reach its children, merged like everything else."""

    extends: Text | list[Text] | None = None
    description: Text | None = None
    abstract: bool = False
    protected: bool = False
    variables: Opaque = None

    @property
    def parents(self) -> list[str]:
        """The names after ``extends``, in order."""
        if self.extends is None:
            return []
        return [self.extends] if isinstance(self.extends, str) else self.extends


def _project_name(value: Any) -> Any:
    if value.__class__ is str and re.fullmatch(PROJECT_NAME, value):
        return value
    expected = "up to 40 lower-case letters, digits and -, a letter first"
    raise PydanticCustomError("EV004", "not a name for a project", {"expected": expected})


class ProjectFile(Attributes):
    """``envman.yaml``."""

    name: Annotated[str, Scalar(_project_name, ("string",))]
    language: int
    requires: Text | None = None
    # Checked by `model.places`, which knows where each side stands.
    registry: dict[str, Text] | None = None
    snapshots: Text | None = None


class MachineFile(Attributes):
    """``registry.yaml`` in the user's configuration: what holds for all projects on a machine."""

    registry: dict[str, Text] | None = None
