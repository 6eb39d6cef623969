"""The variables of an environment: what each is and where that came from."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import NamedTuple

from envman.diagnostics import Diagnostic, Span
from envman.source.tree import Value


class Origin(NamedTuple):
    """Something that gives a variable a value: in words, and as a place where it has one."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A variable's value (None: declared without one) and where it came from, in words and as a place.

    ``problem`` says why there is none. It stands already where the variable is declared or set; a value that uses the
    variable repeats the same diagnostic, which a report keeps once. ``overrides`` are the origins that it won over,
    the next best first. ``confidential``: a secret takes its value from the same place.
    """

    value: Value
    origin: str
    span: Span | None = None
    declared: Span | None = None
    problem: Diagnostic | None = None
    overrides: tuple[Origin, ...] = ()
    confidential: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of an environment. ``secrets`` are names that must not be used as variables."""

    variables: Map[str, Resolved] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
