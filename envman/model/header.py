"""A blueprint's header, and the project file."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from envman.model.attributes import Attributes
from envman.model.types import Opaque, Size, Text

LANGUAGE: Final = 1
PROJECT_NAME: Final = r"^[a-z][a-z0-9-]{0,38}[a-z0-9]$|^[a-z]$"
# No `-`: a Compose project is named PROJECT-ENVIRONMENT[-INSTANCE], and must be readable backwards.
ENVIRONMENT_NAME: Final = r"^[a-z][a-z0-9_]{0,29}$"


class Declaration(Attributes):
    """What variables of every type have."""

    model_config = ConfigDict(extra="forbid")

    env: Text | None = None
    description: Text | None = None


class StringVariable(Declaration):
    """Any text, or text that matches a regular expression as a whole."""

    type: Literal["string"]
    default: StrictStr | None = None
    pattern: Text | None = None


class IntegerVariable(Declaration):
    """A whole number, within bounds."""

    type: Literal["int"]
    default: StrictInt | None = None
    min: StrictInt | None = None
    max: StrictInt | None = None


class NumberVariable(Declaration):
    """A number, within bounds."""

    type: Literal["number"]
    default: StrictInt | StrictFloat | None = None
    min: StrictInt | StrictFloat | None = None
    max: StrictInt | StrictFloat | None = None


class BooleanVariable(Declaration):
    """true or false."""

    type: Literal["bool"]
    default: StrictBool | None = None


class EnumVariable(Declaration):
    """One of the values listed."""

    type: Literal["enum"]
    values: list[StrictStr | StrictInt] = Field(min_length=1)
    default: StrictStr | StrictInt | None = None


class PortVariable(Declaration):
    """A host port, or ``auto``: a free one, stable for the environment."""

    type: Literal["port"]
    default: StrictInt | Literal["auto"] | None = None


class SizeVariable(Declaration):
    """A number of bytes such as ``512m``, within bounds."""

    type: Literal["size"]
    default: Size | None = None
    min: Size | None = None
    max: Size | None = None


class DurationVariable(Declaration):
    """A duration such as ``90s``, within bounds."""

    type: Literal["duration"]
    default: Text | None = None
    min: Text | None = None
    max: Text | None = None


Variable = Annotated[
    StringVariable
    | IntegerVariable
    | NumberVariable
    | BooleanVariable
    | EnumVariable
    | PortVariable
    | SizeVariable
    | DurationVariable,
    Field(discriminator="type"),
]


class Declarations(Attributes):
    """The variables of all layers, merged."""

    variables: dict[str, Variable] = {}


class Header(Attributes):
    """What a blueprint says of itself. Of these only ``variables`` reach its children, merged like everything else."""

    extends: Text | list[Text] | None = None
    description: Text | None = None
    abstract: StrictBool = False
    protected: StrictBool = False
    variables: Opaque = None

    @property
    def parents(self) -> list[str]:
        """The names after ``extends``, in order."""
        if self.extends is None:
            return []
        return [self.extends] if isinstance(self.extends, str) else self.extends


class ProjectFile(Attributes):
    """``envman.yaml``."""

    name: Annotated[StrictStr, Field(pattern=PROJECT_NAME)]
    language: StrictInt
    requires: Text | None = None
    registry: dict[str, Text] | None = None
