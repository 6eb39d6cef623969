"""Compose files to documents: one Tree each, with the places of the file that it stands in."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Final

from envman.diagnostics import EnvmanError, Report, Source, Span
from envman.diagnostics.limits import HELP, limit
from envman.language.layers import HEADER_KEYS
from envman.model.stack import OWN_ATTRIBUTES
from envman.source.files import read_source
from envman.source.reader import read_tree
from envman.source.tree import Mapping, Node, Scalar, Sequence, dotted
from envman.source.tree import Path as TreePath

# At the beginning of a line, however the line before it ends.
_START: Final = re.compile(r"(?<![^\r\n\x85\u2028\u2029])---(?=\s|\Z)")
_NOTHING: Final = re.compile(r"(?:\s++|#[^\r\n]*+|\.\.\.|%[^\r\n]*+)*+")
MOST_DOCUMENTS: Final = 200
# Compose refuses these where they have no value; all other sections may be empty.
_SECTIONS: Final = ("services", "networks", "volumes", "configs", "secrets", "models")


def read_compose_file(path: Path, report: Report) -> list[Mapping]:
    """Return the documents in ``path``: Compose lays those of one file over each other, as it does with files.

    A file of nothing but comments has none. With any error (all go to ``report``) nothing is returned.
    """
    try:
        # Named by hand, so it may lie anywhere.
        text = read_source(path, root=Path(path.anchor or "/")).text
    except EnvmanError as error:
        report.extend(error.diagnostics)
        return []
    here = Report()
    parts = _documents(Source(str(path), text), here)
    trees = [tree for part in parts if (tree := read_tree(part, here)) is not None]
    for tree in trees:
        _refuse_own(tree, here)
    report.extend(here.diagnostics)
    return [] if here.errors else trees


def _documents(source: Source, report: Report) -> list[Source]:
    """Return a source for each document, its lines numbered as in the file; the file itself where there is but one."""
    text = source.text
    starts = [match.start() for match in _START.finditer(text)]
    # What stands before the first `---` is a document of its own unless it is comments and directives.
    bounds = [*([] if starts and _NOTHING.fullmatch(text, 0, starts[0]) else [0]), *starts, len(text)]
    if len(bounds) == 2:
        return [] if _NOTHING.fullmatch(text) else [source]
    most = limit(MOST_DOCUMENTS)
    if len(bounds) > most + 1:
        place = Span(source, 1, 1, 1, 1)
        report.error("EV110", f"more than {most} documents", place, expected="fewer in one file", help=HELP)
        return []
    bounds[0] = 0
    parts: list[Source] = []
    lines = 0
    for start, end in pairwise(bounds):
        part = Source(source.name, "\n" * lines + text[start:end])
        first = start + 3 if text.startswith("---", start) else start
        if _NOTHING.fullmatch(text, first, end):
            place = Span(part, lines + 1, 1, lines + 1, 4)
            report.error("EV111", "this document is empty", place, expected="a mapping, such as `services:`")
        parts.append(part)
        lines += len(text[start:end].splitlines())
    return [] if report.errors else parts


def _refuse_own(tree: Mapping, report: Report) -> None:
    """Refuse what is envman's own: Compose knows no such attribute, so it cannot be meant."""
    for key, value in tree.entries.items():
        if key in _SECTIONS and isinstance(value, Scalar) and value.value is None and value.tag is None:
            report.error("EV106", f"{key} is null", tree.keys[key], expected="a mapping", help="leave it out")
        if key in HEADER_KEYS or (key,) in OWN_ATTRIBUTES:
            _unknown(key, "at the top of a Compose file", tree.keys[key], report)
    _walk(tree, (), report)


def _walk(node: Node, path: TreePath, report: Report) -> None:
    if not isinstance(node, Mapping) or len(path) > 2:
        return
    for key, value in node.entries.items():
        if len(path) == 2 and any(_matches(own, (*path, key)) for own in OWN_ATTRIBUTES):
            _unknown(key, f"in {dotted(path)}", node.keys[key], report)
        if path[:1] == ("services",) and len(path) == 2:
            _walk_service(key, value, (*path, key), report)
        _walk(value, (*path, key), report)


def _matches(pattern: tuple[str, ...], path: TreePath) -> bool:
    return len(pattern) == len(path) and all(one in ("*", step) for one, step in zip(pattern, path, strict=True))


def _walk_service(key: str, node: Node, path: TreePath, report: Report) -> None:
    if key == "ports" and isinstance(node, Sequence):
        for item in node.items:
            port = item.entries.get("published") if isinstance(item, Mapping) else item
            if isinstance(port, Scalar) and re.search(r"(?:^|:)auto(?::|$)", str(port.value)):
                report.error("EV103", f'"{port.value}" is not a port mapping to Compose', port.span, expected="a port")
    if key == "environment" and isinstance(node, Mapping):
        for name, value in node.entries.items():
            if not isinstance(value, Scalar):
                where = dotted((*path, name))
                report.error("EV106", f"{where} is a collection", value.span, expected="a string, number or null")


def _unknown(key: str, where: str, span: Span, report: Report) -> None:
    report.error(
        "EV105",
        f'unknown attribute "{key}" {where}',
        span,
        expected="an attribute that Compose knows",
        help="start the name with x- if it is an extension of your own",
    )
