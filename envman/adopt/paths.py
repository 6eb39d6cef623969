"""Relative paths: to Compose they start at the first file's folder, in a blueprint at the project's root.

Source: compose-go's `paths/resolve.go`, and what `docker compose config` made of each attribute.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Map
from typing import Final, TypeAlias

from envman.adopt.changes import Changes
from envman.diagnostics import Report
from envman.language.paths import PathTable
from envman.language.references import references
from envman.model.files import seccomp_profile
from envman.source.places import is_elsewhere
from envman.source.tree import Mapping, Node, Scalar, Sequence, node_at

# Given the whole text of a value, the path in it: what stands before, the path, what stands behind.
Parts: TypeAlias = tuple[str, str, str]
Take: TypeAlias = Callable[[str], Parts | None]


def _whole(text: str) -> Parts | None:
    return ("", text, "")


def _context(text: str) -> Parts | None:
    return None if is_elsewhere(text) else ("", text, "")


def _named_context(text: str) -> Parts | None:
    name, separator, path = text.partition("=")
    return None if not separator or is_elsewhere(path) else (name + separator, path, "")


def _profile(text: str) -> Parts | None:
    path = seccomp_profile(text)
    return None if path is None else (text[: -len(path)], path, "")


def _mount(text: str) -> Parts | None:
    if not text.startswith((".", "$")):
        return None
    end = _outside_references(text, ":")
    return None if end < 0 else ("", text[:end], text[end:])


def _outside_references(text: str, character: str) -> int:
    """Return where ``character`` stands in ``text`` outside of ``${...}``, or -1."""
    position = 0
    ends = {reference.start: reference.end for reference in references(text) if text[reference.start] == "$"}
    while position < len(text):
        if position in ends:
            position = ends[position]
        elif text[position] == character:
            return position
        else:
            position += 1
    return -1


_SERVICE: Final[dict[str, Take]] = {
    "build": _context,
    "build.context": _context,
    "develop.watch.*.path": _whole,
    "env_file": _whole,
    "env_file.*": _whole,
    "env_file.*.path": _whole,
    "extends.file": _whole,
    "label_file": _whole,
    "label_file.*": _whole,
    "security_opt.*": _profile,
    "volumes.*": _mount,
}
_TABLE: Final[PathTable[Take]] = PathTable(
    {
        **{f"services.*.{pattern}": take for pattern, take in _SERVICE.items()},
        "configs.*.file": _whole,
        "secrets.*.file": _whole,
        "include": _whole,
        "include.*": _whole,
        **{
            f"include.*.{name}{each}": _whole
            for name in ("path", "project_directory", "env_file")
            for each in ("", ".*")
        },
    }
)


def files_named(tree: Mapping) -> Iterator[str]:
    """Yield every relative path of a Compose file that names a file or a folder to read; binds hold data."""
    for leaf, take in _paths(tree, _TABLE):
        parts = take(str(leaf.value)) if take is not _mount else None
        if parts is not None and parts[1] and "$" not in parts[1] and not _is_fixed(parts[1]):
            yield parts[1]


def writable_binds(tree: Mapping) -> Iterator[tuple[Scalar, str]]:
    """Yield each relative folder of the host that a service may write to: the node that names it, and its path."""
    services = tree.entries.get("services")
    for service in services.entries.values() if isinstance(services, Mapping) else ():
        mounts = node_at(service, ("volumes",))
        for mount in mounts.items if isinstance(mounts, Sequence) else ():
            leaf, path, is_read_only = mount, "", False
            if isinstance(mount, Mapping) and _text(mount, "type") == "bind":
                source, flag = mount.entries.get("source"), mount.entries.get("read_only")
                is_read_only = isinstance(flag, Scalar) and str(flag.value).lower() == "true"
                leaf, path = source if source is not None else mount, _text(mount, "source")
            elif isinstance(mount, Scalar):
                parts = _mount(str(mount.value))
                path = parts[1] if parts is not None else ""
                is_read_only = parts is not None and "ro" in parts[2].rpartition(":")[2].split(",")
            if isinstance(leaf, Scalar) and path and "$" not in path and not _is_fixed(path) and not is_read_only:
                yield leaf, path


def path_variables(tree: Mapping) -> Counter[str]:
    """Return how often each variable begins a path in a Compose file."""
    found: Counter[str] = Counter()
    for leaf, take in _paths(tree, _TABLE):
        parts = take(str(leaf.value))
        first = next(references(parts[1]), None) if parts is not None else None
        if first is not None and first.start == 0:
            found[first.name] += 1
    return found


def rebase_paths(changes: Changes, prefix: str, known: Map[str, str], report: Report) -> int:
    """Put ``prefix`` (the Compose files' folder, from the project's root) before every relative path.

    Returns how many there were. In a path that begins with a variable it is put before the default. ``known`` are the
    variables' values; where one is relative, or there is neither value nor default, ``report`` says so (EV809).
    """
    count = 0
    for leaf, take in _paths(changes.current(), _TABLE):
        parts = take(str(leaf.value))
        if parts is None or not parts[1]:
            continue
        before, path, behind = parts
        if _is_fixed(path):
            continue
        if path.startswith("$") and not path.startswith("$$"):
            path = _rebased_default(path, prefix, names=take is _mount)
            if not _is_decided(path, known, names=take is _mount):
                _undecided(leaf, path, prefix, report)
        else:
            path = rebased(path, prefix)
        new = f"{before}{path}{behind}"
        if new != leaf.value:
            changes.set_scalar(leaf, new)
            count += 1
    return count


def _is_fixed(path: str) -> bool:
    return path.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:[\\/]", path) is not None


def _rebased_default(path: str, prefix: str, *, names: bool) -> str:
    """Return ``path``, which begins with a variable, with ``prefix`` before the default; ``names`` are none."""
    first = next(references(path), None)
    if first is None or first.start != 0 or not first.operand or "?" in first.operator:
        return path
    operand = first.operand
    if operand.startswith("$") and not operand.startswith("$$"):
        operand = _rebased_default(operand, prefix, names=names)
    elif not _is_fixed(operand) and (operand.startswith(".") or not names):
        operand = rebased(operand, prefix)
    return f"${{{first.name}{first.operator}{operand}}}{path[first.end :]}"


def _is_decided(path: str, known: Map[str, str], *, names: bool) -> bool:
    """Whether the variable that ``path`` begins with has an absolute value (or a volume's name), or a default."""
    first = next(references(path), None)
    if first is None:
        return False
    value = known.get(first.name)
    if value:
        return _is_fixed(value) or (names and not value.startswith("."))
    operand = first.operand
    return bool(operand) and (not operand.startswith("$") or _is_decided(operand, known, names=names))


def rebased(path: str, prefix: str) -> str:
    """Return relative ``path`` as seen from where ``prefix`` starts; it begins with a dot, so that it is no name."""
    joined = posixpath.join(prefix, path.removeprefix("./"))
    joined = posixpath.normpath(joined) if "$" not in path else joined
    slash = "/" if path.endswith("/") and not joined.endswith("/") else ""
    return (joined if joined.startswith(".") else f"./{joined}") + slash


def _undecided(leaf: Scalar, path: str, prefix: str, report: Report) -> None:
    report.warning(
        "EV809",
        f'"{path}" begins with a variable: a relative value starts at the project\'s root now',
        leaf.span,
        help=f"give the variable an absolute path, or one that starts with {prefix}/",
    )


def _paths(node: Node, table: PathTable[Take]) -> Iterator[tuple[Scalar, Take]]:
    if isinstance(node, Scalar):
        if table.rule is not None and isinstance(node.value, str):
            yield node, table.rule
    elif isinstance(node, Mapping):
        yield from _special(node, table)
        for key, value in node.entries.items():
            below = table.below(key)
            if below is not None:
                yield from _paths(value, below)
    elif "*" in table.children:
        for item in node.items:
            yield from _paths(item, table.children["*"])


_MOUNTS: Final = _TABLE.children["services"].children["*"].children["volumes"].children["*"]
_BUILD: Final = _TABLE.children["services"].children["*"].children["build"]


def _special(node: Mapping, table: PathTable[Take]) -> Iterator[tuple[Scalar, Take]]:
    """Paths that only another attribute makes one: a bind's source, contexts as a list, a local volume's device."""
    if table is _MOUNTS and _text(node, "type") == "bind":
        yield from _field(node, "source", _whole)
    if table is _BUILD:
        contexts = node.entries.get("additional_contexts")
        if isinstance(contexts, Mapping):
            for name in contexts.entries:
                yield from _field(contexts, name, _context)
        for item in contexts.items if isinstance(contexts, Sequence) else ():
            if isinstance(item, Scalar) and isinstance(item.value, str):
                yield item, _named_context
    if table is _TABLE:
        volumes = node.entries.get("volumes")
        for volume in volumes.entries.values() if isinstance(volumes, Mapping) else ():
            options = volume.entries.get("driver_opts") if isinstance(volume, Mapping) else None
            is_local = isinstance(volume, Mapping) and _text(volume, "driver") in ("", "local")
            if isinstance(options, Mapping) and is_local and "bind" in _text(options, "o"):
                yield from _field(options, "device", _whole)


def _text(node: Mapping, key: str) -> str:
    value = node.entries.get(key)
    return value.value if isinstance(value, Scalar) and isinstance(value.value, str) else ""


def _field(node: Mapping, key: str, take: Take) -> Iterator[tuple[Scalar, Take]]:
    value = node.entries.get(key)
    if isinstance(value, Scalar) and isinstance(value.value, str):
        yield value, take
