"""Tables of ``path pattern -> rule``: ``*`` matches one key of a mapping or every item of a list."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Map
from typing import Generic, TypeVar

Rule = TypeVar("Rule")


class PathTable(Generic[Rule]):
    """Rules by pattern, walked downwards one step at a time."""

    __slots__ = ("children", "rule")

    def __init__(self, rows: Map[str, Rule] | None = None) -> None:
        self.rule: Rule | None = None
        self.children: dict[str, PathTable[Rule]] = {}
        for pattern, rule in (rows or {}).items():
            self._insert(pattern.split("."), rule)

    def _insert(self, steps: Iterable[str], rule: Rule) -> None:
        table = self
        for step in steps:
            table = table.children.setdefault(step, PathTable())
        table.rule = rule

    def below(self, step: str) -> PathTable[Rule] | None:
        """Return the table for what is under key ``step``, or None where no rule lies that way."""
        return self.children.get(step) or self.children.get("*")
