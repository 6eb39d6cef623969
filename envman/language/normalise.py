"""Short forms to long forms, so that layers can be merged by what values mean.

One table, ``pattern -> function``. A value that cannot be understood is left as it is: either it carries a problem
of interpolation already, or the function reports it.
Source: https://github.com/compose-spec/compose-spec/blob/main/05-services.md, and compose-go's `transform` package.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from envman.diagnostics import Report
from envman.language.paths import PathTable
from envman.source.tree import Mapping, Node, Scalar, Sequence, Value

Normaliser: TypeAlias = Callable[[Node, Report], Node]


def normalise(tree: Mapping, report: Report) -> Mapping:
    """Return one layer's ``tree`` with every short form written out long. Places stay those of the short form."""
    normalised = _walk(tree, NORMALISERS, report)
    assert isinstance(normalised, Mapping)  # no rule stands at the top
    return normalised


def _walk(node: Node, table: PathTable[Normaliser], report: Report) -> Node:
    if table.rule is not None:
        node = table.rule(node, report)
    if not table.children:
        return node
    if isinstance(node, Mapping):
        changed: dict[str, Node] | None = None
        for key, value in node.entries.items():
            below = table.below(key)
            if below is None:
                continue
            new = _walk(value, below, report)
            if new is not value:
                changed = dict(node.entries) if changed is None else changed
                changed[key] = new
        return node if changed is None else node._replace(entries=changed)
    if isinstance(node, Sequence) and "*" in table.children:
        items = tuple(_walk(item, table.children["*"], report) for item in node.items)
        if any(new is not old for new, old in zip(items, node.items, strict=True)):
            return node._replace(items=items)
    return node


def _text(node: Node) -> str | None:
    """Return the text of a string that can be taken apart, else None."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) and node.problem is None else None


def _derived(node: Scalar, value: Value) -> Scalar:
    return Scalar(value, node.span, variables=node.variables)


def _mapping(node: Scalar, values: dict[str, Node]) -> Mapping:
    return Mapping(values, dict.fromkeys(values, node.span), node.span)


def _fields(node: Scalar, **values: Value) -> Mapping:
    return _mapping(node, {key: _derived(node, value) for key, value in values.items() if value is not None})


def _pairs(separators: str) -> Normaliser:
    """Return a normaliser of a list of ``NAME=value`` to a mapping; a name alone has the value null."""

    def pairs(node: Node, report: Report) -> Node:  # noqa: ARG001 - a row of the table
        if not isinstance(node, Sequence):
            return node
        entries: dict[str, Node] = {}
        keys = {}
        for item in node.items:
            text = _text(item)
            if text is None or not isinstance(item, Scalar):
                return node
            positions = [text.index(separator) for separator in separators if separator in text]
            cut = min(positions) if positions else len(text)
            name = text[:cut]
            entries[name] = _derived(item, text[cut + 1 :] if positions else None)
            keys[name] = item.span
        return Mapping(entries, keys, node.span, node.tag)

    return pairs


def _names(**defaults: Value) -> Normaliser:
    """Return a normaliser of a list of names to a mapping of each to ``defaults`` (null where there are none)."""

    def names(node: Node, report: Report) -> Node:  # noqa: ARG001
        if not isinstance(node, Sequence):
            return node
        entries: dict[str, Node] = {}
        keys = {}
        for item in node.items:
            text = _text(item)
            if text is None or not isinstance(item, Scalar):
                return node
            entries[text] = _fields(item, **defaults) if defaults else _derived(item, None)
            keys[text] = item.span
        return Mapping(entries, keys, node.span, node.tag)

    return names


def _field(name: str) -> Normaliser:
    """Return a normaliser of a string to a mapping with that one field."""

    def field(node: Node, report: Report) -> Node:  # noqa: ARG001
        text = _text(node)
        return node if text is None or not isinstance(node, Scalar) else _fields(node, **{name: text})

    return field


def _listed(node: Node, report: Report) -> Node:  # noqa: ARG001
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return Sequence((node._replace(tag=None),), node.span, node.tag)
    return node


def _items(normaliser: Callable[[Scalar, str, Report], list[Node] | None]) -> Normaliser:
    """Return a normaliser that turns each string of a list into any number of mappings."""

    def items(node: Node, report: Report) -> Node:
        if not isinstance(node, Sequence):
            return node
        made: list[Node] = []
        for item in node.items:
            text = _text(item)
            if (
                text is None
                and isinstance(item, Scalar)
                and isinstance(item.value, int)
                and not isinstance(item.value, bool)
            ):
                text = str(item.value)
            found = None if text is None or not isinstance(item, Scalar) else normaliser(item, text, report)
            made.extend([item] if found is None else found)
        return node._replace(items=tuple(made))

    return items


_PORT: Final = re.compile(
    r"""(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*|[^:\[\]]*?):)?
        (?P<published>\d+(?:-\d+)?|auto)?:)?
        (?P<target>\d+(?:-\d+)?)(?:/(?P<protocol>[a-zA-Z]+))?""",
    re.VERBOSE,
)


def _port(node: Scalar, text: str, report: Report) -> list[Node] | None:
    match = _PORT.fullmatch(text)
    targets = None if match is None else _range(match["target"])
    if match is None or targets is None:
        _not_a_port(node, text, report)
        return None
    published = match["published"]
    host_ports: list[Value]
    if published is None or published == "auto":
        host_ports = [published] * len(targets)
    else:
        ports = _range(published)
        if ports is None or (len(ports) != len(targets) and len(targets) != 1):
            _not_a_port(node, text, report)
            return None
        # A range of host ports for one container port lets the engine pick, as in Compose.
        host_ports = [published] if len(targets) == 1 else [str(port) for port in ports]
    host_ip = (match["ip"] or "").strip("[]") or None
    return [
        _fields(node, target=target, published=host, host_ip=host_ip, protocol=(match["protocol"] or "tcp").lower())
        for target, host in zip(targets, host_ports, strict=True)
    ]


def _range(text: str) -> list[int] | None:
    low, _, high = text.partition("-")
    first, last = int(low), int(high or low)
    return list(range(first, last + 1)) if 0 < first <= last <= 65535 else None


def _not_a_port(node: Scalar, text: str, report: Report) -> None:
    report.error(
        "EV103",
        f'"{text}" is not a port mapping',
        node.span,
        expected='"HOST:CONTAINER", ports from 1 to 65535',
        help='write "8080:80", "127.0.0.1:8080:80/tcp", or the long form with `target:` and `published:`',
    )


_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]")


def _mount(node: Scalar, text: str, report: Report) -> list[Node] | None:
    parts = _split_mount(text)
    if parts is None or not all(parts[:2]):
        report.error(
            "EV104",
            f'"{text}" is not a mount',
            node.span,
            expected='"SOURCE:TARGET" or "SOURCE:TARGET:ro"',
            help="write a volume's name or a path before the colon, the path in the container behind it",
        )
        return None
    if len(parts) == 1:
        return [_fields(node, type="volume", target=parts[0])]
    source, target = parts[0], parts[1]
    is_path = source[0] in "./~" or bool(_WINDOWS.match(source))
    fields: dict[str, Node] = {
        "type": _derived(node, "bind" if is_path else "volume"),
        "source": _derived(node, source),
        "target": _derived(node, target),
    }
    options: dict[str, Node] = {}
    for option in parts[2].split(",") if len(parts) == 3 else []:
        if option == "ro":
            fields["read_only"] = _derived(node, value=True)
        elif option in {"z", "Z"} and is_path:
            options["selinux"] = _derived(node, option)
        elif option in _PROPAGATION and is_path:
            options["propagation"] = _derived(node, option)
        elif option == "nocopy" and not is_path:
            options["nocopy"] = _derived(node, value=True)
        elif option in {"cached", "delegated", "consistent"}:
            fields["consistency"] = _derived(node, option)
    if is_path:
        # The short form makes a missing folder, the long form does not unless told.
        options["create_host_path"] = _derived(node, value=True)
        fields["bind"] = _mapping(node, options)
    elif options:
        fields["volume"] = _mapping(node, options)
    return [_mapping(node, fields)]


_PROPAGATION: Final = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})


def _split_mount(text: str) -> list[str] | None:
    head = ""
    if _WINDOWS.match(text):
        head, text = text[:2], text[2:]
    parts = text.split(":")
    parts[0] = head + parts[0]
    return parts if len(parts) <= 3 else None


def _grant(node: Scalar, text: str, report: Report) -> list[Node] | None:  # noqa: ARG001
    return [_fields(node, source=text)]


def _env_file(node: Scalar, text: str, report: Report) -> list[Node] | None:  # noqa: ARG001
    return [_fields(node, path=text)]


def _device(node: Scalar, text: str, report: Report) -> list[Node] | None:
    parts = text.split(":")
    if "=" in text and "/" in text and len(parts) == 1:
        return [_fields(node, source=text, target=text)]
    if len(parts) > 3 or not parts[0]:
        report.error("EV104", f'"{text}" is not a device', node.span, expected='"/dev/SOURCE:/dev/TARGET:rwm"')
        return None
    if len(parts) == 2 and not parts[1].startswith("/"):
        parts = [parts[0], parts[0], parts[1]]
    target = parts[1] if len(parts) > 1 else parts[0]
    return [_fields(node, source=parts[0], target=target, permissions=parts[2] if len(parts) == 3 else "rwm")]


def _long_port(node: Node, report: Report) -> Node:  # noqa: ARG001
    """Give a long form the protocol that Compose assumes, so that ports of layers can be compared."""
    if isinstance(node, Mapping) and "protocol" not in node.entries and "target" in node.entries:
        protocol = Scalar("tcp", node.span)
        return node._replace(entries={**node.entries, "protocol": protocol}, keys={**node.keys, "protocol": node.span})
    return node


def mount_target(path: str) -> str:
    """Return the identity of a mount: its target, cleaned."""
    return posixpath.normpath(path) if path else path


_ENVIRONMENT: Final = _pairs("=")
_SERVICE: Final[dict[str, Normaliser]] = {
    "annotations": _pairs("="),
    "build": _field("context"),
    "build.additional_contexts": _pairs("="),
    "build.args": _pairs("="),
    "build.labels": _pairs("="),
    "build.secrets": _items(_grant),
    "build.ssh": _pairs("="),
    "configs": _items(_grant),
    "credential_spec": _field("file"),
    "depends_on": _names(condition="service_started"),
    "deploy.labels": _pairs("="),
    "devices": _items(_device),
    "dns": _listed,
    "dns_search": _listed,
    "env_file": lambda node, report: _items(_env_file)(_listed(node, report), report),
    "environment": _ENVIRONMENT,
    "extends": _field("service"),
    "label_file": _listed,
    "labels": _pairs("="),
    "models": _names(),
    "networks": _names(),
    "ports": _items(_port),
    "ports.*": _long_port,
    "post_start.*.environment": _ENVIRONMENT,
    "pre_stop.*.environment": _ENVIRONMENT,
    "secrets": _items(_grant),
    "sysctls": _pairs("="),
    "tmpfs": _listed,
    "volumes": _items(_mount),
}
NORMALISERS: Final[PathTable[Normaliser]] = PathTable(
    {
        **{f"services.*.{pattern}": function for pattern, function in _SERVICE.items()},
        **{f"{kind}.*.labels": _pairs("=") for kind in ("networks", "volumes", "configs", "secrets")},
    }
)
