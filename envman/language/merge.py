"""Merging layers: the one place where a child's values meet its parents'.

Mappings merge by key. A list either has an identity, by which its entries merge between layers (never inside one
file), or is replaced; one table says which, and a test walks the models so that no list is without a row.
``!reset`` removes what was inherited, ``!override`` replaces it whole, as in Compose.

The same walk merges by Compose's own rules, which `compose_rules.py` has the table of: it is given ``Rules``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from envman.diagnostics import Note, Report
from envman.language.entries import mount_target
from envman.language.paths import PathTable
from envman.model.service import Job
from envman.source.reader import OVERRIDE, RESET
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, dotted

ListRule: TypeAlias = Callable[[Sequence, Sequence, Path, Report], Sequence]


class Rules(NamedTuple):
    """How two Trees meet, where the walk leaves it open.

    ``lists`` is the table of lists and ``unlisted`` the rule of a list that has no row in it. ``null`` says whether a
    child's null takes the place of what the parent has, ``alone`` whether a child's mapping replaces the parent's
    whole. ``other`` lays a child's scalar, or value of another kind, over the parent's.
    """

    lists: PathTable[ListRule]
    unlisted: ListRule
    null: Callable[[Node, Path], bool]
    alone: Callable[[Mapping, Mapping, Path], bool]
    other: Callable[[Node, Node, Path, Report], Node]
    one_mount_a_target: bool = False


def merge_layers(trees: list[Mapping], report: Report) -> Mapping:
    """Return ``trees`` merged in order, parents first; the result holds no tags."""
    return merge_all(LAYER_RULES, trees, report)


def merge_all(rules: Rules, trees: list[Mapping], report: Report) -> Mapping:
    """Return ``trees`` merged in order by ``rules``, the first one lowest; the result holds no tags."""
    merged = without_tags(trees[0])
    assert isinstance(merged, Mapping)  # the kind of a node stays
    for tree in trees[1:]:
        merged = merge_by(rules, merged, tree, report)
    return merged


def merge(parent: Mapping, child: Mapping, report: Report) -> Mapping:
    """Return ``parent``, which holds no tags, with ``child`` laid over it; nor does the result hold any."""
    return merge_by(LAYER_RULES, parent, child, report)


def merge_by(rules: Rules, parent: Mapping, child: Mapping, report: Report, path: Path = ()) -> Mapping:
    """Return ``parent`` with ``child`` laid over it by ``rules``; both stand at ``path`` of a whole file.

    The parent holds no tags, nor does the result.
    """
    table: PathTable[ListRule] | None = rules.lists
    for step in path:
        table = table and table.below(str(step))
    merged = _merge(parent, child, path, table, rules, report)
    assert isinstance(merged, Mapping)  # both are
    return merged


def _merge(
    parent: Node, child: Node, path: Path, table: PathTable[ListRule] | None, rules: Rules, report: Report
) -> Node:
    if child.tag == OVERRIDE:
        return over(parent, child)
    if isinstance(parent, Mapping) and isinstance(child, Mapping):
        if rules.alone(parent, child, path):
            return over(parent, child)
        return _merge_mappings(parent, child, path, table, rules, report)
    if isinstance(parent, Sequence) and isinstance(child, Sequence):
        rule = table.rule if table is not None else None
        cleaned = without_tags(child)
        assert isinstance(cleaned, Sequence)  # the kind of a node stays
        return (rule or rules.unlisted)(parent, cleaned, path, report)
    if isinstance(child, Scalar) and child.value is None and child.problem is None:
        # `networks: {front: null}` says nothing of what the parent says, as in Compose.
        return over(parent, child) if rules.null(parent, path) else parent
    return rules.other(parent, child, path, report)


# compose-go overrides these whatever the child's value is.
CLEARED_BY_NULL: Final = frozenset({("command",), ("entrypoint",)})


def _null_overrides(parent: Node, path: Path) -> bool:
    return isinstance(parent, Scalar) or path[2:] in CLEARED_BY_NULL


def _child_wins(parent: Node, child: Node, path: Path, report: Report) -> Node:  # noqa: ARG001
    return over(parent, child)


def over(parent: Node, child: Node) -> Node:
    """Return ``child`` in the place of ``parent``, and with it as what it overrides."""
    return without_tags(child)._replace(overrides=parent)


def stands_alone(parent: Mapping, child: Mapping, path: Path) -> bool:
    """Whether the rest of a mapping only has meaning together with one of its keys, which the child changes.

    Logging options belong to a driver, as in compose-go's mergeLogging; the bounds of a variable to its type.
    """
    if len(path) == 3 and path[2] == "logging":
        return _differ(parent, child, "driver")
    return len(path) == 2 and path[0] == "variables" and _differ(parent, child, "type")


def _differ(parent: Mapping, child: Mapping, key: str) -> bool:
    ours, theirs = child.entries.get(key), parent.entries.get(key)
    return isinstance(ours, Scalar) and isinstance(theirs, Scalar) and ours.value != theirs.value


def _merge_mappings(
    parent: Mapping, child: Mapping, path: Path, table: PathTable[ListRule] | None, rules: Rules, report: Report
) -> Mapping:
    entries = dict(parent.entries)
    keys = dict(parent.keys)
    removed = {**parent.removed, **child.removed}
    for key, value in child.entries.items():
        if value.tag == RESET:
            if key in entries:
                removed[key] = value._replace(overrides=entries.pop(key))
                keys.pop(key)
            continue
        if key in entries:
            entries[key] = _merge(entries[key], value, (*path, key), table and table.below(key), rules, report)
        else:
            entries[key] = without_tags(value)
        keys[key] = child.keys[key]
    if rules.one_mount_a_target and len(path) == 2 and path[0] == "services":
        _one_mount_a_target(entries, child)
    removed = {key: value for key, value in removed.items() if key not in entries}
    return child._replace(entries=entries, keys=keys, overrides=parent, removed=removed)


def _one_mount_a_target(entries: dict[str, Node], child: Mapping) -> None:
    """A child's tmpfs at a target takes the place of a parent's volume there, and the other way round."""
    for key, other in (("volumes", "tmpfs"), ("tmpfs", "volumes")):
        mine, theirs, own = child.entries.get(key), entries.get(other), child.entries.get(other)
        if isinstance(mine, Sequence) and isinstance(theirs, Sequence):
            targets = {mount_identity(item) for item in mine.items} - {None}
            if isinstance(own, Sequence):
                targets -= {mount_identity(item) for item in own.items}
            kept = tuple(item for item in theirs.items if mount_identity(item) not in targets)
            if len(kept) != len(theirs.items):
                entries[other] = theirs._replace(items=kept)


def without_tags(node: Node) -> Node:
    """Return ``node`` as it is where there is nothing to override: what ``!reset`` marks is not there.

    Every layer but the last is a parent too, and what it removed must not come back under the next child.
    """
    if isinstance(node, Mapping):
        entries = {key: without_tags(value) for key, value in node.entries.items() if value.tag != RESET}
        if len(entries) != len(node.entries) or any(entries[key] is not node.entries[key] for key in entries):
            node = node._replace(entries=entries, keys={key: node.keys[key] for key in entries})
    elif isinstance(node, Sequence):
        items = tuple(without_tags(item) for item in node.items if item.tag != RESET)
        if len(items) != len(node.items) or any(new is not old for new, old in zip(items, node.items, strict=True)):
            node = node._replace(items=items)
    return node if node.tag is None else node._replace(tag=None)


# --- rules for lists


def _replace(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:  # noqa: ARG001
    return child._replace(overrides=parent)


def _security(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:
    have = {item.value for item in child.items if isinstance(item, Scalar)}
    lost = [str(item.value) for item in parent.items if isinstance(item, Scalar) and item.value not in have]
    if lost:
        report.warning(
            "EV211",
            f"{dotted(path)} drops {', '.join(lost)}",
            child.span,
            expected="the parent's entries too",
            notes=(Note("replaces this list", parent.span),),
            help="repeat the entries to keep them; write !override before the list to say that this is meant",
        )
    return child._replace(overrides=parent)


def _by(identity: Callable[[Node], str | None]) -> ListRule:
    """Return a rule by which an entry takes the place of the parent's of the same identity; others are added."""

    def rule(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:  # noqa: ARG001
        merged: list[Node] = list(parent.items)
        places = {identity(item): index for index, item in enumerate(parent.items)}
        for item in child.items:
            # Each place is taken once: two entries of one file are never merged with each other.
            index = places.pop(identity(item), None)
            if index is None or identity(item) is None:
                merged.append(item)
            else:
                merged[index] = over(merged[index], item)
        return child._replace(items=tuple(merged), overrides=parent)

    return rule


def field_text(node: Node, name: str) -> str | None:
    """Return the text of a mapping's field ``name``, or None where it has none that is known."""
    if not isinstance(node, Mapping):
        return None
    value = node.entries.get(name)
    if isinstance(value, Scalar) and value.value is not None and value.problem is None:
        return text_of(value.value)
    return None


def mount_identity(node: Node) -> str | None:
    """Return what tells a mount (or a line of ``tmpfs``) from others: its target."""
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.problem is None:
        return mount_target(node.value.partition(":")[0])
    target = field_text(node, "target")
    return None if target is None else mount_target(target)


def _secret_identity(node: Node) -> str | None:
    target = field_text(node, "target") or field_text(node, "source")
    return None if target is None else target.removeprefix("/run/secrets/")


def _config_identity(node: Node) -> str | None:
    target = field_text(node, "target")
    if target is not None:
        return mount_target(target)
    source = field_text(node, "source")
    return None if source is None else f"/{source}"


def _ports(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:
    """By name; else a child's ports replace the parent's of the same target and protocol, as a group.

    Where both sides have exactly one of a target they merge by field, so that a child can change the host port alone.
    """
    kept: list[Node | None] = list(parent.items)
    names = {field_text(item, "name"): index for index, item in enumerate(parent.items)}
    groups: dict[tuple[str, str] | None, list[Node]] = {}
    merged: set[int] = set()
    for item in child.items:
        name = field_text(item, "name")
        index = names.pop(name, None) if name is not None else None
        if index is None:
            groups.setdefault(_port_group(item), []).append(item)
        else:
            kept[index] = _merge(parent.items[index], item, (*path, index), None, LAYER_RULES, report)
            merged.add(index)
    added: list[Node] = []
    for group, items in groups.items():
        same = [index for index, item in enumerate(parent.items) if index not in merged and _port_group(item) == group]
        if group is None:
            added.extend(items)
        elif len(same) == 1 and len(items) == 1:
            kept[same[0]] = _merge(parent.items[same[0]], items[0], (*path, same[0]), None, LAYER_RULES, report)
        else:
            for index in same:
                kept[index] = None
            added.extend(items)
    return child._replace(items=(*(item for item in kept if item is not None), *added), overrides=parent)


def _port_group(node: Node) -> tuple[str, str] | None:
    target = field_text(node, "target")
    return None if target is None else (target, (field_text(node, "protocol") or "tcp").lower())


_SERVICE_LISTS: Final[dict[str, ListRule]] = {
    **dict.fromkeys(
        (
            "blkio_config.device_read_bps",
            "blkio_config.device_read_iops",
            "blkio_config.device_write_bps",
            "blkio_config.device_write_iops",
            "blkio_config.weight_device",
        ),
        _by(lambda node: field_text(node, "path")),
    ),
    "build.secrets": _by(_secret_identity),
    "cap_drop": _security,
    "configs": _by(_config_identity),
    "devices": _by(lambda node: field_text(node, "target") or field_text(node, "source")),
    "ports": _ports,
    "secrets": _by(_secret_identity),
    "security_opt": _security,
    "tmpfs": _by(mount_identity),
    "volumes": _by(mount_identity),
    **dict.fromkeys(
        (
            "build.cache_from",
            "build.cache_to",
            "build.entitlements",
            "build.extra_hosts.*",
            "build.no_cache_filter",
            "build.platforms",
            "build.tags",
            "cap_add",
            "command",
            "deploy.placement.constraints",
            "deploy.placement.preferences",
            "deploy.resources.reservations.devices",
            "deploy.resources.reservations.generic_resources",
            "develop.watch",
            "device_cgroup_rules",
            "dns",
            "dns_opt",
            "dns_search",
            "entrypoint",
            "env_file",
            "expose",
            "external_links",
            "extra_hosts.*",
            "gpus",
            "group_add",
            "healthcheck.test",
            "label_file",
            "links",
            "networks.*.aliases",
            "networks.*.link_local_ips",
            "post_start",
            "pre_start",
            "pre_stop",
            "profiles",
            "provider.options.*",
            "sanitize.command",
            "snapshot.command",
            "snapshot.restore",
            "volumes_from",
        ),
        _replace,
    ),
}
_JOB_LISTS: Final[dict[str, ListRule]] = {
    **{pattern: rule for pattern, rule in _SERVICE_LISTS.items() if pattern.partition(".")[0] in Job.model_fields},
    "triggers.schedule": _replace,
}
LIST_RULES: Final[PathTable[ListRule]] = PathTable(
    {
        **{f"services.*.{pattern}": rule for pattern, rule in _SERVICE_LISTS.items()},
        **{f"jobs.*.{pattern}": rule for pattern, rule in _JOB_LISTS.items()},
        "models.*.runtime_flags": _replace,
        "networks.*.ipam.config": _replace,
        "profiles": _replace,
        "reproduce.allow": _replace,
        "reproduce.certificates.*.names": _replace,
        "reproduce.keep": _replace,
        "variables.*.values": _replace,
    }
)
LAYER_RULES: Final = Rules(LIST_RULES, _replace, _null_overrides, stands_alone, _child_wins, one_mount_a_target=True)
