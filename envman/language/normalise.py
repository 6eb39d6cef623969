"""Short forms to long forms, so that layers can be merged by what values mean.

One table, ``pattern -> function``. A value that cannot be understood is left as it is and carries its problem, like
one that could not be interpolated: a later layer may still override it. Only warnings are reported here.
Source: https://github.com/compose-spec/compose-spec/blob/main/05-services.md, compose-go's `transform` and `format`
packages, and what `docker compose config` made of each form (tests/attributes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from envman.diagnostics import Diagnostic, Note, Report, Span
from envman.language.entries import Work, derived, device, env_file, fields, grant, long_port, mount, port, wrong
from envman.language.paths import PathTable
from envman.model.container import InitContainer
from envman.model.service import Job
from envman.source.reader import kind
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Scalar, Sequence, Value

Normaliser: TypeAlias = Callable[[Node, Work], Node]
ItemNormaliser: TypeAlias = Callable[[Scalar, str, Work], list[Node]]


def normalise(tree: Mapping, report: Report) -> Mapping:
    """Return one layer's ``tree`` with every short form written out long. Places stay those of the short form."""
    normalised = _walk(tree, NORMALISERS, Work(report))
    assert isinstance(normalised, Mapping)  # no rule stands at the top
    return normalised


def _walk(node: Node, table: PathTable[Normaliser], work: Work) -> Node:
    if table.rule is not None:
        node = table.rule(node, work)
    if not table.children:
        return node
    if isinstance(node, Mapping):
        changed: dict[str, Node] | None = None
        for key, value in node.entries.items():
            below = table.below(key)
            if below is None:
                continue
            new = _walk(value, below, work)
            if new is not value:
                changed = dict(node.entries) if changed is None else changed
                changed[key] = new
        return node if changed is None else node._replace(entries=changed)
    if isinstance(node, Sequence) and "*" in table.children:
        items = tuple(_walk(item, table.children["*"], work) for item in node.items)
        if any(new is not old for new, old in zip(items, node.items, strict=True)):
            return node._replace(items=items)
    return node


def _text(node: Node) -> str | None:
    """Return the text of a string that can be taken apart, else None."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) and node.problem is None else None


def _item_text(node: Node) -> str | None:
    """Return the text of a list's entry: a string, or the number that a lone ``${x}`` became."""
    if isinstance(node, Scalar) and node.problem is None:
        if isinstance(node.value, str):
            return node.value
        if node.variables and node.value is not None:
            return text_of(node.value)
    return None


def _not_text(item: Node, expected: str) -> Scalar:
    if isinstance(item, Scalar) and item.problem is not None:
        return item
    return wrong(item, Diagnostic("EV106", f"this entry is {kind(item)}", item.span, expected))


def _nameless(index: int) -> str:
    """Return the key under which an entry stands whose name cannot be told. It carries a problem, so nobody sees it."""
    return f"[{index}]"


def _pairs(node: Node, work: Work) -> Node:
    """A list of ``NAME=value`` to a mapping; a name alone has the value null."""
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Node] = {}
    keys: dict[str, Span] = {}
    for index, item in enumerate(node.items):
        text = _item_text(item)
        value: Node
        if text is not None and isinstance(item, Scalar):
            name, separator, rest = text.partition("=")
            value = derived(item, rest if separator else None)
        else:
            value = _not_text(item, '"NAME=value"')
            # What could not be interpolated is most often the value alone.
            name, separator, _ = str(value.value).partition("=")
            if not separator or "$" in name:
                name = _nameless(index)
        if name in entries:
            work.report.warning(
                "EV101",
                f'"{name}" stands twice in this list: the last one counts',
                item.span,
                notes=(Note("first written here", keys[name]),),
                help="remove one of the two",
            )
        entries[name] = value
        keys[name] = item.span
    return Mapping(entries, keys, node.span, node.tag)


def _names(**defaults: Value) -> Normaliser:
    """Return a normaliser of a list of names to a mapping of each to ``defaults`` (null where there are none)."""

    def names(node: Node, work: Work) -> Node:  # noqa: ARG001 - a row of the table
        if not isinstance(node, Sequence):
            return node
        entries: dict[str, Node] = {}
        keys: dict[str, Span] = {}
        for index, item in enumerate(node.items):
            name = _item_text(item)
            value: Node
            if name is None or not isinstance(item, Scalar):
                name, value = _nameless(index), _not_text(item, "a name")
            elif name in entries:
                twice = Diagnostic(
                    "EV101",
                    f'"{name}" stands twice in this list',
                    item.span,
                    expected="a name that is not there yet",
                    notes=(Note("first written here", keys[name]),),
                    help="remove one of the two",
                )
                name, value = _nameless(index), wrong(item, twice)
            else:
                value = fields(item, **defaults) if defaults else derived(item, None)
            entries[name] = value
            keys[name] = item.span
        return Mapping(entries, keys, node.span, node.tag)

    return names


def _hosts(node: Node, work: Work) -> Node:  # noqa: ARG001
    """A list of ``HOST=ADDRESS`` or ``HOST:ADDRESS`` to a mapping; a host that stands there twice has two addresses."""
    if not isinstance(node, Sequence):
        return node
    found: dict[str, list[Node]] = {}
    keys: dict[str, Span] = {}
    for index, item in enumerate(node.items):
        text = _item_text(item)
        host, separator, address = (text or "").partition("=" if "=" in (text or "") else ":")
        value: Node
        if text is None or not isinstance(item, Scalar):
            host, value = _nameless(index), _not_text(item, '"HOST=ADDRESS"')
        elif not (host and separator and address):
            message = f'"{text}" names no host and address'
            host, value = _nameless(index), wrong(item, Diagnostic("EV106", message, item.span, '"HOST=ADDRESS"'))
        else:
            value = derived(item, address)
        found.setdefault(host, []).append(value)
        keys[host] = item.span
    entries: dict[str, Node] = {
        host: addresses[0] if len(addresses) == 1 else Sequence(tuple(addresses), addresses[0].span)
        for host, addresses in found.items()
    }
    return Mapping(entries, keys, node.span, node.tag)


def _field(name: str) -> Normaliser:
    """Return a normaliser of a string to a mapping with that one field."""

    def field(node: Node, work: Work) -> Node:  # noqa: ARG001 - a row of the table
        text = _text(node)
        if text is None or not isinstance(node, Scalar):
            return node
        return fields(node, **{name: text})._replace(tag=node.tag)

    return field


def _listed(node: Node, work: Work) -> Node:  # noqa: ARG001
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return Sequence((node._replace(tag=None),), node.span, node.tag)
    return node


def _items(normaliser: ItemNormaliser, *, numbers: bool = False) -> Normaliser:
    """Return a normaliser that turns each string (and number, if told so) of a list into any number of mappings."""

    def items(node: Node, work: Work) -> Node:
        if not isinstance(node, Sequence):
            return node
        made: list[Node] = []
        for item in node.items:
            text = _item_text(item)
            if text is None and isinstance(item, Scalar) and (item.problem is not None or _is_number(item, numbers)):
                text = text_of(item.value)
            if text is None or not isinstance(item, Scalar):
                made.append(item)
            else:
                made.extend(normaliser(item, text, work))
        return node._replace(items=tuple(made))

    return items


def _is_number(node: Scalar, wanted: bool) -> bool:
    return wanted and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _external(node: Node, work: Work) -> Node:  # noqa: ARG001
    """``external: {name: x}``, the form of long ago, to ``external: true`` and ``name: x``."""
    old = node.entries.get("external") if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping) or not isinstance(old, Mapping) or set(old.entries) - {"name"}:
        return node
    entries: dict[str, Node] = {**node.entries, "external": Scalar(value=True, span=old.span)}
    keys = dict(node.keys)
    if "name" in old.entries and "name" not in entries:
        entries["name"], keys["name"] = old.entries["name"], old.keys["name"]
    return node._replace(entries=entries, keys=keys)


_SERVICE: Final[dict[str, Normaliser]] = {
    "annotations": _pairs,
    "build": _field("context"),
    "build.additional_contexts": _pairs,
    "build.args": _pairs,
    "build.extra_hosts": _hosts,
    "build.labels": _pairs,
    "build.secrets": _items(grant),
    "build.ssh": _pairs,
    "configs": _items(grant),
    "depends_on": _names(condition="service_started"),
    "deploy.labels": _pairs,
    "deploy.resources.reservations.devices.*.options": _pairs,
    "develop.watch.*.exec.environment": _pairs,
    "devices": _items(device),
    "dns": _listed,
    "dns_search": _listed,
    "env_file": lambda node, work: _items(env_file)(_listed(node, work), work),
    "environment": _pairs,
    "extends": _field("service"),
    "extra_hosts": _hosts,
    "gpus.*.options": _pairs,
    "label_file": _listed,
    "labels": _pairs,
    "models": _names(),
    "networks": _names(),
    "ports": _items(port, numbers=True),
    "ports.*": long_port,
    "post_start.*.environment": _pairs,
    "pre_stop.*.environment": _pairs,
    "secrets": _items(grant),
    "sysctls": _pairs,
    "tmpfs": _listed,
    "volumes": _items(mount),
    "volumes.*.volume.labels": _pairs,
}
# What a container before a service has of a service's attributes, and a job (which has no others in short form).
_CONTAINER: Final[dict[str, Normaliser]] = {
    pattern: function
    for pattern, function in _SERVICE.items()
    if pattern.partition(".")[0] in InitContainer.model_fields
}
_WORKLOAD: Final[dict[str, Normaliser]] = {
    pattern: function for pattern, function in _SERVICE.items() if pattern.partition(".")[0] in Job.model_fields
}
_RESOURCES: Final = ("networks", "volumes", "configs", "secrets")
NORMALISERS: Final[PathTable[Normaliser]] = PathTable(
    {
        **{f"services.*.{pattern}": function for pattern, function in _SERVICE.items()},
        **{f"services.*.pre_start.*.{pattern}": function for pattern, function in _CONTAINER.items()},
        **{f"jobs.*.{pattern}": function for pattern, function in _WORKLOAD.items()},
        "jobs.*.triggers.schedule.*": _field("cron"),
        **{f"{section}.*.labels": _pairs for section in _RESOURCES},
        **{f"{section}.*": _external for section in _RESOURCES},
    }
)
