"""The files that Compose files include or extend: they stay where they are, and their variables are declared too.

Paths mean what they mean to Compose: in an included file its own project directory, in an extended one its folder.
Source: https://docs.docker.com/reference/compose-file/include/ and compose-go's `loader/include.go`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from envman.adopt.document import read_compose_file
from envman.adopt.paths import files_named
from envman.adopt.variables import Used
from envman.diagnostics import EnvmanError, Report, Span
from envman.diagnostics.limits import limit
from envman.language.references import Reference, expanded, references, rewritten
from envman.source.dotenv import read_dotenv
from envman.source.files import read_source
from envman.source.reader import read_tree
from envman.source.tree import Mapping, Node, Scalar, Sequence, leaves, node_at

MOST_FILES: Final = 500


@dataclass(frozen=True, slots=True)
class Reached:
    """A file that a document brings in.

    ``own_names`` are those that its own ``.env`` gives values, ``from_outside`` what these values refer to, and
    ``asked`` is where the file is asked for.
    """

    tree: Mapping
    document: int
    own_names: frozenset[str]
    folder: Path
    from_outside: tuple[Reference, ...]
    asked: Span


def reached_files(trees: list[Mapping], folder: Path, values: Map[str, str]) -> list[Reached]:
    """Return what ``trees``, whose paths start at ``folder``, include and extend; unreadable files are left out.

    ``values`` are those of variables in the paths.
    Whoever renders reads them again, and says what is wrong with them.
    """
    found: list[Reached] = []
    seen: set[tuple[Path, Path]] = set()
    waiting = [(tree, folder, index, frozenset[str]()) for index, tree in enumerate(trees)]
    while waiting and len(found) < limit(MOST_FILES):
        tree, start, index, names = waiting.pop()
        for one in (*_included(tree, start, values), *_extended(tree, start, values)):
            inside = _read(one.path)
            if inside is not None and (one.path, one.folder) not in seen:
                seen.add((one.path, one.folder))
                own = names | one.names
                outside = tuple(reference for reference in one.references if reference.name not in names)
                found.append(Reached(inside, index, own, one.folder, outside, one.asked))
                waiting.append((inside, one.folder, index, own))
    return found


def files_outside(files: Iterable[Path], root: Path) -> dict[Path, Path]:
    """Return what Compose ``files``, and the files that these bring in, name outside of ``root``.

    Each such path has the folder that a project would have to begin in or above to hold it. Paths to data (binds) may
    lie anywhere, and do not count; an absolute path is meant to be that of one machine.
    """
    trees = [tree for file in files for tree in read_compose_file(file, Report())]
    folder = next((file.absolute().parent for file in files), root)
    found: dict[Path, Path] = {}
    for tree, start in [
        *((tree, folder) for tree in trees),
        *((one.tree, one.folder) for one in reached_files(trees, folder, {})),
    ]:
        for name in files_named(tree):
            path = Path(os.path.normpath(start / name))
            if not path.is_relative_to(root):
                found[path] = path if _is_folder(path) else path.parent
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def add_variables(variables: dict[str, Used], found: list[Reached], report: Report) -> None:
    """Add the variables of ``found`` to ``variables``; what a blueprint would read otherwise is said (EV816)."""
    for one in found:
        here = [(reference, one.asked) for reference in one.from_outside]
        for _, leaf in leaves(one.tree):
            if isinstance(leaf.value, str):
                here += [(reference, leaf.span) for reference in references(leaf.value)]
        for reference, span in here:
            used = variables.setdefault(reference.name, Used(span, one.document))
            used.document = min(used.document, one.document)
            used.operators.add(reference.operator)
            if reference.name in one.own_names:
                used.operators.add("-")  # an empty default would hide what its own .env says
    blank = {name for name, used in variables.items() if used.is_plain and not used.may_be_empty}
    for one in found:
        for _, leaf in leaves(one.tree):
            if isinstance(leaf.value, str) and rewritten(leaf.value, blank - one.own_names) != leaf.value:
                report.warning(
                    "EV816",
                    "this file stays as it is, and envman reads this value in another way than Compose",
                    leaf.span,
                    expected="$$ for a $ that begins no variable, and ${NAME-} for one that may have no value",
                )


def _read(path: Path) -> Mapping | None:
    try:
        source = read_source(path, root=Path(path.anchor or "/"))
    except EnvmanError:
        return None
    return read_tree(source, Report())


class _Asked(NamedTuple):
    """A file that a tree asks for, its folder, and what its own ``.env`` says."""

    path: Path
    folder: Path
    asked: Span
    names: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()


def _included(tree: Mapping, folder: Path, values: Map[str, str]) -> Iterator[_Asked]:
    node = tree.entries.get("include")
    for entry in node.items if isinstance(node, Sequence) else ():
        paths = _texts(entry.entries.get("path") if isinstance(entry, Mapping) else entry, values)
        if not paths:
            continue
        inner = (folder / paths[0]).parent
        env_files = [".env"]
        if isinstance(entry, Mapping):
            directory = _texts(entry.entries.get("project_directory"), values)
            inner = folder / directory[0] if directory else inner
            named = [str(folder / one) for one in _texts(entry.entries.get("env_file"), values)]
            env_files = named or env_files
        names: set[str] = set()
        outside: list[Reference] = []

        def collect(
            text: str, before: Map[str, str], _: Span, names: set[str] = names, to: list[Reference] = outside
        ) -> str:
            to += [one for one in references(text) if one.name not in before and one.name not in names]
            return text

        for file in env_files:
            try:
                names |= read_dotenv(
                    inner / file, root=Path(inner.anchor or "/"), report=Report(), expand=collect
                ).keys()
            except EnvmanError:
                continue
        for path in paths:
            yield _Asked(folder / path, inner, entry.span, frozenset(names), tuple(outside))


def _extended(tree: Mapping, folder: Path, values: Map[str, str]) -> Iterator[_Asked]:
    services = tree.entries.get("services")
    for service in services.entries.values() if isinstance(services, Mapping) else ():
        node = node_at(service, ("extends", "file"))
        for path in _texts(node, values):
            assert node is not None
            yield _Asked(folder / path, (folder / path).parent, node.span)


def _texts(node: Node | None, values: Map[str, str]) -> list[str]:
    items = node.items if isinstance(node, Sequence) else (node,)
    texts = (item.value for item in items if isinstance(item, Scalar) and isinstance(item.value, str))
    return [expanded(text, values) or text for text in texts]
