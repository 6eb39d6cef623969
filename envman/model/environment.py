"""An environment: what all stages before make, and all stages after read."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from typing import Any

from envman.diagnostics import Span
from envman.model.stack import Stack
from envman.model.variable import Handed, Variable
from envman.source.tree import Mapping, Path, key_span, span_at


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of a project, merged and bound.

    ``stack`` is typed, ``data`` the same as plain data with keys in the author's order and with ``x-`` extensions,
    ``tree`` the same with the origin of every leaf. ``layers`` names the blueprints, parents first; ``files`` their
    paths as shown; ``reached`` the files that each of them includes or extends (empty where none does). ``scope`` holds
    the variables with their origins, ``used_variables`` the names of those that are used, ``handed`` those that Compose
    looks up by itself. ``by_labels`` says that no blueprint was read: it is made from what is on the engine.
    """

    project: str
    name: str
    instance: str | None
    description: str
    protected: bool
    layers: tuple[str, ...]
    files: tuple[str, ...]
    stack: Stack
    data: dict[str, Any]
    tree: Mapping
    scope: Map[str, Variable] = field(default_factory=dict)
    reached: tuple[tuple[str, ...], ...] = ()
    used_variables: frozenset[str] = frozenset()
    by_labels: bool = False
    handed: Handed = field(default_factory=Handed)

    @property
    def variables(self) -> Map[str, Span]:
        """The variables that blueprints declare, and where."""
        return {name: one.declared for name, one in self.scope.items() if one.declared is not None}

    @property
    def key(self) -> str:
        """The environment's name in this checkout: ``dev``, or ``dev-bob`` for instance ``bob``."""
        return self.name if self.instance is None else f"{self.name}-{self.instance}"

    @property
    def compose_project(self) -> str:
        """The name of the Compose project: ``<project>-<environment>[-<instance>]``."""
        return f"{self.project}-{self.key}"

    def image(self, service: str) -> str | None:
        """Return the reference of a service's image: its own, or the one that Compose gives to what it builds."""
        definition = self.stack.services[service]
        if definition.image is None and definition.build is not None:
            return f"{self.compose_project}-{service}"
        return definition.image

    def only(self, services: Collection[str]) -> Environment:
        """Return the environment with ``services`` alone in its ``stack``; ``data`` and ``tree`` keep all."""
        kept = {name: one for name, one in self.stack.services.items() if name in services}
        return replace(self, stack=self.stack.with_services(kept))

    def span(self, *path: str | int) -> Span:
        """Return where the value at ``path`` was set."""
        return span_at(self.tree, path)

    def key_span(self, *path: str | int) -> Span:
        """Return where the key at ``path`` was written last."""
        return key_span(self.tree, path)

    def origin(self, path: Path) -> str:
        """Return ``file:line:col`` of the value at ``path``."""
        return str(span_at(self.tree, path))
