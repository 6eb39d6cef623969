"""Relative paths of a Compose file in another folder, written anew as seen from the project's root.

In a Compose file that is included or extended, relative paths mean its own folder (or the `project_directory` that
the include gives it); in a blueprint, and so in a render, they mean the project's root.

Source: compose-go's `paths` package, and what Compose 2.40 made of each (tests/attributes/test_include.py). It leaves
`credential_spec.file` and the sources of mounts that are no binds as they are.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Final

from envman.language.paths import PathTable
from envman.source.places import is_elsewhere
from envman.source.tree import Mapping, Node, Scalar, Sequence

Rebase = Callable[[Node, str], Node]


def rebase(tree: Mapping, folder: str) -> Mapping:
    """Return ``tree``, whose relative paths mean ``folder`` of the project, with paths that mean the root."""
    if folder in {"", "."}:
        return tree
    rebased = _walk(tree, _PATHS, folder)
    assert isinstance(rebased, Mapping)  # no rule stands at the top
    return rebased


def joined(folder: str, path: str) -> str:
    """Return ``path`` in ``folder`` as seen from the root, written as people write it: ``./a``, ``../b`` or ``/c``."""
    if posixpath.isabs(path) or path.startswith("~"):
        return path
    together = posixpath.normpath(posixpath.join(folder, path))
    return together if together.startswith("..") or posixpath.isabs(together) else f"./{together}"


def _walk(node: Node, table: PathTable[Rebase], folder: str) -> Node:
    if table.rule is not None:
        return table.rule(node, folder)
    if isinstance(node, Mapping):
        entries = dict(node.entries)
        for key, value in node.entries.items():
            below = table.below(key)
            if below is not None:
                entries[key] = _walk(value, below, folder)
        return node._replace(entries=entries)
    if isinstance(node, Sequence) and "*" in table.children:
        return node._replace(items=tuple(_walk(item, table.children["*"], folder) for item in node.items))
    return node


def _path(node: Node, folder: str) -> Node:
    if isinstance(node, Sequence):
        return node._replace(items=tuple(_path(item, folder) for item in node.items))
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value or node.problem is not None:
        return node
    return node if is_elsewhere(node.value) else node._replace(value=joined(folder, node.value))


def _include(node: Node, folder: str) -> Node:
    if isinstance(node, Mapping):
        return node._replace(entries={key: _path(value, folder) for key, value in node.entries.items()})
    return _path(node, folder)


def _field_where(name: str, test: Callable[[Mapping], bool]) -> Rebase:
    def rule(node: Node, folder: str) -> Node:
        if isinstance(node, Mapping) and name in node.entries and test(node):
            return node._replace(entries={**node.entries, name: _path(node.entries[name], folder)})
        return node

    return rule


def _text(node: Mapping, name: str) -> str:
    value = node.entries.get(name)
    return str(value.value) if isinstance(value, Scalar) and value.value is not None else ""


def _volume(node: Node, folder: str) -> Node:
    # Compose resolves the device of exactly these.
    options = node.entries.get("driver_opts") if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(options, Mapping) or _text(node, "driver") != "local":
        return node
    rebased = _field_where("device", lambda one: _text(one, "o") == "bind")(options, folder)
    return node._replace(entries={**node.entries, "driver_opts": rebased})


_PATHS: Final[PathTable[Rebase]] = PathTable(
    {
        "configs.*.file": _path,
        "include.*": _include,
        "secrets.*.file": _path,
        "services.*.build.additional_contexts.*": _path,
        "services.*.build.context": _path,
        "services.*.build.ssh.*": _path,
        "services.*.develop.watch.*.path": _path,
        "services.*.env_file.*.path": _path,
        "services.*.extends.file": _path,
        "services.*.label_file.*": _path,
        "services.*.volumes.*": _field_where("source", lambda mount: _text(mount, "type") == "bind"),
        "volumes.*": _volume,
    }
)
