"""Secrets that stand in a Compose file as they are: out of the text, into variables whose values are kept apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from envman.adopt.changes import Changes
from envman.diagnostics import Diagnostic, Report, Source
from envman.language.references import literal, references
from envman.model.confidential import looks_secret
from envman.source.dotenv import dotenv_line, parse_dotenv
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Scalar, Sequence, node_at


@dataclass(slots=True)
class Kept:
    """Variables that the import made: values, the document that uses each first, the lines they stood on."""

    values: dict[str, str] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    lines: set[tuple[str, int]] = field(default_factory=set)

    def name_for(self, wanted: str, service: str, value: str, taken: set[str], document: int) -> str:
        """Return the name of the variable for ``value``: ``wanted`` where that is free or has this value already."""
        wanted = re.sub(r"\W", "_", wanted, flags=re.ASCII)
        wanted = wanted if re.match(r"[A-Za-z_]", wanted) else f"_{wanted}"
        longer = re.sub(r"\W", "_", f"{service}_{wanted}".upper(), flags=re.ASCII)
        candidates = [wanted, longer, *(f"{longer}_{number}" for number in range(2, 1000))]
        name = next(one for one in candidates if one not in taken and self.values.get(one, value) == value)
        self.values[name] = value
        self.documents.setdefault(name, document)
        return name


def move_literals(changes: Changes, document: int, kept: Kept, taken: set[str], file: str, report: Report) -> None:
    """Move the values of variables that look secret out of the document of ``changes`` into ``kept`` (EV804).

    ``taken`` are the names that the Compose files use for variables of their own; ``file`` is where the values go.
    """
    for service, name, node, is_pair in _values(changes.tree):
        text = text_of(node.value)
        text = text.partition("=")[2] if is_pair else text
        value = literal(text)
        if value is None and any(looks_secret(name, one.operand) for one in references(text) if "-" in one.operator):
            kept.lines.update((node.span.source.name, line) for line in range(node.span.line, node.span.end_line + 1))
            report.warning(
                "EV804",
                f"the default of {name} looks secret and stays in the blueprint",
                node.span,
                help=f"remove the default, and put a value into {file}",
            )
        if value is None or node.span in changes.scalars or not looks_secret(name, value):
            continue
        kept.lines.update((node.span.source.name, line) for line in range(node.span.line, node.span.end_line + 1))
        if not _can_be_kept(value):
            report.warning("EV804", f"{name} looks secret and stays here: no .env file can hold it", node.span)
            continue
        variable = kept.name_for(name, service, value, taken, document)
        reference = f"${{{variable}}}"
        changes.set_scalar(node, f"{name}={reference}" if is_pair else reference)
        report.warning(
            "EV804",
            f"{name} looks secret: its value is in {file} now, which git ignores",
            node.span,
            help=f"give {file} to those who need it by another way than the repository",
        )


def concealed(diagnostic: Diagnostic, lines: set[tuple[str, int]]) -> Diagnostic:
    """Return ``diagnostic`` so that it quotes none of ``lines``; its place stays."""
    span = diagnostic.span
    if span is None or not any((span.source.name, line) in lines for line in range(span.line, span.end_line + 1)):
        return diagnostic
    return replace(diagnostic, span=span._replace(source=Source(span.source.name, "", confidential=True)))


def _can_be_kept(value: str) -> bool:
    found = parse_dotenv(Source(".env", dotenv_line("x", value) + "\n"), Report())
    return "x" in found and found["x"][0] == value


def _values(tree: Mapping) -> Iterator[tuple[str, str, Scalar, bool]]:
    """Yield service, name and node of each variable that a container or a build is given; whether as ``NAME=value``."""
    services = tree.entries.get("services")
    if not isinstance(services, Mapping):
        return
    for service, definition in services.entries.items():
        for path in (("environment",), ("build", "args")):
            node = node_at(definition, path)
            if node is not None:
                for name, value, is_pair in pairs(node):
                    if value.value is not None and not isinstance(value.value, bool):
                        yield service, name, value, is_pair


def pairs(node: Node) -> Iterator[tuple[str, Scalar, bool]]:
    """Yield name and node of each entry of a mapping, or of a list of ``NAME=value`` (then with True)."""
    if isinstance(node, Mapping):
        for name, value in node.entries.items():
            if isinstance(value, Scalar):
                yield name, value, False
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Scalar) and isinstance(item.value, str):
                name, equals, _ = item.value.partition("=")
                if equals:
                    yield name, item, True
