"""A rendered Compose file with the origin of each value as a comment behind its line."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Map
from typing import Any, Final

from envman.diagnostics.visible import visible
from envman.explanation.explain import using
from envman.explanation.own import why
from envman.explanation.view import ABSENT, Part, view
from envman.model.environment import Environment
from envman.model.variable import Variable
from envman.render.document import Document
from envman.source.tree import Path, Scalar

# Comments stand in one column, but for lines that are longer than this.
_COLUMN: Final = 72


def annotate(environment: Environment, document: Document) -> str:
    """Return the text of ``document`` with comments; as YAML it means the same."""
    root = view(environment.tree, document.data)
    comments = [_comment(root, path, environment.scope) for path in line_paths(document.data)]
    lines = document.text().removesuffix("\n").split("\n")
    header, body = lines[: -len(comments)], lines[-len(comments) :]
    column = min(max(map(len, body)), _COLUMN)
    annotated = (f"{line.ljust(column)}  # {comment}" for line, comment in zip(body, comments, strict=True))
    return "\n".join((*header, *annotated)) + "\n"


def line_paths(data: dict[str, Any]) -> Iterator[Path]:
    """Yield the path of what each line of ``write_yaml(data)`` holds: one line a scalar and a key of a collection."""
    return _of_mapping(data, ())


def _of_mapping(data: dict[str, Any], path: Path) -> Iterator[Path]:
    for key, value in data.items():
        yield (*path, key)
        yield from _below(value, (*path, key))


def _below(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        yield from _of_mapping(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            # A collection in a list begins on the line of its first entry.
            if not (isinstance(item, dict | list) and item):
                yield (*path, index)
            yield from _below(item, (*path, index))


def _comment(root: Part, path: Path, scope: Map[str, Variable]) -> str:
    part = _rendered_at(root, path)
    if part is None or part.node is None or part.assumed:
        return why(path)
    if not isinstance(part.node, Scalar):
        return visible(str(part.key or part.node.span))
    origin = [str(part.node.span)]
    variables = [using(scope, name) for name in part.node.variables]
    origin += [f"{one.name} from {one.source}" for one in variables if not one.is_built_in]
    if part.node.value == "auto" and part.rendered != "auto":
        origin.append("chosen by envman")
    return visible(", ".join(origin))


def _rendered_at(root: Part, path: Path) -> Part | None:
    current: Part | None = root
    for step in path:
        if current is None:
            return None
        if isinstance(step, int):
            # An entry that is not rendered takes no place in the Compose file's list.
            there = [child for child in current.children.values() if child.rendered is not ABSENT]
            current = there[step] if step < len(there) else None
        else:
            current = current.children.get(step)
    return current
