"""Merging as Compose itself merges: the overlays of ``-f a.yaml -f b.yaml``, ``include`` lists, service ``extends``.

The walk is the one of `merge.py`; here is Compose's table. Both sides are Trees whose short forms are written out
(`normalise`). Unlike between layers, lists are appended: those with an identity keep one entry of each, the last one
written, at the place of the first.

Source: https://docs.docker.com/reference/compose-file/merge/, compose-go's `override` package, and what Compose 2.40
made of every list (tests/attributes/test_compose_rules.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Final, TypeAlias

from envman.diagnostics import Note, Report
from envman.language.merge import (
    CLEARED_BY_NULL,
    ListRule,
    Rules,
    field_text,
    merge_all,
    merge_by,
    mount_identity,
    over,
    stands_alone,
    without_tags,
)
from envman.language.paths import PathTable
from envman.source.reader import RESET, kind
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, dotted

Identity: TypeAlias = Callable[[Node], str | None]
# Entries of a merged list: of the parent (0) or of the child (1), and the how-manieth there.
Picks: TypeAlias = list[tuple[int, int]]


def merge_as_compose(trees: list[Mapping], report: Report) -> Mapping:
    """Return what Compose makes of ``trees``, given to it as ``-f`` files in this order; the result holds no tags."""
    return merge_all(COMPOSE_RULES, trees, report)


def extend_service(base: Mapping, service: Mapping, name: str, report: Report) -> Mapping:
    """Return ``service`` on top of the ``base`` that it extends.

    Its ``!reset`` and ``!override`` have done their work on the base and stay, because they mean the parent layers too.
    """
    bare = without_tags(base)
    assert isinstance(bare, Mapping)  # the kind of a node stays
    merged = _tagged(merge_by(COMPOSE_RULES, bare, service, report, ("services", name)), service)
    assert isinstance(merged, Mapping)  # as above
    return merged


def _tagged(merged: Node, own: Node) -> Node:
    """Return ``merged`` with the tags of ``own``, which is what was laid over the base."""
    if own.tag is not None:
        return own if own.tag == RESET else merged._replace(tag=own.tag)
    if not isinstance(merged, Mapping) or not isinstance(own, Mapping):
        return merged
    entries, keys = dict(merged.entries), dict(merged.keys)
    for key, value in own.entries.items():
        if key in entries:
            entries[key] = _tagged(entries[key], value)
        elif value.tag == RESET:
            entries[key], keys[key] = value, own.keys[key]
    return merged._replace(entries=entries, keys=keys)


def _replace(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:  # noqa: ARG001
    return child._replace(overrides=parent)


def append(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:  # noqa: ARG001 - a rule
    """Compose's rule of most lists. An entry that is there already would be refused by Compose, or do nothing."""
    known = {item.value for item in parent.items if isinstance(item, Scalar) and item.problem is None}
    added = (item for item in child.items if not isinstance(item, Scalar) or item.value not in known)
    return child._replace(items=(*parent.items, *added), overrides=parent)


class _OneOfEach:
    """The rule of a list that keeps one entry of each identity: the last one written, at the place of the first."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def places(self, parent: Sequence, child: Sequence) -> list[Picks]:
        """Return, for each place of the merged list, who had it in turn."""
        found: list[Picks] = []
        places: dict[str, Picks] = {}
        for side, items in enumerate((parent.items, child.items)):
            for index, item in enumerate(items):
                key = self._identity(item)
                if key is not None and key in places:
                    places[key].append((side, index))
                    continue
                found.append([(side, index)])
                if key is not None:
                    places[key] = found[-1]
        return found

    def __call__(self, parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:  # noqa: ARG002
        sides = (parent.items, child.items)
        merged = (reduce(over, (sides[side][index] for side, index in one)) for one in self.places(parent, child))
        return child._replace(items=tuple(merged), overrides=parent)


def picks(path: Path, parent: Sequence, child: Sequence) -> Picks:
    """Return which entries Compose's merged list at ``path`` has, in order. Both are in the long form."""
    table: PathTable[ListRule] | None = _LISTS
    for step in path:
        table = table and table.below(str(step))
    rule = table.rule if table is not None else None
    if isinstance(rule, _OneOfEach):
        return [one[-1] for one in rule.places(parent, child)]
    inherited = [] if rule is _replace else [(0, index) for index in range(len(parent.items))]
    return inherited + [(1, index) for index in range(len(child.items))]


def _text(node: Node) -> str | None:
    if isinstance(node, Scalar) and node.value is not None and node.problem is None:
        return text_of(node.value)
    return None


def _key(node: Node) -> str | None:
    text = _text(node)
    return None if text is None else text.partition("=")[0]


def _grant(folder: str) -> Identity:
    def identity(node: Node) -> str | None:
        target = field_text(node, "target")
        if target is not None:
            return target
        source = field_text(node, "source")
        return None if source is None else f"{folder}/{source}"

    return identity


def _port(node: Node) -> str | None:
    target = field_text(node, "target")
    if target is None:
        return None
    address = field_text(node, "host_ip") or "0.0.0.0"  # noqa: S104 - what Compose compares with
    return f"{address}:{field_text(node, 'published') or ''}:{target}/{field_text(node, 'protocol') or 'tcp'}"


def _subnets(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:
    """By subnet; one that the child does not name is dropped.

    So does Compose where the parent has one subnet. Where it has more, Compose 2.40 mixes them up (fields get lost, one
    subnet comes out twice, which no engine takes), and this is what it means.
    """
    merged: dict[str | None, Node] = {}
    for theirs in parent.items:
        for ours in child.items:
            subnet = field_text(ours, "subnet")
            if subnet != field_text(theirs, "subnet"):
                merged.setdefault(subnet, ours)
            elif isinstance(ours, Mapping) and isinstance(theirs, Mapping):
                merged[subnet] = merge_by(COMPOSE_RULES, theirs, ours, report, (*path, 0))
    return child._replace(items=tuple(merged.values()), overrides=parent)


# Where a null is a value: an entry of one of these has it in the list form too, as a name alone.
_TABLES: Final = frozenset(
    {
        ("annotations",),
        ("build", "additional_contexts"),
        ("build", "args"),
        ("build", "labels"),
        ("deploy", "labels"),
        ("environment",),
        ("labels",),
        ("sysctls",),
    }
)


_ANY_KIND: Final = frozenset({*CLEARED_BY_NULL, ("healthcheck", "test")})


def _null_overrides(parent: Node, path: Path) -> bool:
    if path[0] == "services":
        return path[2:] in CLEARED_BY_NULL or path[2:-1] in _TABLES
    return (len(path) == 4 and path[2] == "labels") or (isinstance(parent, Scalar) and parent.value is None)


def _alone(parent: Mapping, child: Mapping, path: Path) -> bool:
    return stands_alone(parent, child, path) or (len(path) == 4 and path[2] == "ulimits")


def _other_kind(parent: Node, child: Node, path: Path, report: Report) -> Node:
    """A value of another kind, which Compose takes in few places; or a host's second address."""
    if path[-2:-1] == ("extra_hosts",):
        addresses = [(node if isinstance(node, Sequence) else Sequence((node,), node.span)) for node in (parent, child)]
        both = append(addresses[0], addresses[1], path, report)
        return both if len(both.items) > 1 else over(parent, child)
    null = isinstance(parent, Scalar) and (parent.value is None or parent.problem is not None)
    if null or type(parent) is type(child) or (isinstance(child, Scalar) and child.problem is not None):
        return over(parent, child)
    if path[2:] in _ANY_KIND or path[2:-1] in _TABLES or (len(path) == 4 and path[2] == "ulimits"):
        return over(parent, child)
    report.error(
        "EV221",
        f"{dotted(path)} is {kind(child)} here and {kind(parent)} in what it is laid over",
        child.span,
        expected=f"{kind(parent)}: Compose cannot put the two together",
        notes=(Note("laid over this", parent.span),),
        help="write !override before the value to replace the other whole",
    )
    return over(parent, child)


_KEYED: Final = (
    "build.tags",
    "cap_add",
    "cap_drop",
    "dns",
    "dns_opt",
    "dns_search",
    "links",
    "networks.*.aliases",
    "networks.*.link_local_ips",
    "profiles",
    "tmpfs",
)
_SERVICE_LISTS: Final[dict[str, ListRule]] = {
    **dict.fromkeys(_KEYED, _OneOfEach(_key)),
    "command": _replace,
    "configs": _OneOfEach(_grant("")),
    "devices": _OneOfEach(lambda node: field_text(node, "target") or field_text(node, "source")),
    "entrypoint": _replace,
    "env_file": _OneOfEach(lambda node: field_text(node, "path")),
    "expose": _OneOfEach(_text),
    "healthcheck.test": _replace,
    "ports": _OneOfEach(_port),
    "secrets": _OneOfEach(_grant("/run/secrets")),
    "volumes": _OneOfEach(mount_identity),
}
_LISTS: Final[PathTable[ListRule]] = PathTable(
    {
        **{f"services.*.{pattern}": rule for pattern, rule in _SERVICE_LISTS.items()},
        "networks.*.ipam.config": _subnets,
    }
)
COMPOSE_RULES: Final = Rules(_LISTS, append, _null_overrides, _alone, _other_kind)
