"""What an environment needs that not every Compose knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from envman.model.environment import Environment
from envman.model.stack import NEEDS_COMPOSE
from envman.source.tree import Path


class Need(NamedTuple):
    """An attribute that is used, and the first release of Compose that knows it."""

    path: Path
    version: str

    @property
    def name(self) -> str:
        """The attribute's path as people read it."""
        return ".".join(map(str, self.path))


def needs_of(environment: Environment) -> list[Need]:
    """Return the attributes of ``environment`` that need a newer Compose than 2.40, in the order of the table."""
    return [
        Need(path, version)
        for pattern, version in NEEDS_COMPOSE.items()
        for path in _matches(environment.data, pattern, ())
    ]


def _matches(data: Any, pattern: tuple[str, ...], path: Path) -> Iterator[Path]:
    if not pattern:
        yield path
        return
    step, *below = pattern
    if isinstance(data, list):
        for index, item in enumerate(data if step == "*" else ()):
            yield from _matches(item, tuple(below), (*path, index))
    elif isinstance(data, dict):
        for key in data if step == "*" else (key for key in (step,) if key in data):
            yield from _matches(data[key], tuple(below), (*path, key))


def release(version: str) -> tuple[int, ...]:
    """Return a version as numbers that can be compared: ``v2.40.3-3`` is 2, 40, 3."""
    numbers = [int(part) for part in re.findall(r"\d+", version)[:3]]
    return (*numbers, 0, 0, 0)[:3]
