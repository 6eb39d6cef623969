"""What is said of a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from envman.diagnostics import Span
from envman.model.variable import Origin
from envman.source.tree import Path


@dataclass(frozen=True, slots=True)
class Earlier:
    """A value that was replaced, and where it stands."""

    value: Any
    span: Span
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Using:
    """A variable that was interpolated: ``origin`` says in words what gave it its value, ``span`` where that stands.

    ``overrides`` are the origins that it won over, the next best first.
    """

    name: str
    value: Any
    origin: str
    span: Span | None = None
    declared: Span | None = None
    withheld: bool = False
    overrides: tuple[Origin, ...] = ()

    @property
    def is_built_in(self) -> bool:
        """Whether envman gave it its value: the names of project, environment and instance."""
        return self.declared is None

    @property
    def source(self) -> str:
        """Where the value came from, in a few words: ``--set``, ``.env:3``, ``blueprints/dev.yaml:4:20``."""
        return place_of(self.origin, self.span)


def place_of(origin: str, span: Span | None) -> str:
    """Return an origin in a few words. Of a ``.env`` file the line is enough: it holds one value."""
    if span is None:
        return origin
    return f"{span.source.name}:{span.line}" if span.source.confidential else str(span)


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar, or a collection without entries, and where it comes from.

    ``span`` is None where envman itself made the value; ``reason`` says then why, and otherwise what envman does with
    it. ``written`` is the text in the file where that says more than the value. ``rendered`` is what the Compose file
    has instead, if that is something else. ``earlier`` is the chain of what it replaced, the last replaced first.
    ``unset`` says that there is no value yet, because a variable has none.
    """

    path: Path
    value: Any
    span: Span | None
    reason: str = ""
    written: str = ""
    rendered: Any = None
    withheld: bool = False
    earlier: tuple[Earlier, ...] = ()
    using: tuple[str, ...] = ()
    unset: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """The values at and below a path, in order, and the variables in them."""

    environment: str
    path: Path
    values: tuple[Value, ...]
    variables: dict[str, Using]
