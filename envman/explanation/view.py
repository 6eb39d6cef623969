"""The blueprint's Tree and the rendered Document side by side: each value with its origin, or known to be envman's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from envman.diagnostics import Span
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, Value

ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Part:
    """A value: what the blueprints say (``node``, None where they say nothing) and what the Compose file has.

    ``before`` are the nodes that ``node`` replaced, the last replaced first. ``key`` is where its key stands.
    ``assumed`` marks what a long form does not say, and envman took for granted.
    """

    path: Path
    node: Node | None
    rendered: Any
    key: Span | None = None
    before: tuple[Node, ...] = ()
    children: dict[str | int, Part] = field(default_factory=dict)
    assumed: bool = False

    @property
    def value(self) -> Value:
        """The scalar here, of the blueprints where they have one."""
        if isinstance(self.node, Scalar):
            return self.node.value
        return self.rendered if isinstance(self.rendered, str | int | float | bool) else None

    @property
    def is_list(self) -> bool:
        """Whether this is a list."""
        return isinstance(self.node, Sequence) or (self.node is None and isinstance(self.rendered, list))

    def walk(self) -> Iterator[Part]:
        """Yield this and all below, in order."""
        yield self
        for child in self.children.values():
            yield from child.walk()


def view(tree: Mapping, rendered: dict[str, Any]) -> Part:
    """Return ``tree`` and the data of its Document as one."""
    return _part((), tree, rendered, None, ())


def _part(path: Path, node: Node | None, rendered: Any, key: Span | None, outer: tuple[Node, ...]) -> Part:
    before = _history(node, path[-1] if path else None, outer)
    children: dict[str | int, Part] = {}
    if isinstance(node, Mapping):
        there = rendered if isinstance(rendered, dict) else {}
        for name, child in node.entries.items():
            value = there.get(name, ABSENT)
            part = _part((*path, name), child, value, node.keys.get(name), before)
            children[name] = replace(part, assumed=True) if _is_assumed((node, *before), name, child) else part
        for name, value in there.items():
            if name not in children:
                children[name] = _part((*path, name), None, value, None, ())
    elif isinstance(node, Sequence):
        there_items = rendered if isinstance(rendered, list) else []
        for index, item in enumerate(node.items):
            children[index] = _part((*path, index), item, _counterpart(node, index, there_items), None, ())
    elif node is None and isinstance(rendered, dict):
        children = {name: _part((*path, name), None, value, None, ()) for name, value in rendered.items()}
    elif node is None and isinstance(rendered, list):
        children = {index: _part((*path, index), None, value, None, ()) for index, value in enumerate(rendered)}
    return Part(path, node, rendered, key, before, children)


def _is_assumed(wholes: tuple[Node, ...], name: str, child: Node) -> bool:
    # A short form's fields all stand where the short form does; in a long form only an assumed one has no own place.
    return name == "protocol" and any(
        isinstance(one, Mapping)
        and one.span == child.span
        and any(part.span != one.span for part in one.entries.values())
        for one in wholes
    )


def _counterpart(node: Sequence, index: int, rendered: list[Any]) -> Any:
    """Return what became of an entry: lists stay as they are, but for grants of secrets that this machine lacks."""
    if len(rendered) == len(node.items):
        return rendered[index]
    wanted = _source(node.items[index])
    return next((one for one in rendered if isinstance(one, dict) and one.get("source") == wanted), ABSENT)


def _source(node: Node) -> Value:
    source = node.entries.get("source") if isinstance(node, Mapping) else None
    return source.value if isinstance(source, Scalar) else None


def _history(node: Node | None, step: str | int | None, outer: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return what ``node`` replaced: by itself, or as a part of a whole that was replaced."""
    if node is None:
        return ()
    found: list[Node] = []
    seen = {node.span}

    def follow(one: Node | None) -> None:
        while one is not None:
            if one.span not in seen:
                seen.add(one.span)
                found.append(one)
            one = one.overrides

    follow(node.overrides)
    for whole in outer:
        if isinstance(whole, Mapping) and isinstance(step, str):
            follow(whole.entries.get(step))
    return tuple(found)
