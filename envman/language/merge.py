"""Merging layers: the one place where a child's values meet its parents'.

Mappings merge by key. A list either has an identity, by which its entries merge between layers (never inside one
file), or is replaced; one table says which, and a test walks the models so that no list is without a row.
``!reset`` removes what was inherited, ``!override`` replaces it whole, as in Compose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from envman.diagnostics import Note, Report
from envman.language.normalise import mount_target
from envman.language.paths import PathTable
from envman.source.reader import OVERRIDE, RESET
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, dotted

ListRule: TypeAlias = Callable[[Sequence, Sequence, Path, Report], Sequence]


def merge_layers(trees: list[Mapping], report: Report) -> Mapping:
    """Return ``trees`` merged in order, parents first; the result holds no tags."""
    merged = trees[0]
    for tree in trees[1:]:
        merged = merge(merged, tree, report)
    return _without_tags(merged)


def merge(parent: Mapping, child: Mapping, report: Report) -> Mapping:
    """Return ``parent`` with ``child`` laid over it."""
    merged = _merge(parent, child, (), LIST_RULES, report)
    assert isinstance(merged, Mapping)  # both are
    return merged


def _merge(parent: Node, child: Node, path: Path, table: PathTable[ListRule] | None, report: Report) -> Node:
    if child.tag == OVERRIDE:
        return _over(parent, child._replace(tag=None))
    if isinstance(parent, Mapping) and isinstance(child, Mapping):
        if len(path) == 3 and path[2] == "logging" and _differ(parent, child, "driver"):
            return _over(parent, child)  # options belong to a driver; compose-go's mergeLogging does the same
        return _merge_mappings(parent, child, path, table, report)
    if isinstance(parent, Sequence) and isinstance(child, Sequence) and child.items:
        rule = table.rule if table is not None else None
        return (rule or _replace)(parent, child, path, report)
    if (
        isinstance(parent, Sequence)
        and isinstance(child, Sequence)
        and table is not None
        and table.rule is not _replace
    ):
        return parent  # an empty list adds nothing where entries merge; `!reset` empties
    return _over(parent, child)


def _over(parent: Node, child: Node) -> Node:
    return child._replace(overrides=parent)


def _differ(parent: Mapping, child: Mapping, key: str) -> bool:
    ours, theirs = child.entries.get(key), parent.entries.get(key)
    return isinstance(ours, Scalar) and (not isinstance(theirs, Scalar) or ours.value != theirs.value)


def _merge_mappings(
    parent: Mapping, child: Mapping, path: Path, table: PathTable[ListRule] | None, report: Report
) -> Mapping:
    entries = dict(parent.entries)
    keys = dict(parent.keys)
    for key, value in child.entries.items():
        if value.tag == RESET:
            entries.pop(key, None)
            keys.pop(key, None)
            continue
        if key in entries:
            entries[key] = _merge(entries[key], value, (*path, key), table and table.below(key), report)
        else:
            entries[key] = value
        keys[key] = child.keys[key]
    if len(path) == 2 and path[0] == "services":
        _one_mount_a_target(entries, child)
    return child._replace(entries=entries, keys=keys, overrides=parent)


def _one_mount_a_target(entries: dict[str, Node], child: Mapping) -> None:
    """A child's tmpfs at a target takes the place of a parent's volume there, and the other way round."""
    for key, other in (("volumes", "tmpfs"), ("tmpfs", "volumes")):
        mine, theirs = child.entries.get(key), entries.get(other)
        if isinstance(mine, Sequence) and isinstance(theirs, Sequence) and other not in child.entries:
            targets = {_mount_identity(item) for item in mine.items}
            kept = tuple(item for item in theirs.items if _mount_identity(item) not in targets)
            if len(kept) != len(theirs.items):
                entries[other] = theirs._replace(items=kept)


def _without_tags(node: Mapping) -> Mapping:
    """Drop what is left of ``!reset`` and ``!override`` where there was nothing to override."""
    entries: dict[str, Node] = {}
    changed = False
    for key, value in node.entries.items():
        if value.tag == RESET:
            changed = True
            continue
        new = _without_tags(value) if isinstance(value, Mapping) else value
        if new.tag == OVERRIDE:
            new = new._replace(tag=None)
        changed = changed or new is not value
        entries[key] = new
    if not changed:
        return node
    return node._replace(entries=entries, keys={key: node.keys[key] for key in entries})


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
    """Return a rule by which entries of the same identity merge, the child's others are added at the end."""

    def rule(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:
        merged: list[Node] = list(parent.items)
        places = {identity(item): index for index, item in enumerate(parent.items)}
        for item in child.items:
            name = identity(item)
            if name is None or name not in places:
                merged.append(item)
                continue
            index = places[name]
            earlier = merged[index]
            if isinstance(earlier, Mapping) and isinstance(item, Mapping) and not _differ(earlier, item, "type"):
                merged[index] = _merge(earlier, item, (*path, index), None, report)
            else:
                merged[index] = _over(earlier, item)
        return child._replace(items=tuple(merged), overrides=parent)

    return rule


def _field_text(node: Node, name: str) -> str | None:
    if not isinstance(node, Mapping):
        return None
    value = node.entries.get(name)
    if isinstance(value, Scalar) and value.value is not None and value.problem is None:
        return str(value.value)
    return None


def _mount_identity(node: Node) -> str | None:
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.problem is None:
        return mount_target(node.value.partition(":")[0])
    target = _field_text(node, "target")
    return None if target is None else mount_target(target)


def _secret_identity(node: Node) -> str | None:
    target = _field_text(node, "target") or _field_text(node, "source")
    return None if target is None else target.removeprefix("/run/secrets/")


def _config_identity(node: Node) -> str | None:
    target = _field_text(node, "target")
    if target is not None:
        return mount_target(target)
    source = _field_text(node, "source")
    return None if source is None else f"/{source}"


def _ports(parent: Sequence, child: Sequence, path: Path, report: Report) -> Sequence:
    """By name; else a child's ports replace the parent's of the same target and protocol, as a group.

    Where both sides have exactly one of a target they merge by field, so that a child can change the host port alone.
    """
    kept = list(parent.items)
    added: list[Node] = []
    groups: dict[tuple[str | None, str | None], list[Node]] = {}
    for item in child.items:
        name = _field_text(item, "name")
        index = next(
            (i for i, other in enumerate(kept) if name is not None and _field_text(other, "name") == name), None
        )
        if index is not None:
            kept[index] = _merge(kept[index], item, (*path, index), None, report)
        else:
            groups.setdefault((_field_text(item, "target"), _field_text(item, "protocol")), []).append(item)
    for (target, protocol), items in groups.items():
        same = [
            other
            for other in kept
            if target is not None
            and (_field_text(other, "target"), _field_text(other, "protocol")) == (target, protocol)
            and not any(other is done for done in added)
        ]
        if len(same) == 1 and len(items) == 1:
            index = next(i for i, other in enumerate(kept) if other is same[0])
            kept[index] = _merge(same[0], items[0], (*path, index), None, report)
        else:
            kept = [other for other in kept if not any(other is gone for gone in same)]
            added.extend(items)
    return child._replace(items=(*kept, *added), overrides=parent)


_SERVICE_LISTS: Final[dict[str, ListRule]] = {
    **dict.fromkeys(
        (
            "blkio_config.device_read_bps",
            "blkio_config.device_read_iops",
            "blkio_config.device_write_bps",
            "blkio_config.device_write_iops",
            "blkio_config.weight_device",
        ),
        _by(lambda node: _field_text(node, "path")),
    ),
    "build.secrets": _by(_secret_identity),
    "cap_drop": _security,
    "configs": _by(_config_identity),
    "devices": _by(lambda node: _field_text(node, "target") or _field_text(node, "source")),
    "ports": _ports,
    "secrets": _by(_secret_identity),
    "security_opt": _security,
    "tmpfs": _by(_mount_identity),
    "volumes": _by(_mount_identity),
    **dict.fromkeys(
        (
            "build.cache_from",
            "build.cache_to",
            "build.entitlements",
            "build.extra_hosts",
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
            "extra_hosts",
            "gpus",
            "group_add",
            "healthcheck.test",
            "label_file",
            "links",
            "networks.*.aliases",
            "networks.*.link_local_ips",
            "post_start",
            "pre_stop",
            "profiles",
            "provider.options.*",
            "volumes_from",
        ),
        _replace,
    ),
}
LIST_RULES: Final[PathTable[ListRule]] = PathTable(
    {
        **{f"services.*.{pattern}": rule for pattern, rule in _SERVICE_LISTS.items()},
        "models.*.runtime_flags": _replace,
        "networks.*.ipam.config": _replace,
        "profiles": _replace,
        "variables.*.values": _replace,
    }
)
