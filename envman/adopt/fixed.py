"""What an environment fixes that only one on a machine can have: kept with a warning, or freed by ``--adapt``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from envman.adopt.changes import Changes
from envman.diagnostics import Report, Span
from envman.source.tree import Mapping, Node, Scalar, Sequence, node_at

_ENTRY: Final = "freed by envman import --adapt"
_SHORT: Final = re.compile(
    r"(?P<ip>(?:\[[^\]]*\]|[^:$]*):)?(?P<published>\d+(?:-\d+)?|\$\{[^{}:]*:?-(?P<default>\d+)\})"
    r"(?P<rest>:\d+(?:-\d+)?(?:/\w+)?)"
)
_DEFAULT: Final = re.compile(r"(\$\{[A-Za-z_]\w*:?-)\d+(\})")


def fixed_things(changes: Changes, report: Report, *, adapt: bool) -> None:
    """Say what in the document of ``changes`` forbids a second environment (EV806), or free it (EV807)."""
    tree = changes.tree
    services = tree.entries.get("services")
    for name, service in services.entries.items() if isinstance(services, Mapping) else ():
        if not isinstance(service, Mapping):
            continue
        _container_name(changes, name, service, report, adapt=adapt)
        ports = service.entries.get("ports")
        found = [_port(port) for port in ports.items] if isinstance(ports, Sequence) else []
        _ports(changes, name, [one for one in found if one is not None], report, adapt=adapt)
    for kind in ("networks", "volumes", "configs", "secrets"):
        section = tree.entries.get(kind)
        for name, entry in section.entries.items() if isinstance(section, Mapping) else ():
            if isinstance(entry, Mapping):
                _resource(changes, f"{kind[:-1]} {name}", entry, report, adapt=adapt)


def _container_name(changes: Changes, name: str, service: Mapping, report: Report, *, adapt: bool) -> None:
    node = service.entries.get("container_name")
    if not isinstance(node, Scalar) or node.value is None:
        return
    if adapt:
        changes.remove(service.keys["container_name"], _ENTRY)
        _freed(f"container_name {node.value} of {name} is left out: Compose names the container", node.span, report)
    else:
        _forbids(f"{name} has the container name {node.value}", node.span, report)


def _port(port: Node) -> tuple[Scalar, str | None] | None:
    """Return what fixes the host port of an entry, and what frees it (None: a variable does it alone)."""
    published = port.entries.get("published") if isinstance(port, Mapping) else port
    if not isinstance(published, Scalar) or published.value in (None, 0, "0"):
        return None
    text = str(published.value)
    if isinstance(port, Mapping):
        if re.fullmatch(r"\d+(-\d+)?", text):
            return published, "auto"
        if _DEFAULT.fullmatch(text):
            return published, _DEFAULT.sub(r"\1auto\2", text)
    else:
        match = _SHORT.fullmatch(text)
        if match is not None:
            host = match["published"]
            host = _DEFAULT.sub(r"\1auto\2", host) if match["default"] else "auto"
            return published, (match["ip"] or "") + host + match["rest"]
    return (published, None) if "$" in text else None


def _ports(changes: Changes, name: str, found: list[tuple[Scalar, str | None]], report: Report, *, adapt: bool) -> None:
    kept = [node for node, new in found if new is None or not adapt]
    for node, new in found:
        if adapt and new is not None:
            changes.set_scalar(node, new)
            _freed(f"{name} publishes {node.value} on a free host port: {new}", node.span, report)
    if kept:
        plural = "s" if len(kept) > 1 else ""
        ports = ", ".join(str(node.value) for node in kept)
        _forbids(f"{name} publishes the fixed host port{plural} {ports}", kept[0].span, report)


def _resource(changes: Changes, what: str, entry: Mapping, report: Report, *, adapt: bool) -> None:
    node = entry.entries.get("name")
    external = entry.entries.get("external")
    if external is not None and not (isinstance(external, Scalar) and external.value in (False, "false", None)):
        if not what.startswith(("config", "secret")):
            _forbids(f"{what} is external: every environment uses the same one", entry.span, report, advice="")
        return
    if isinstance(node, Scalar) and node.value is not None:
        if adapt:
            changes.remove(entry.keys["name"], _ENTRY)
            _freed(f"{what} gets a name of its own in each environment, not {node.value}", node.span, report)
        else:
            _forbids(f"{what} has the fixed name {node.value}", node.span, report)
    for subnet in _subnets(entry):
        _forbids(f"{what} has the fixed subnet {subnet.value}", subnet.span, report, advice="give each its own")


def _subnets(entry: Mapping) -> Iterator[Scalar]:
    config = node_at(entry, ("ipam", "config"))
    for pool in config.items if isinstance(config, Sequence) else ():
        subnet = pool.entries.get("subnet") if isinstance(pool, Mapping) else None
        if isinstance(subnet, Scalar):
            yield subnet


def _freed(message: str, span: Span, report: Report) -> None:
    report.warning("EV807", message, span)


def _forbids(
    message: str, span: Span, report: Report, *, advice: str = "`envman import --adapt` frees names and host ports"
) -> None:
    report.warning("EV806", f"{message}: a second environment cannot run beside this one", span, help=advice)
