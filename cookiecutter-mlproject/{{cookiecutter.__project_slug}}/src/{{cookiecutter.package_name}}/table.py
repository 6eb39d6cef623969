"""The description of the table that models learn from: `table.toml`, read and checked."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator


class Number(BaseModel):
    """A column of numbers; where it may be empty, the median of the training rows stands in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["number"]
    minimum: FiniteFloat | None = None
    maximum: FiniteFloat | None = None
    missing: bool = False
    example: FiniteFloat | None = None


class Category(BaseModel):
    """A column of names. A name that is not among the values is like none of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["category"]
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    missing: bool = False
    example: str | None = None


Column = Annotated[Number | Category, Field(discriminator="kind")]


class Table(BaseModel):
    """Which table models learn from, what they predict, and the columns that they see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    """A CSV file in `data/raw`."""
    question: str
    target: str
    labels: Mapping[str, str]
    """What the target says, and what answers call it; in the order of the codes 0 and 1."""
    columns: Annotated[Mapping[str, Column], Field(min_length=1)]

    @field_validator("labels")
    @classmethod
    def _two(cls, labels: Mapping[str, str]) -> Mapping[str, str]:
        if len(labels) != 2 or len(set(labels.values())) != 2:
            raise ValueError("two values of the target are wanted, with different names")
        return labels

    @property
    def numbers(self) -> dict[str, Number]:
        """Give the columns of numbers, in their order."""
        return {name: one for name, one in self.columns.items() if isinstance(one, Number)}

    @property
    def categories(self) -> dict[str, Category]:
        """Give the columns of names, in their order."""
        return {name: one for name, one in self.columns.items() if isinstance(one, Category)}


def read_table(file: Path) -> Table:
    """Take a TOML file; give the description that it holds. Raises ValueError if it is none."""
    return Table.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
