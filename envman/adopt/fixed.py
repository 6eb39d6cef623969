"""What an environment fixes that only one on a machine can have: kept with a warning, or freed by ``--adapt``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Map
from pathlib import Path
from typing import Final

from envman.adopt.changes import Changes
from envman.adopt.paths import writable_binds
from envman.diagnostics import Note, Report, Span
from envman.source.git import holds_data
from envman.source.tree import Mapping, Node, Scalar, Sequence, node_at

_ENTRY: Final = "freed by envman import --adapt"
# Of many fixed things, the first are named.
_SHOWN: Final = 3
_SHORT: Final = re.compile(
    r"(?P<ip>(?:\[[^\]]*\]|[^:$]*):)?(?P<published>\d+(?:-\d+)?|\$\{[^{}:]*:?-(?P<default>\d+)\})"
    r"(?P<rest>:\d+(?:-\d+)?(?:/\w+)?)"
)
_DEFAULT: Final = re.compile(r"(\$\{[A-Za-z_]\w*:?-)\d+(\})")


def fixed_things(changes: Changes, folder: Path, process: Map[str, str], report: Report, *, adapt: bool) -> list[Note]:
    """Free what in the document of ``changes`` forbids a second environment (EV807), and return what is left of it.

    ``folder`` is what its paths are relative to.
    """
    fixed: list[Note] = []
    tree = changes.tree
    services = tree.entries.get("services")
    for name, service in services.entries.items() if isinstance(services, Mapping) else ():
        if not isinstance(service, Mapping):
            continue
        fixed += _container_name(changes, name, service, report, adapt=adapt)
        ports = service.entries.get("ports")
        found = [_port(port) for port in ports.items] if isinstance(ports, Sequence) else []
        fixed += _ports(changes, name, [one for one in found if one is not None], report, adapt=adapt)
    if adapt:
        fixed += _folders(changes, folder, process, report)
    for kind in ("networks", "volumes", "configs", "secrets"):
        section = tree.entries.get(kind)
        for name, entry in section.entries.items() if isinstance(section, Mapping) else ():
            if isinstance(entry, Mapping):
                fixed += _resource(changes, f"{kind[:-1]} {name}", entry, report, adapt=adapt)
    return fixed


def warn_of_fixed(fixed: list[Note], report: Report) -> None:
    """Say once that what is ``fixed`` forbids a second environment (EV806)."""
    if fixed:
        several = len(fixed) > 1
        rest = len(fixed) - _SHOWN
        more = (Note(f"and {rest} more"),) if rest > 0 else ()
        what = f"{len(fixed)} names, ports and subnets exist once on a machine" if several else fixed[0].text
        report.warning(
            "EV806",
            f"{what}: a second environment cannot run beside this one",
            fixed[0].span,
            notes=(*fixed[:_SHOWN], *more) if several else (),
            help="`envman import --adapt` frees names and host ports; a subnet has to be another one",
        )


def _container_name(changes: Changes, name: str, service: Mapping, report: Report, *, adapt: bool) -> list[Note]:
    node = service.entries.get("container_name")
    if not isinstance(node, Scalar) or node.value is None:
        return []
    if adapt:
        changes.remove(service.keys["container_name"], _ENTRY)
        _freed(f"container_name {node.value} of {name} is left out: Compose names the container", node.span, report)
        return []
    return [Note(f"{name} has the container name {node.value}", node.span)]


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


def _ports(
    changes: Changes, name: str, found: list[tuple[Scalar, str | None]], report: Report, *, adapt: bool
) -> list[Note]:
    kept = [node for node, new in found if new is None or not adapt]
    for node, new in found:
        if adapt and new is not None:
            changes.set_scalar(node, new)
            _freed(f"{name} publishes {node.value} on a free host port: {new}", node.span, report)
    return [Note(f"{name} publishes the host port {node.value}", node.span) for node in kept]


def _folders(changes: Changes, folder: Path, process: Map[str, str], report: Report) -> list[Note]:
    """Give each environment a folder of its own for what services write into folders of the host."""
    kept = []
    for leaf, source in writable_binds(changes.current()):
        path = folder / source
        is_data = holds_data(path, process)
        if is_data:
            own = f"{source.rstrip('/')}/${{ENVMAN_ENVIRONMENT}}"
            changes.set_scalar(leaf, own + str(leaf.value)[len(source) :])
            stays = f"; what {source} holds stays there" if path.exists() and any(path.iterdir()) else ""
            _freed(f"{source} becomes a folder for each environment: {own}{stays}", leaf.span, report)
        elif is_data is None:
            kept.append(Note(f"{source} may be written to by every environment", leaf.span))
    return kept


def _resource(changes: Changes, what: str, entry: Mapping, report: Report, *, adapt: bool) -> list[Note]:
    node = entry.entries.get("name")
    external = entry.entries.get("external")
    if external is not None and not (isinstance(external, Scalar) and external.value in (False, "false", None)):
        if what.startswith(("config", "secret")):
            return []
        return [Note(f"{what} is external: every environment uses the same one", entry.span)]
    kept = []
    if isinstance(node, Scalar) and node.value is not None:
        if adapt:
            changes.remove(entry.keys["name"], _ENTRY)
            _freed(f"{what} gets a name of its own in each environment, not {node.value}", node.span, report)
        else:
            kept.append(Note(f"{what} has the name {node.value}", node.span))
    return kept + [Note(f"{what} has the subnet {subnet.value}", subnet.span) for subnet in _subnets(entry)]


def _subnets(entry: Mapping) -> Iterator[Scalar]:
    config = node_at(entry, ("ipam", "config"))
    for pool in config.items if isinstance(config, Sequence) else ():
        subnet = pool.entries.get("subnet") if isinstance(pool, Mapping) else None
        if isinstance(subnet, Scalar):
            yield subnet


def _freed(message: str, span: Span, report: Report) -> None:
    report.warning("EV807", message, span)
