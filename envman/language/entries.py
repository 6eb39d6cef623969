"""The short forms of ports, mounts and other entries of lists, taken apart as Compose takes them apart.

An entry that cannot be understood is returned as it is, with its problem.
Source: compose-go's `format/volume.go` and `types.ParsePortConfig`, and what `docker compose config` made of each form.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from envman.diagnostics import Diagnostic, Report
from envman.diagnostics.limits import HELP, limit
from envman.model.types import is_address
from envman.source.tree import Mapping, Node, Scalar, Value

# Ranges of ports are written out: so many ports may the whole of a file have.
MOST_PORTS: Final = 30_000


class Work:
    """What the normalisers of one file share: where warnings go, and how many ports may still be written out."""

    __slots__ = ("ports", "report")

    def __init__(self, report: Report) -> None:
        self.report = report
        self.ports = limit(MOST_PORTS)


def derived(node: Scalar, value: Value) -> Scalar:
    """Return a value that was part of the text of ``node``, and stands there."""
    return Scalar(value, node.span, variables=node.variables)


def mapping(node: Scalar, values: dict[str, Node]) -> Mapping:
    """Return a mapping that was written as ``node``, and stands there."""
    return Mapping(values, dict.fromkeys(values, node.span), node.span)


def fields(node: Scalar, **values: Value) -> Mapping:
    """Return a mapping that was written as ``node``, of the values that are not null."""
    return mapping(node, {key: derived(node, value) for key, value in values.items() if value is not None})


def wrong(item: Node, diagnostic: Diagnostic) -> Scalar:
    """Return what stands in for ``item`` until somebody asks for the whole: its problem."""
    return Scalar(item.value if isinstance(item, Scalar) else None, item.span, problem=diagnostic)


_TARGET: Final = r"(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>tcp|udp|sctp)?)?"
_PORT: Final = re.compile(
    rf"(?:(?:(?P<ip>\[[^\[\]]+\]|[^:\[\]]*):)?(?P<published>[0-9]+(?:-[0-9]+)?|auto)?:)?{_TARGET}", re.IGNORECASE
)
_UNRESOLVED_PORT: Final = re.compile(rf"(?P<published>[^:]*\$.*):{_TARGET}", re.IGNORECASE)


def port(node: Scalar, text: str, work: Work) -> list[Node]:
    """``[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]``, ranges written out."""
    if node.problem is not None:
        match = _UNRESOLVED_PORT.fullmatch(text)
        if match is None or "-" in match["target"]:
            return [node]
        protocol = (match["protocol"] or "tcp").lower()
        long = fields(node, target=int(match["target"]), protocol=protocol)
        return [long._replace(entries={**long.entries, "published": node}, keys={**long.keys, "published": node.span})]
    match = _PORT.fullmatch(text)
    address = (match["ip"] or "").strip("[]") if match else ""
    targets = _range(match["target"], lowest=1) if match else None
    if match is None or targets is None or not is_address(address) or (":" in address) != ("[" in text):
        return [_not_a_port(node, text)]
    work.ports -= len(targets)
    if work.ports < 0:
        message = f"more than {limit(MOST_PORTS):,} ports in one file"
        return [wrong(node, Diagnostic("EV110", message, node.span, "fewer ports", help=HELP))]
    published = match["published"]
    host_ports: list[Value]
    if published is None or published.lower() == "auto":
        host_ports = [published and "auto"] * len(targets)
    else:
        ports = _range(published, lowest=0)
        if ports is None or (len(ports) != len(targets) and len(targets) != 1):
            return [_not_a_port(node, text)]
        # A range of host ports for one container port lets the engine pick, as in Compose.
        host_ports = [str(port) for port in ports] if len(ports) == len(targets) else [published]
    protocol = (match["protocol"] or "tcp").lower()
    return [
        fields(node, target=target, published=host, host_ip=address or None, protocol=protocol)
        for target, host in zip(targets, host_ports, strict=True)
    ]


def _range(text: str, *, lowest: int) -> range | None:
    low, _, high = text.partition("-")
    if len(low) > 5 or len(high) > 5:
        return None
    first, last = int(low), int(high or low)
    return range(first, last + 1) if lowest <= first <= last <= 65535 else None


def _not_a_port(node: Scalar, text: str) -> Scalar:
    problem = Diagnostic(
        "EV103",
        f'"{text}" is not a port mapping',
        node.span,
        expected='"HOST:CONTAINER", ports from 1 to 65535',
        help='write "8080:80", "127.0.0.1:8080:80/tcp", or the long form with `target:` and `published:`',
    )
    return wrong(node, problem)


def long_port(node: Node, work: Work) -> Node:  # noqa: ARG001
    """Give a long form the protocol that Compose assumes, so that ports of layers can be compared."""
    if isinstance(node, Mapping) and "protocol" not in node.entries and "target" in node.entries:
        protocol = Scalar("tcp", node.span)
        return node._replace(entries={**node.entries, "protocol": protocol}, keys={**node.keys, "protocol": node.span})
    return node


# --- mounts

_PROPAGATION: Final = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})
_SELINUX: Final = frozenset({"z", "Z"})
# Said for Docker Desktop once; the short form has no effect any more.
_CONSISTENCY: Final = frozenset({"cached", "delegated", "consistent"})


def mount(node: Scalar, text: str, work: Work) -> list[Node]:
    """``[SOURCE:]TARGET[:OPTIONS]``."""
    if node.problem is not None:
        return _unresolved_mount(node, text)
    if 0 < len(text) <= 2:
        return [fields(node, type="volume", target=text)]
    parts = _split_mount(text)
    if len(parts) > 3 or not all(parts):
        problem = Diagnostic(
            "EV104",
            f'"{text}" is not a mount',
            node.span,
            expected='"SOURCE:TARGET" or "SOURCE:TARGET:ro"',
            help="write a volume's name or a path before the colon, the path in the container behind it",
        )
        return [wrong(node, problem)]
    if len(parts) == 1:
        _warn_of_drive(node, text, work)
        return [mapping(node, {**fields(node, type="volume", target=text).entries, "volume": mapping(node, {})})]
    return [_long_mount(node, parts, work)]


def _long_mount(node: Scalar, parts: list[str], work: Work) -> Mapping:
    source, target = parts[0], parts[1]
    is_path = source[0] in "./~" or source.startswith("\\\\") or _is_drive(source[:1], source[1:2])
    entries: dict[str, Node] = {
        "type": derived(node, "bind" if is_path else "volume"),
        "source": derived(node, source),
        "target": derived(node, target),
    }
    bind: dict[str, Node] = {}
    volume: dict[str, Node] = {}
    read_only = False
    for option in parts[2].split(",") if len(parts) == 3 else ():
        if option in {"ro", "rw"}:
            read_only = option == "ro"
        elif option in _SELINUX:
            bind["selinux"] = derived(node, option)
        elif option in _PROPAGATION:
            bind["propagation"] = derived(node, option)
        elif option == "nocopy":
            volume["nocopy"] = derived(node, value=True)
        elif option not in _CONSISTENCY:
            work.report.warning(
                "EV104", f'"{option}" is no option of a mount: Compose ignores it', node.span, help="remove it"
            )
    if read_only:
        entries["read_only"] = derived(node, value=True)
    if is_path:
        # The short form makes a missing folder, the long form does not unless told.
        bind["create_host_path"] = derived(node, value=True)
    if bind:
        entries["bind"] = mapping(node, bind)
    if volume or not is_path:
        entries["volume"] = mapping(node, volume)
    return mapping(node, entries)


def _unresolved_mount(node: Scalar, text: str) -> list[Node]:
    """Give a mount whose source could not be interpolated its target, by which a later layer may replace it."""
    match = re.fullmatch(r"[^:]*\$.*:(/[^:$]*)(?::[a-zA-Z,]+)?", text)
    if match is None:
        return [node]
    long = fields(node, type="volume", target=match[1])
    return [long._replace(entries={**long.entries, "source": node}, keys={**long.keys, "source": node.span})]


def _split_mount(text: str) -> list[str]:
    """Split at colons, but for one behind a single letter: that is a Windows drive to Compose, wherever it stands."""
    parts = [""]
    for character in text:
        if character == ":" and not _is_drive(parts[-1], character):
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _is_drive(letter: str, colon: str) -> bool:
    return colon == ":" and len(letter) == 1 and letter.isalpha()


def _warn_of_drive(node: Scalar, text: str, work: Work) -> None:
    if _is_drive(text[:1], text[1:2]):
        work.report.warning(
            "EV104",
            f'"{text}" is a path on a Windows drive to Compose, and an anonymous volume',
            node.span,
            help=f"for a volume write {{type: volume, source: {text[0]}, target: {text[2:]}}}",
        )


def mount_target(path: str) -> str:
    """Return the identity of a mount: its target, cleaned."""
    return re.sub("^//+", "/", posixpath.normpath(path)) if path else path


# --- other lists


def grant(node: Scalar, text: str, work: Work) -> list[Node]:  # noqa: ARG001
    """Name a secret or config."""
    return [node if node.problem is not None else fields(node, source=text)]


def env_file(node: Scalar, text: str, work: Work) -> list[Node]:  # noqa: ARG001
    """Name a file of environment variables."""
    return [node if node.problem is not None else fields(node, path=text)]


def device(node: Scalar, text: str, work: Work) -> list[Node]:  # noqa: ARG001
    """``SOURCE[:TARGET[:PERMISSIONS]]``."""
    if node.problem is not None:
        return [node]
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        message = f'"{text}" is not a device'
        return [wrong(node, Diagnostic("EV104", message, node.span, '"/dev/SOURCE:/dev/TARGET:rwm"'))]
    target = parts[1] if len(parts) > 1 else parts[0]
    return [fields(node, source=parts[0], target=target, permissions=parts[2] if len(parts) == 3 else "rwm")]
