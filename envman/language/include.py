"""`include`: whole Compose files, each loaded on its own, whose resources join those of the file that includes them.

As Compose does it: an included file has a project directory of its own (its folder, unless `project_directory` says
otherwise), which its relative paths mean, and an own `.env` that gives what the outer scope does not; a list under
`path` is merged like `-f` files; a name that is there already must mean the same.

Source: https://docs.docker.com/reference/compose-file/include/ and compose-go's `loader/include.go`.
"""

from __future__ import annotations

import posixpath
from typing import Final, NamedTuple

from envman.diagnostics import Note, Span
from envman.diagnostics.diagnostic import near_match
from envman.language.compose_file import ComposeFiles, is_blueprint
from envman.language.compose_rules import merge_as_compose
from envman.language.extends import extend_services
from envman.language.interpolate import Scope
from envman.source.places import is_file
from envman.source.reader import kind
from envman.source.tree import Mapping, Node, Scalar, Sequence, plain, replace_entries

MOST_LEVELS: Final = 50
SECTIONS: Final = ("services", "networks", "volumes", "configs", "secrets", "models")
# Compose reads these in an included file and makes nothing of them.
_IGNORED: Final = frozenset({"include", "name", "version"})
_FIELDS: Final = ("path", "project_directory", "env_file")
_EXPECTED: Final = "a list of paths, or of {path, project_directory, env_file}"
_NO_FILE: Final = "/dev/null"


class _Entry(NamedTuple):
    """One entry of an `include`, its paths as seen from the root."""

    paths: list[Scalar]
    folder: str
    env_files: list[Scalar] | None


class _Outer(NamedTuple):
    """An include that is being loaded: its first file, which names it, and where it is asked for."""

    main: str
    asked: Span


def put_together(
    tree: Mapping, path: str, scope: Scope, files: ComposeFiles, outer: tuple[_Outer, ...] = ()
) -> Mapping:
    """Return ``tree``, the file at ``path``, with what it extends and includes; neither word is left in it.

    The tree is interpolated in ``scope``, normalised, and its paths mean the project's root. ``outer`` are the includes
    that led here, outermost first. What is wrong goes to the report.
    """
    tree = extend_services(tree, path, scope, files)
    if "include" not in tree.entries:
        return tree
    whole = replace_entries(tree, {"include": None})
    for entry in _entries(tree.entries["include"], files):
        included = _load(entry, scope, files, outer)
        if included is not None:
            whole = _join(whole, included, entry.paths[0].span, files)
    return whole


# --- reading the attribute


def _entries(node: Node, files: ComposeFiles) -> list[_Entry]:
    if isinstance(node, Scalar) and node.problem is not None:
        files.report.add(node.problem)
        return []
    if isinstance(node, Scalar) and node.value is None:
        return []
    if not isinstance(node, Sequence):
        files.report.error("EV224", f"include is {kind(node)}", node.span, expected=_EXPECTED)
        return []
    read = (_entry(item, files) for item in node.items)
    return [entry for entry in read if entry is not None]


def _entry(item: Node, files: ComposeFiles) -> _Entry | None:
    if not isinstance(item, Mapping):
        item = Mapping({"path": item}, {"path": item.span}, item.span)
    fine = True
    for key in item.entries:
        if key not in _FIELDS:
            expected = near_match(key, _FIELDS) or _EXPECTED
            files.report.error("EV224", f'"{key}" does not belong to an include', item.keys[key], expected=expected)
            fine = False
    if "path" not in item.entries:
        files.report.error("EV224", "this include names no path", item.span, expected=_EXPECTED)
        return None
    paths = _texts(item.entries["path"], "path", files)
    folders = _texts(item.entries.get("project_directory"), "project_directory", files)
    env_files = _texts(item.entries.get("env_file"), "env_file", files)
    if not fine or not paths or folders is None or env_files is None:
        return None
    placed = [_inside(one, files) for one in paths]
    if any(one is None for one in placed):
        return None
    inside = [one for one in placed if one is not None]
    if folders:
        folder = files.inside(str(folders[0].value), folders[0].span)
        if folder is None:
            return None
    else:
        folder = posixpath.dirname(str(inside[0].value))
    return _Entry(inside, folder, env_files or None)


def _inside(node: Scalar, files: ComposeFiles) -> Scalar | None:
    path = files.inside(str(node.value), node.span)
    if path is None:
        return None
    if is_blueprint(path):
        files.report.error(
            "EV226",
            f"{path} is a blueprint",
            node.span,
            expected="a Compose file",
            help=f"write `extends: {posixpath.splitext(posixpath.basename(path))[0]}` at the top to build on it",
        )
        return None
    return node._replace(value=path)


def _texts(node: Node | None, name: str, files: ComposeFiles) -> list[Scalar] | None:
    """Return the strings of a string or list; None, and an error, where there is something else."""
    if node is None or (isinstance(node, Scalar) and node.value is None and node.problem is None):
        return []
    found: list[Scalar] = []
    items = node.items if isinstance(node, Sequence) and name != "project_directory" else (node,)
    for item in items:
        if isinstance(item, Scalar) and item.problem is not None:
            files.report.add(item.problem)
            return None
        if not isinstance(item, Scalar) or not isinstance(item.value, str) or not item.value:
            files.report.error("EV224", f"include.{name} is {kind(item)}", item.span, expected="a path")
            return None
        found.append(item)
    return found


# --- loading


def _load(entry: _Entry, scope: Scope, files: ComposeFiles, outer: tuple[_Outer, ...]) -> Mapping | None:
    main, asked = str(entry.paths[0].value), entry.paths[0].span
    if main in (one.main for one in outer):
        _report_cycle(main, asked, files, outer)
        return None
    if len(outer) >= MOST_LEVELS:
        files.report.error("EV110", f"more than {MOST_LEVELS} levels of include", asked, expected="fewer levels")
        return None
    env_files = _env_files(entry, files)
    if env_files is None:
        return None
    inner = files.environment(scope, env_files)
    key = (tuple(str(path.value) for path in entry.paths), entry.folder, id(inner))
    if key in files.included:
        return files.included[key]
    trees: list[Mapping] = []
    for path in entry.paths:
        tree = files.load(str(path.value), entry.folder, inner, path.span)
        if tree is None or not files.spend(tree, path.span):
            return None
        _report_strangers(tree, str(path.value), files)
        trees.append(put_together(tree, str(path.value), inner, files, (*outer, _Outer(main, asked))))
    files.included[key] = merge_as_compose(trees, files.report)
    return files.included[key]


def _env_files(entry: _Entry, files: ComposeFiles) -> list[str] | None:
    if entry.env_files is None:
        own = posixpath.join(entry.folder, ".env")
        # The root's own is part of the scope already.
        return [own] if entry.folder not in {"", "."} and is_file(files.root / own) else []
    found: list[str] = []
    for node in entry.env_files:
        if node.value == _NO_FILE:
            continue
        path = files.inside(str(node.value), node.span)
        if path is None or files.missing(path, node.span):
            return None
        found.append(path)
    return found


def _report_strangers(tree: Mapping, path: str, files: ComposeFiles) -> None:
    for key in tree.entries:
        if key in SECTIONS or key in _IGNORED or key.startswith("x-"):
            continue
        expected = near_match(key, SECTIONS) or f"one of {', '.join(SECTIONS)}"
        message = f'"{key}" has no place in {path}, a Compose file'
        files.report.error("EV105", message, tree.keys[key], expected=expected)


def _report_cycle(main: str, asked: Span, files: ComposeFiles, outer: tuple[_Outer, ...]) -> None:
    names = [one.main for one in outer]
    start = names.index(main)
    files.report.error(
        "EV223",
        f"the files include each other: {' -> '.join((*names[start:], main))}",
        asked,
        expected="a file that does not include this one",
        notes=tuple(Note(f"{one.main} is included here", one.asked) for one in outer[start + 1 :]),
    )


# --- joining


def _join(whole: Mapping, included: Mapping, asked: Span, files: ComposeFiles) -> Mapping:
    """Return ``whole`` and the resources of ``included``; a name that both have must mean the same (EV225)."""
    changes: dict[str, Node | None] = {}
    for section in SECTIONS:
        theirs = included.entries.get(section)
        if not isinstance(theirs, Mapping):
            continue
        ours = whole.entries.get(section)
        mine = ours if isinstance(ours, Mapping) else theirs._replace(entries={}, keys={})
        entries, keys = dict(mine.entries), dict(mine.keys)
        for name, node in theirs.entries.items():
            if name not in entries:
                entries[name], keys[name] = node, theirs.keys[name]
            elif entries[name] is not node and not name.startswith("x-") and plain(entries[name]) != plain(node):
                _report_conflict(section, name, (theirs.keys[name], keys[name], asked), files)
        changes[section] = mine._replace(entries=entries, keys=keys)
    return replace_entries(whole, changes)


def _report_conflict(section: str, name: str, places: tuple[Span, Span, Span], files: ComposeFiles) -> None:
    included, other, asked = places
    files.report.error(
        "EV225",
        f"{section}.{name} of an included file is defined differently elsewhere",
        included,
        expected="a name that is not taken, or the same definition",
        notes=(Note("the other definition", other), Note("included here", asked)),
        help="rename one of the two; to change the included one, do so in a blueprint that extends this one",
    )
