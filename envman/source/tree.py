"""The Tree: YAML's three kinds of node as immutable values that know where they stand.

The origin of a value is its node's own span, and ``overrides`` is the node that it replaced when layers were
merged. So a Tree carries its origins with it through every stage, and ``explain``, ``diff`` and diagnostics only
have to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Map
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from envman.diagnostics import Diagnostic, Span

Value: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]


class Scalar(NamedTuple):
    """A single value.

    ``variables`` names the variables that were interpolated into it. ``problem`` is set where that failed: a value
    that a later layer overrides takes its problem with it, so it is reported only if the value survives.
    """

    value: Value
    span: Span
    tag: str | None = None
    overrides: Node | None = None
    variables: tuple[str, ...] = ()
    problem: Diagnostic | None = None


class Mapping(NamedTuple):
    """Keys to nodes in the order written, and where each key stands.

    ``removed`` are the ``!reset`` that took an entry away when layers were merged, by key; each ``overrides`` that.
    """

    entries: dict[str, Node]
    keys: dict[str, Span]
    span: Span
    tag: str | None = None
    overrides: Node | None = None
    removed: Map[str, Node] = MappingProxyType({})


class Sequence(NamedTuple):
    """Nodes in the order written."""

    items: tuple[Node, ...]
    span: Span
    tag: str | None = None
    overrides: Node | None = None


Node: TypeAlias = Scalar | Mapping | Sequence


def plain(node: Node) -> Any:
    """Return ``node`` as dicts, lists and scalars, without places."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.entries.items()}
    return [plain(item) for item in node.items]


def node_at(node: Node, path: Path) -> Node | None:
    """Return the node at ``path`` below ``node``, or None."""
    current: Node | None = node
    for step in path:
        if isinstance(current, Mapping) and isinstance(step, str):
            current = current.entries.get(step)
        elif isinstance(current, Sequence) and isinstance(step, int) and 0 <= step < len(current.items):
            current = current.items[step]
        else:
            return None
    return current


def span_at(node: Node, path: Path) -> Span:
    """Return the place of the node at ``path``, or of its nearest ancestor that exists."""
    for length in range(len(path), 0, -1):
        found = node_at(node, path[:length])
        if found is not None:
            return found.span
    return node.span


def key_span(node: Node, path: Path) -> Span:
    """Return the place of the key that ``path`` ends with, else of the value there or above it."""
    parent = node_at(node, path[:-1])
    if isinstance(parent, Mapping) and path and path[-1] in parent.keys:
        return parent.keys[str(path[-1])]
    return span_at(node, path)


def leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Scalar]]:
    """Yield every scalar below ``node`` with its path, in order."""
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.entries.items():
            yield from leaves(value, (*path, key))
    else:
        for index, item in enumerate(node.items):
            yield from leaves(item, (*path, index))


def dotted(path: Path) -> str:
    """Return a path as people write it: ``services.api.ports[0].target``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def replace_entries(node: Mapping, changes: dict[str, Node | None]) -> Mapping:
    """Return ``node`` with entries replaced (in place), added (at the end) or, where None, removed."""
    entries = dict(node.entries)
    keys = dict(node.keys)
    for key, value in changes.items():
        if value is None:
            entries.pop(key, None)
            keys.pop(key, None)
        else:
            entries[key] = value
            keys.setdefault(key, value.span)
    return node._replace(entries=entries, keys=keys)


def only(node: Mapping, *names: str) -> Mapping:
    """Return ``node`` with the entries in ``names`` alone."""
    if len(names) == 1:
        entries = {key: node.entries[key] for key in names if key in node.entries}
    else:
        entries = {key: value for key, value in node.entries.items() if key in names}
    return node._replace(entries=entries, keys={key: node.keys[key] for key in entries})
