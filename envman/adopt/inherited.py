"""Variables of a container that have a name and no value: Compose takes it from the process or from ``.env``."""

from __future__ import annotations

from collections.abc import Mapping as Map

from envman.adopt.changes import Changes
from envman.diagnostics import Report
from envman.source.tree import Mapping, Scalar, Sequence, node_at


def spell_out_inherited(changes: Changes, dotenv: Map[str, str], report: Report) -> None:
    """Write ``NAME: ${NAME}`` where ``.env`` has the value: envman gives Compose no ``.env`` to look in (EV805)."""
    services = changes.tree.entries.get("services")
    for definition in services.entries.values() if isinstance(services, Mapping) else ():
        for path in (("environment",), ("build", "args")):
            node = node_at(definition, path)
            if isinstance(node, Mapping):
                for name, value in node.entries.items():
                    if isinstance(value, Scalar) and value.value is None and value.tag is None and name in dotenv:
                        changes.set_scalar(value, f"${{{name}}}")
                        _say(name, value, report)
            elif isinstance(node, Sequence):
                for item in node.items:
                    if isinstance(item, Scalar) and isinstance(item.value, str) and item.value in dotenv:
                        changes.set_scalar(item, f"{item.value}=${{{item.value}}}")
                        _say(item.value, item, report)


def _say(name: str, node: Scalar, report: Report) -> None:
    report.warning(
        "EV805",
        f"{name} is taken from .env by the variable of that name",
        node.span,
        help="a name alone would be taken from the process only: envman shows Compose no .env file",
    )
