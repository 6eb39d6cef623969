"""A variable of an environment, once it has its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from envman.diagnostics import Span
from envman.source.tree import Value


class Origin(NamedTuple):
    """Something that gives a variable a value: in words, and as a place where it has one."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's value and where it comes from.

    ``declared`` is None for one that envman itself gives its value. ``overrides`` are the origins that ``origin`` won
    over, the next best first. ``confidential``: a secret takes its value from the same place.
    """

    value: Value
    origin: Origin
    declared: Span | None = None
    overrides: tuple[Origin, ...] = ()
    confidential: bool = False
