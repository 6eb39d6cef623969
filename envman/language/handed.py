"""What Compose looks up by itself: `environment: NAME` of secrets and configs, references in env files and label files.

Compose takes such a value from its own process or from `.env`.
envman gives Compose no `.env` (the clean environment), so it looks here for all of these, reports those that nobody
gives, and hands the values over in Compose's own environment: no file has them. Labels are different: they are part of
what a service is, and end up readable on the container, so a label file becomes labels of the service.

Source: https://docs.docker.com/compose/how-tos/environment-variables/, compose-go's
`types.Project.WithServicesEnvironmentResolved` and `WithServicesLabelsResolved`, and what Compose 2.40 made of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from envman.diagnostics import Diagnostic, EnvmanError, Report, Source, Span
from envman.diagnostics.diagnostic import near_match
from envman.language.interpolate import Resolved, Scope, interpolate
from envman.language.references import references, rewritten
from envman.model.variable import STEERING, Handed
from envman.source.dotenv import parse_dotenv
from envman.source.files import read_text
from envman.source.places import locate, status
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Scalar, Sequence, node_at, replace_entries

# The docker command needs its own values of these.
_OF_THE_COMMAND: Final = frozenset({"HOME", "PATH", "TMPDIR", "DOCKER_CONFIG"})
# A quoted value may have many lines; a reference further down is shown at the value's start.
_MOST_LINES: Final = 1_000
_EXPECTED: Final = "a variable that is declared, or set in a .env file or the process"
_ADVICE: Final = "set it in .env, or declare it under `variables:` in the blueprint; write $$ for a literal $"
# Compose sets it itself, from the project's name.
_PROJECT: Final = "COMPOSE_PROJECT_NAME"


@dataclass(frozen=True, slots=True)
class Outside:
    """Where Compose would find a variable: a declared one, then the process, then the ``.env`` files."""

    scope: Scope
    process: Map[str, str]
    dotenv: Map[str, str]

    def find(self, name: str) -> str | None:
        """Return the value of ``name``, or None. A declared variable is the only source of its name.

        An empty default is none: Compose makes an unset variable empty, but lets a service's own value go before it.
        """
        if name in self.scope.variables:
            self.scope.used.add(name)
            variable = self.scope.variables[name]
            unset = variable.value is None or (variable.value == "" and variable.origin == "default")
            return None if unset else text_of(variable.value)
        return self.process[name] if name in self.process else self.dotenv.get(name)


def hand_over(tree: Mapping, root: Path, outside: Outside) -> tuple[Mapping, Handed]:
    """Return the merged ``tree`` with the labels of label files, and the variables that Compose will look up.

    Files that are not there or cannot be read are left to the checks.
    """
    collecting = _Collecting(root, outside)
    for section in ("secrets", "configs"):
        node = tree.entries.get(section)
        for entry in node.entries.values() if isinstance(node, Mapping) else ():
            collecting.of_resource(entry)
    changed: dict[str, Node | None] = {}
    for section in ("services", "jobs"):
        node = tree.entries.get(section)
        if isinstance(node, Mapping):
            workloads = {
                name: collecting.of_workload(name, entry)
                for name, entry in node.entries.items()
                if isinstance(entry, Mapping)
            }
            changed[section] = node._replace(entries={**node.entries, **workloads})
    return replace_entries(tree, changed), Handed(
        collecting.values,
        collecting.files,
        collecting.sources,
        collecting.unset,
        tuple(dict.fromkeys(collecting.problems)),
    )


@dataclass(slots=True)
class _Collecting:
    root: Path
    outside: Outside
    values: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Span]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    unset: dict[str, Span] = field(default_factory=dict)
    problems: list[tuple[str, Diagnostic]] = field(default_factory=list)
    texts: dict[str, Source | None] = field(default_factory=dict)

    def of_resource(self, entry: Node) -> None:
        for key, found in (("environment", self.values), ("variable", self.sources)):
            name = node_at(entry, (key,))
            if isinstance(name, Scalar) and isinstance(name.value, str):
                value = self.outside.find(name.value)
                if value is not None and not self.steers("", name.value, value, name.span):
                    found[name.value] = value

    def steers(self, service: str, name: str, value: str, span: Span) -> bool:
        """Whether ``name`` is a variable of the docker command itself, which Compose cannot be given (EV327)."""
        own = name in _OF_THE_COMMAND and self.outside.process.get(name) != value
        if not own and not name.startswith(STEERING):
            return False
        problem = Diagnostic(
            "EV327",
            f"{name} would change what the docker command does, so Compose cannot be given this value",
            span,
            expected="a variable of another name",
            help="declare one under `variables:` with this value, and use that name here",
        )
        self.problems.append((service, problem))
        return True

    def of_workload(self, service: str, entry: Mapping) -> Mapping:
        before = entry.entries.get("pre_start")
        if isinstance(before, Sequence):
            containers = (self.of_container(service, one) if isinstance(one, Mapping) else one for one in before.items)
            entry = replace_entries(entry, {"pre_start": before._replace(items=tuple(containers))})
        return self.of_container(service, entry)

    def of_container(self, service: str, entry: Mapping) -> Mapping:
        self._env_files(service, entry)
        named = entry.entries.get("label_file")
        labels: dict[str, Scalar] = {}
        for path in named.items if isinstance(named, Sequence) else (named,):
            source = self._source(path)
            if source is not None:
                reading = _Reading(self, service, source, {}, {key: str(one.value) for key, one in labels.items()})
                for name, (value, span) in reading.read().items():
                    labels[name] = Scalar(value, span, variables=tuple(reading.declared))
        if not labels or named is None:
            return entry
        own = entry.entries.get("labels")
        if not isinstance(own, Mapping):
            own = Mapping({}, {}, named.span)
        spans = {name: one.span for name, one in labels.items()}
        merged = own._replace(entries={**labels, **own.entries}, keys={**spans, **own.keys})
        return replace_entries(entry, {"labels": merged})

    def _env_files(self, service: str, entry: Mapping) -> None:
        files = entry.entries.get("env_file")
        if not isinstance(files, Sequence):
            return
        table = entry.entries.get("environment")
        given = {
            name: text_of(one.value) if isinstance(one, Scalar) else ""
            for name, one in (table.entries if isinstance(table, Mapping) else {}).items()
            if not (isinstance(one, Scalar) and one.value is None)
        }
        earlier: dict[str, str] = {}
        for file in files.items:
            source = self._source(node_at(file, ("path",)))
            if source is None:
                continue
            reading = _Reading(self, service, source, given, earlier)
            style = node_at(file, ("format",))
            found = reading.read(raw=isinstance(style, Scalar) and style.value == "raw")
            earlier = {**earlier, **{name: value for name, (value, _) in found.items()}}
            for name, span in reading.used.items():
                self.values[name] = self.outside.find(name) or ""
                self.files.setdefault(service, {}).setdefault(name, span)

    def _source(self, path: Node | None) -> Source | None:
        if not isinstance(path, Scalar) or not isinstance(path.value, str) or path.problem is not None:
            return None
        name = path.value
        if name not in self.texts:
            place = locate(self.root, name)
            try:
                there = place is not None and status(self.root, name) is not None
                text = read_text(place, name) if place is not None and there else None
            except EnvmanError:
                text = None
            self.texts[name] = None if text is None else Source(name.removeprefix("./"), text, confidential=True)
        return self.texts[name]


@dataclass(slots=True)
class _Reading:
    """One file of a service. ``given`` is its `environment`, ``earlier`` what the files before it set.

    ``used`` are the names that came from outside, and where; ``declared`` those of them that the blueprint declares.
    """

    collecting: _Collecting
    service: str
    source: Source
    given: Map[str, str]
    earlier: Map[str, str]
    used: dict[str, Span] = field(default_factory=dict)
    declared: dict[str, None] = field(default_factory=dict)

    def read(self, *, raw: bool = False) -> dict[str, tuple[str, Span]]:
        report = Report()
        found = dict(self._raw()) if raw else parse_dotenv(self.source, report, self._expand, self._inherit)
        self.collecting.problems.extend((self.service, one) for one in report.errors)
        return found

    def _raw(self) -> Iterator[tuple[str, tuple[str, Span]]]:
        for number, line in enumerate(self.source.text.splitlines(), 1):
            name, separator, value = line.partition("=")
            if line.strip() and not line.startswith("#"):
                span = Span(self.source, number, 1, number, len(line) + 1)
                inherited = value if separator else self._inherit(name.strip(), span)
                if inherited is not None:
                    yield name.strip(), (inherited, span)

    def _inherit(self, name: str, span: Span) -> str | None:
        value = self._outside(name, span)
        return self.given.get(name) if value is None else value

    def _outside(self, name: str, span: Span) -> str | None:
        outside = self.collecting.outside
        value = outside.find(name)
        if value is None:
            return None
        if name in outside.scope.variables:
            self.declared.setdefault(name)
        if name != _PROJECT and not self.collecting.steers(self.service, name, value, span):
            self.used.setdefault(name, span)
        return value

    def _expand(self, text: str, before: Map[str, str], line: Span) -> str:
        outside = self.collecting.outside.scope
        known: dict[str, Resolved] = {}
        plain = set()
        for reference in references(text):
            name = reference.name
            plain |= {name} if not reference.operator else set()
            value = self._outside(name, _place(line, name))
            for table in (self.given, before, self.earlier):
                value = table.get(name) if value is None else value
            if value is not None:
                known[name] = Resolved(value, "")
            elif name in outside.variables:
                known[name] = outside.variables[name]
        # With an operator the text itself says what an unset name means.
        known |= {one.name: Resolved(None, "") for one in references(text) if one.name not in {*known, *plain}}
        made = interpolate(Scalar(rewritten(text), line), Scope(known, spent=outside.spent))
        assert isinstance(made, Scalar)  # interpolation keeps the kind of node
        if made.problem is None:
            return text_of(made.value)
        problem = made.problem
        if problem.span is not None and problem.span.source is self.source:
            # The text is not the file's own, and the columns in it are none of the file.
            blamed = next((one.name for one in references(text) if f'"{one.name}"' in problem.message), "")
            problem = replace(problem, span=_place(line, blamed))
            if problem.code == "EV203":
                near = near_match(blamed, outside.variables)
                problem = replace(problem, message=f"{blamed} has no value", expected=near or _EXPECTED, help=_ADVICE)
                self.collecting.unset.setdefault(blamed, _place(line, blamed))
        self.collecting.problems.append((self.service, problem))
        return ""


def _place(line: Span, name: str) -> Span:
    """Return where ``name`` is referred to in a value whose first line is ``line``."""
    reference = re.compile(rf"\$\{{?{re.escape(name)}(?![A-Za-z0-9_])")
    for number in range(line.line, line.line + _MOST_LINES) if name else ():
        found = reference.search(line.source.line(number))
        if found is not None:
            return Span(line.source, number, found.start() + 1, number, found.end() + 1)
    return line
