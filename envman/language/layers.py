"""Blueprint files as layers, and the order in which they apply."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from envman.diagnostics import Report, Span
from envman.diagnostics.diagnostic import near_match
from envman.model.binding import bind
from envman.model.header import ENVIRONMENT_NAME, Header
from envman.source.tree import Mapping, Sequence, key_span, node_at, only, replace_entries

HEADER_KEYS = frozenset(Header.model_fields)
MOST_LEVELS = 100


@dataclass(frozen=True, slots=True)
class Layer:
    """One blueprint file: its name, header and whole Tree."""

    name: str
    header: Header
    tree: Mapping

    @property
    def body(self) -> Mapping:
        """The Tree without the header: what is interpolated, normalised and merged."""
        return replace_entries(self.tree, dict.fromkeys(HEADER_KEYS))

    def tree_key(self, *path: str) -> Span:
        """Return the place of the key at ``path``."""
        return key_span(self.tree, path)


def read_layer(name: str, tree: Mapping, report: Report) -> Layer | None:
    """Return ``tree`` as a layer, or None where its header has errors."""
    header, _ = bind(only(tree, *HEADER_KEYS), Header, report, what="a blueprint")
    return None if header is None else Layer(name, header, tree)


def linearise(name: str, load: Callable[[str], Layer | None], known: list[str], report: Report) -> list[Layer]:
    """Return the layers of environment ``name``, parents first, each ancestor once, ``name`` itself last.

    ``load`` returns a blueprint's layer (None where it has errors); ``known`` are the names that exist. A cycle or a
    missing parent goes to ``report``.
    """
    order: list[Layer] = []
    done: set[str] = set()

    def visit(current: str, chain: tuple[str, ...]) -> None:
        layer = load(current)
        if layer is None:
            done.add(current)
            return
        for index, parent in enumerate(layer.header.parents):
            span = _parent_span(layer, index)
            if parent in (*chain, current):
                cycle = (*chain, current)
                shown = " -> ".join((*cycle[cycle.index(parent) :], parent))
                report.error(
                    "EV202",
                    f"the parents form a cycle: {shown}",
                    span,
                    expected="a blueprint that does not extend this one",
                )
            elif len(chain) >= MOST_LEVELS:
                report.error("EV202", f"more than {MOST_LEVELS} levels of parents", span, expected="fewer levels")
            elif parent not in known:
                valid = re.fullmatch(ENVIRONMENT_NAME, parent)
                report.error(
                    "EV201",
                    f'there is no blueprint "{parent}"',
                    span,
                    expected=near_match(parent, known) or "the name of a file in blueprints/, without .yaml",
                    help=f"create blueprints/{parent}.yaml, or extend one of: {', '.join(known)}" if valid else "",
                )
            elif parent not in done:
                visit(parent, (*chain, current))
        if current not in done:
            done.add(current)
            order.append(layer)

    visit(name, ())
    return order


def _parent_span(layer: Layer, index: int) -> Span:
    node = node_at(layer.tree, ("extends",))
    if isinstance(node, Sequence):
        return node.items[index].span
    assert node is not None  # the header has a parent, so the key exists
    return node.span
