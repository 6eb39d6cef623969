"""The blueprints that an import writes: their names, what each extends, and the lines before the author's own text."""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from envman.adopt.changes import Changes, alike, flow, written_anew
from envman.adopt.literals import Kept
from envman.adopt.variables import Used, declarations
from envman.diagnostics import Report, Source
from envman.model.header import ENVIRONMENT_NAME
from envman.source.reader import read_tree
from envman.source.tree import replace_entries
from envman.source.writer import write_key

# What may stand before a document's first key: comments, directives, the document's start.
_COMMENTS: Final = r"(?:[ \t\r\n]++|#[^\r\n]*+)*+"
_START: Final = re.compile(r"(?:[ \t\r\n]++|[%#][^\r\n]*+)*+(?m:^)---[ \t]*+(?:#[^\r\n]*+)?(?:\r\n?|\n)")
_FLOW: Final = re.compile(rf"{_COMMENTS}(?:---(?=[ \t\r\n]){_COMMENTS})?\{{")
_EXTENDS: Final = re.compile(r"^extends: ([a-z0-9_]+)$", re.MULTILINE)
# Without an environment's name: environments share the blueprint that this stands in.
_KEPT: Final = "Kept in .env.ENVIRONMENT, which git ignores"


@dataclass(frozen=True, slots=True)
class Parts:
    """What blueprints are written from: the changed documents, and what their headers say."""

    documents: list[Changes]
    environment: str
    profiles: list[str]
    variables: Map[str, Used]
    kept: Kept
    report: Report


def chain(parts: Parts, existing: Map[str, str]) -> dict[str, str]:
    """Return the blueprints by name, the first parent first.

    A parent among ``existing`` that says the same is shared; one that only this environment extends is written anew.
    """
    made: dict[str, str] = {}
    parent: str | None = None
    own = _own_parents(parts.environment, existing)
    for index, changes in enumerate(parts.documents[:-1]):
        text = _body(parts, index)
        stem = _stem(changes.tree.span.source.name, "part" if made else "base")
        stem = next(one for one in (stem, *(f"{stem}_{number}" for number in range(2, 1000))) if one not in made)
        longer = f"{parts.environment}_{stem}"
        for name in (stem, longer, *(f"{longer}_{number}" for number in range(2, 1000))):
            written = _with_header(parts, index, text, parent)
            is_free = name in own or existing.get(name, written) == written
            if is_free and name not in made and name != parts.environment:
                break
        made[name] = written
        parent = name
    made[parts.environment] = _with_header(parts, len(parts.documents) - 1, _body(parts, -1), parent)
    return made


def _own_parents(environment: str, existing: Map[str, str]) -> set[str]:
    """Return the parents of an environment that is there already which nothing else extends."""
    found = {name: _EXTENDS.search(text) for name, text in existing.items()}
    parents = {name: match[1] for name, match in found.items() if match is not None}
    own: set[str] = set()
    name = parents.get(environment)
    while name is not None and name not in own and list(parents.values()).count(name) == 1:
        own.add(name)
        name = parents.get(name)
    return own


def _stem(file: str, otherwise: str) -> str:
    """Return the name for a parent that ``file`` becomes: ``gpu`` for ``docker-compose.gpu.yml``."""
    stem = re.sub(r"\.ya?ml$", "", Path(file).name)
    stem = re.sub(r"^(?:docker[-_.]?)?compose(?=[-_.]|$)", "", stem)
    name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")[:20].strip("_")
    return name if re.fullmatch(ENVIRONMENT_NAME, name) else otherwise


def _body(parts: Parts, index: int) -> str:
    changes = parts.documents[index]
    text = changes.text()
    if text is None or not _takes_a_header(text, changes):
        if text is None or not _FLOW.match(text):
            parts.report.warning(
                "EV813",
                f"{changes.tree.span.source.name} is written anew: its comments are lost",
                changes.tree.span,
                help="what was to be changed could not be changed in place; look through the blueprint",
            )
        text = written_anew(changes.current())
    return text.lstrip("\r\n") if len(parts.documents) > 1 else text


def _with_header(parts: Parts, index: int, text: str, parent: str | None) -> str:
    header = _header(parts, index, parent)
    newline = "\r\n" if "\r\n" in text else "\n"
    written = "".join(line + newline for line in header)
    # Nothing is put behind the text: a line break at its end could become part of its last value.
    start = _body_start(text)
    return text[:start] + written + text[start:]


def _body_start(text: str) -> int:
    start = _START.match(text)
    return start.end() if start else 0


def _takes_a_header(text: str, changes: Changes) -> bool:
    """Whether lines with more keys can stand before ``text``: not before `{`, nor before an anchor of it all."""
    start = _body_start(text)
    whole = Source("", f"{text[:start]}x-: 1\n{text[start:]}")
    made = read_tree(whole, Report())
    return made is not None and alike(replace_entries(made, {"x-": None}), changes.current())


def _header(parts: Parts, index: int, parent: str | None) -> list[str]:
    """Return the lines before the author's own: parent, active profiles, variables."""
    lines: list[str] = []
    last = len(parts.documents) - 1
    if parent is not None:
        lines.append(f"extends: {parent}")
    if index < last:
        lines.append("abstract: true")
    if parts.profiles and index == last:
        lines.append(f"profiles: {flow(parts.profiles)}")
    declared = declarations(parts.variables, index)
    for name, document in parts.kept.documents.items():
        if document == index:
            declared[name] = {"type": "string", "description": _KEPT}
    if declared:
        lines.append("variables:")
        lines.extend(f"  {write_key(name)}: {_declaration(one)}" for name, one in declared.items())
    return [*lines, ""] if lines else lines


def _declaration(declared: dict[str, Any]) -> str:
    """Return a declaration on one line; words that no reader takes for anything else stand without quotes."""
    words = (
        f"{key}: {write_key(value) if isinstance(value, str) and value.isidentifier() else flow(value)}"
        for key, value in declared.items()
    )
    return "{" + ", ".join(words) + "}"
