"""A variable of an environment, once it has its value."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from envman.diagnostics import Diagnostic, Span
from envman.source.tree import Value

# Variables of these names, or of names that begin so, change what the docker command does, or what a file means to it.
STEERING: Final = ("COMPOSE_", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_CERT_PATH", "DOCKER_API_VERSION")


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


@dataclass(frozen=True, slots=True)
class Handed:
    """The variables that Compose looks up by itself, which envman hands over in Compose's own environment.

    ``values`` are those of ``environment: NAME`` of secrets and configs, and of the references in env files, by name.
    ``files`` says for each service (or job) which of them its env files use, and where. ``sources`` are the values of
    the variables that ``source: env`` names, which Compose does not get. ``unset`` are the names in env files and label
    files that nobody gives a value, and where; ``problems`` says that, and what else is wrong in them, by service.
    """

    values: Map[str, str] = field(default_factory=dict)
    files: Map[str, Map[str, Span]] = field(default_factory=dict)
    sources: Map[str, str] = field(default_factory=dict)
    unset: Map[str, Span] = field(default_factory=dict)
    problems: tuple[tuple[str, Diagnostic], ...] = ()
