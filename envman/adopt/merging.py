"""Several Compose files: where Compose and a blueprint merge a list differently, the merged list is written out.

Compose appends every list but a few, and then lets the later of two entries with the same key take the place of the
earlier. A blueprint replaces every list but a few.
Source: compose-go's `override/merge.go` and `override/uncity.go`, and what `docker compose config` made of each list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envman.adopt.changes import Changes, as_node
from envman.diagnostics import Note, Report
from envman.language.compose_rules import Picks, picks
from envman.language.merge import merge
from envman.source.reader import OVERRIDE, RESET
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, dotted, key_span, node_at, plain


def write_out_lists(parent: Mapping, raw_parent: Mapping, child: Mapping, changes: Changes, report: Report) -> int:
    """Change the child's document so that a blueprint's merge makes of it what Compose's would; return how often.

    ``parent`` is all that came before, merged, and ``child`` this file's, both in the long form. ``raw_parent`` is the
    former as it was written, with what this function wrote out before.
    """
    written = changes.current()
    _refuse_forms(parent, written, report)
    merged = merge(parent, child, Report())
    count = 0
    for path, ours, theirs in list(_both(parent, child, ())):
        wanted, chosen = _wanted(path, theirs, ours)
        have = node_at(merged, path)
        if have is not None and _alike(plain(have), wanted):
            continue
        raw_child, raw_before = node_at(written, path), node_at(raw_parent, path)
        data = _written(chosen, raw_before, raw_child, theirs, ours, wanted)
        key = key_span(changes.tree, path)
        appended = [(0, index) for index in range(len(_items(theirs)))] + [
            (1, index) for index in range(len(_items(ours)))
        ]
        pure = chosen == appended and isinstance(raw_child, Sequence)
        new = len(data) - len(raw_child.items) if pure and isinstance(raw_child, Sequence) else 0
        changes.write_out(path, data, OVERRIDE, new=new)
        count += 1
        report.warning(
            "EV808",
            f"{dotted(path)} is written out as Compose merges it: {_how(chosen)}",
            key,
            notes=(Note("the entries before it", theirs.span),),
            help="a blueprint would merge it in another way; `!override` says that this is the whole of it",
        )
    return count + _keep_mounts(parent, raw_parent, merged, child, changes, report)


def _refuse_forms(parent: Mapping, child: Mapping, report: Report) -> None:
    """Refuse the short forms that Compose cannot lay over what is there (EV814). ``child`` is as written."""
    for path, before, after in _pairs_of(parent, child):
        refused = (
            (path[2:] == ("gpus",) and isinstance(after, Scalar) and after.value is not None)
            or (path[2:] == ("build", "ssh") and isinstance(after, Sequence))
            or (path[:1] == ("volumes",) and path[2:] == ("labels",) and isinstance(after, Mapping | Sequence))
        )
        if refused and after.tag is None:
            report.error(
                "EV814",
                f"{dotted(path)}: Compose cannot merge this form into what another file says",
                after.span,
                expected="the long form, in one of the files",
                notes=(Note("said here before", before.span),),
            )


def _pairs_of(parent: Mapping, child: Mapping) -> Iterator[tuple[Path, Node, Node]]:
    for section, places in (("services", (("gpus",), ("build", "ssh"))), ("volumes", (("labels",),))):
        entries = child.entries.get(section)
        for name in entries.entries if isinstance(entries, Mapping) else ():
            for place in places:
                path = (section, name, *place)
                before, after = node_at(parent, path), node_at(child, path)
                if before is not None and after is not None:
                    yield path, before, after


def _how(chosen: Picks | None) -> str:
    return "the entries of both files" if chosen is not None else "its entries one by one"


def _both(parent: Node, child: Node, path: Path) -> Iterator[tuple[Path, Node, Node]]:
    """Yield path, child's and parent's node of each list that both have."""
    if child.tag in {OVERRIDE, RESET}:
        return
    if isinstance(parent, Sequence) and isinstance(child, Sequence):
        yield path, child, parent
    elif path[2:] == ("gpus",) and isinstance(parent, Scalar) and isinstance(child, Sequence):
        # What `all` is short for.
        yield path, child, as_node([{"count": -1}], parent.span)
    elif path[2:] in {("extra_hosts",), ("build", "extra_hosts")}:
        if isinstance(parent, Mapping) and isinstance(child, Mapping) and set(parent.entries) & set(child.entries):
            yield path, child, parent
    elif isinstance(parent, Mapping) and isinstance(child, Mapping):
        for key, value in child.entries.items():
            if key in parent.entries:
                yield from _both(parent.entries[key], value, (*path, key))


def _wanted(path: Path, parent: Node, child: Node) -> tuple[Any, Picks | None]:
    if isinstance(child, Mapping):
        return _hosts(plain(parent), plain(child)), None
    theirs, ours = plain(parent), plain(child)
    if path[:1] == ("networks",) and path[2:] == ("ipam", "config"):
        return _pools(theirs, ours), None
    assert isinstance(parent, Sequence)  # `_both` yields
    assert isinstance(child, Sequence)  # two of a kind
    chosen = picks(path, parent, child)
    sides = (theirs, ours)
    return [sides[side][index] for side, index in chosen], chosen


def _hosts(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Every address of every host, each once."""
    merged: dict[str, Any] = {}
    for hosts in (parent, child):
        for host, addresses in hosts.items():
            known = merged.setdefault(host, [])
            for address in addresses if isinstance(addresses, list) else [addresses]:
                if address not in known:
                    known.append(address)
    return {host: known[0] if len(known) == 1 else known for host, known in merged.items()}


def _pools(parent: list[Any], child: list[Any]) -> list[Any]:
    """compose-go's mergeIPAMConfig, step by step: what it merges into stays the same mapping, which shows."""
    merged: list[dict[str, Any]] = []
    parents = [dict(one) for one in parent]
    for original in parents:
        for override in child:
            known = [one.get("subnet") for one in merged]
            if override.get("subnet") != original.get("subnet") and override.get("subnet") not in known:
                merged.append(dict(override))
                continue
            original.update(override)
            known = [one.get("subnet") for one in merged]
            if original.get("subnet") in known:
                merged[known.index(original.get("subnet"))] = original
            else:
                merged.append(original)
    return [dict(one) for one in merged]


def _items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def _written(
    chosen: Picks | None, raw_parent: Node | None, raw_child: Node | None, parent: Node, child: Node, wanted: Any
) -> Any:
    """Return the merged list as the authors wrote its entries; where that cannot be told, in the long form."""
    if chosen is not None and isinstance(raw_parent, Sequence | Scalar) and raw_child is not None:
        sides = (_items(raw_parent), _items(raw_child))
        is_short = isinstance(raw_parent, Scalar) and raw_parent.value == "all"
        if not is_short and [len(side) for side in sides] == [len(_items(parent)), len(_items(child))]:
            return [plain(sides[side][index]) for side, index in chosen]
    return _doubled(wanted)


def _doubled(data: Any) -> Any:
    """Return interpolated data so that it is not interpolated again."""
    if isinstance(data, str):
        return data.replace("$", "$$")
    if isinstance(data, list):
        return [_doubled(item) for item in data]
    return {key: _doubled(value) for key, value in data.items()} if isinstance(data, dict) else data


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return type(one) is type(other) and bool(one == other)


def _keep_mounts(
    parent: Mapping, raw_parent: Mapping, merged: Mapping, child: Mapping, changes: Changes, report: Report
) -> int:
    """Keep a volume where a later file has a tmpfs at its target, and the other way round, as Compose does."""
    count = 0
    services = child.entries.get("services")
    for name, service in services.entries.items() if isinstance(services, Mapping) else ():
        for kind in ("volumes", "tmpfs"):
            path = ("services", name, kind)
            before, after = node_at(parent, path), node_at(merged, path)
            written = node_at(raw_parent, path)
            lost = before is not None and after is not None and len(_items(before)) != len(_items(after))
            target = node_at(changes.tree, path[:2])
            if lost and kind not in getattr(service, "entries", {}) and isinstance(target, Mapping) and written:
                changes.add(target, {kind: plain(written)})
                key = key_span(changes.tree, path[:2])
                report.warning("EV808", f"{dotted(path)} is written out: Compose keeps it beside this file's", key)
                count += 1
    return count


def raw_merged(parent: Mapping, child: Mapping) -> Mapping:
    """Return ``child`` laid over ``parent``, both as written: the later file's lists are whole where it matters."""

    def lay(below: Node, above: Node) -> Node:
        if above.tag in {OVERRIDE, RESET} or not (isinstance(below, Mapping) and isinstance(above, Mapping)):
            is_null = isinstance(above, Scalar) and above.value is None and above.tag is None
            return below if is_null and not isinstance(below, Scalar) else above
        entries = dict(below.entries)
        for key, value in above.entries.items():
            entries[key] = lay(entries[key], value) if key in entries else value
        return above._replace(entries=entries, keys={**below.keys, **above.keys})

    merged = lay(parent, child)
    assert isinstance(merged, Mapping)  # both are
    return merged
