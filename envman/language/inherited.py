"""Variables of a container or a build that have a name and no value: Compose takes it from the process or ``.env``.

Compose looks in the process itself when it runs. What ``.env`` says is put in here, because envman gives Compose no
``.env`` file to look in. Source: https://docs.docker.com/reference/compose-file/services/#environment, and what
`docker compose config` made of both attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Map
from typing import Final

from envman.diagnostics import Span
from envman.source.tree import Mapping, Node, Scalar, Sequence, node_at, replace_entries

_PLACES: Final = (("environment",), ("build", "args"))


def inherited_names(tree: Mapping) -> Iterator[str]:
    """Yield the names without a value in ``tree``, in lists of short forms too."""
    services = tree.entries.get("services")
    for service in services.entries.values() if isinstance(services, Mapping) else ():
        for place in _PLACES:
            node = node_at(service, place)
            if isinstance(node, Mapping):
                yield from (name for name, value in node.entries.items() if _is_empty(value))
            elif isinstance(node, Sequence):
                texts = (item.value for item in node.items if isinstance(item, Scalar))
                yield from (text for text in texts if isinstance(text, str) and "=" not in text)


def give_values(tree: Mapping, process: Map[str, str], dotenv: Map[str, tuple[str, Span]]) -> Mapping:
    """Return the merged ``tree`` with what ``dotenv`` says of names that have no value; the process goes before it."""
    values = {name: value for name, value in dotenv.items() if name not in process}
    services = tree.entries.get("services")
    if not values or not isinstance(services, Mapping):
        return tree
    changed: dict[str, Node | None] = {}
    for name, service in services.entries.items():
        new = _in_service(service, values) if isinstance(service, Mapping) else service
        if new is not service:
            changed[name] = new
    return replace_entries(tree, {"services": replace_entries(services, changed)}) if changed else tree


def _in_service(service: Mapping, values: Map[str, tuple[str, Span]]) -> Mapping:
    build = service.entries.get("build")
    parts: dict[str, Node | None] = {"environment": _given(service.entries.get("environment"), values)}
    if isinstance(build, Mapping):
        arguments = _given(build.entries.get("args"), values)
        parts["build"] = None if arguments is None else replace_entries(build, {"args": arguments})
    parts = {key: node for key, node in parts.items() if node is not None}
    return replace_entries(service, parts) if parts else service


def _given(node: Node | None, values: Map[str, tuple[str, Span]]) -> Node | None:
    """Return ``node`` with values, or None where there is nothing to change."""
    if not isinstance(node, Mapping):
        return None
    names = [name for name, value in node.entries.items() if _is_empty(value) and name in values]
    if not names:
        return None
    return replace_entries(
        node, {name: Scalar(values[name][0], values[name][1], overrides=node.entries[name]) for name in names}
    )


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None and node.problem is None and node.tag is None
