"""Compose files to blueprints: the whole way. Reads files, writes none."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from envman.adopt.changes import Changes, flow, written_anew
from envman.adopt.compose import normalised, understand
from envman.adopt.document import read_compose_file
from envman.adopt.env_files import warn_of_references
from envman.adopt.fixed import fixed_things, warn_of_fixed
from envman.adopt.literals import Kept, concealed, move_literals
from envman.adopt.merging import raw_merged, write_out_lists
from envman.adopt.paths import rebase_paths
from envman.adopt.reached import add_variables, reached_files
from envman.adopt.variables import Used, adjust_references, declarations, find_variables, warn_of_unset
from envman.diagnostics import Note, Report
from envman.language.inherited import inherited_names
from envman.language.interpolate import Resolved, Scope, interpolate
from envman.language.merge import merge_layers
from envman.language.references import expanded
from envman.model.confidential import looks_secret
from envman.model.header import ENVIRONMENT_NAME
from envman.source.dotenv import read_dotenv
from envman.source.tree import Mapping, Scalar
from envman.source.writer import write_key

_OVERRIDES: Final = tuple(
    f"{stem}.override.{ending}" for stem in ("compose", "docker-compose") for ending in ("yaml", "yml")
)
_DIRECTIVES: Final = re.compile(r"(?:%[^\n]*\n|#[^\n]*\n|\s*\n)*---[ \t]*(?:#[^\n]*)?\r?\n")
_EXTENDS: Final = re.compile(r"^extends: ([a-z0-9_]+)$", re.MULTILINE)
# Without an environment's name: environments share the blueprint that this stands in.
_KEPT: Final = "Kept in .env.ENVIRONMENT, which git ignores"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: files, the project's root, the environment's name, and how far it may differ."""

    files: tuple[Path, ...]
    root: Path
    environment: str
    profiles: tuple[str, ...] = ()
    adapt: bool = False


@dataclass(frozen=True, slots=True)
class Adoption:
    """What the import makes: blueprints' texts by name, lines for the environment's ``.env`` file, a project's name.

    ``secret_dotenv`` says that the project's own ``.env`` holds what looks secret, so that git should ignore it.
    """

    project: str
    blueprints: dict[str, str]
    values: dict[str, str]
    secret_dotenv: bool
    report: Report


@dataclass(slots=True)
class _Work:
    wish: Wish
    process: Map[str, str]
    report: Report
    dotenv: dict[str, str] = field(default_factory=dict)
    documents: list[Changes] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)
    variables: dict[str, Used] = field(default_factory=dict)
    profiles: list[str] = field(default_factory=list)
    project: str = ""

    @property
    def folder(self) -> Path:
        """What Compose calls the project directory: the first file's folder."""
        return self.wish.files[0].absolute().parent

    @property
    def prefix(self) -> str:
        """The way from the project's root to the Compose files' folder; ``.`` where it is the same."""
        return os.path.relpath(os.path.realpath(self.folder), os.path.realpath(self.wish.root)).replace(os.sep, "/")

    @property
    def values_file(self) -> str:
        return f".env.{self.wish.environment}"


def adopt(wish: Wish, process: Map[str, str], existing: Map[str, str]) -> Adoption:
    """Return the blueprints for the Compose files of ``wish``; ``existing`` are the texts of those already there.

    Raises:
        EnvmanError: with everything that Compose, or the blueprint language, would refuse in the files.
    """
    work = _Work(wish, process, Report())
    _read(work)
    Report(work.report.errors).raise_errors()
    _change(work)
    _lay_over_each_other(work)
    # What would have been done to a file that is refused is of no interest.
    Report(_said(work).errors).raise_errors()
    blueprints = _chain(work, existing)
    secret_dotenv = work.prefix == "." and any(looks_secret(name, value) for name, value in work.dotenv.items())
    return Adoption(work.project, blueprints, work.kept.values, secret_dotenv, _said(work))


def _said(work: _Work) -> Report:
    """Return the report without the lines that hold secrets: a diagnostic quotes the line that it is about."""
    return Report([concealed(one, work.kept.lines) for one in work.report.diagnostics])


def _read(work: _Work) -> None:
    report = work.report
    for file in work.wish.files:
        work.documents.extend(Changes(tree) for tree in read_compose_file(file, report))

    def expand(text: str, before: Map[str, str]) -> str | None:
        return expanded(text, work.process, before)

    found = read_dotenv(work.folder / ".env", root=work.folder, report=report, expand=expand)
    work.dotenv = {name: value for name, (value, _) in found.items()}
    work.profiles = [*work.wish.profiles]
    listed = work.process.get("COMPOSE_PROFILES", work.dotenv.get("COMPOSE_PROFILES", ""))
    work.profiles += [one.strip() for one in listed.split(",") if one.strip() and one.strip() not in work.profiles]
    if len(work.wish.files) == 1:
        file = work.wish.files[0]
        beside = [name for name in _OVERRIDES if (work.folder / name).is_file()]
        if beside and file.name not in beside:
            report.warning(
                "EV815",
                f"{beside[0]} stands beside it and is not imported: `docker compose` would read it as well",
                help=f"to have both, write `envman import {file} {file.parent / beside[0]}`",
            )


def _change(work: _Work) -> None:
    report, wish = work.report, work.wish
    trees = [changes.tree for changes in work.documents]
    taken = set(find_variables(trees)) | set(work.dotenv)
    fixed: list[Note] = []
    for index, changes in enumerate(work.documents):
        _leave_out(changes, work)
        warn_of_references(changes.tree, work.folder, work.dotenv, report)
        move_literals(changes, index, work.kept, taken, work.values_file, report)
        fixed += fixed_things(changes, report, adapt=wish.adapt)
    warn_of_fixed(fixed, report)
    own = set(work.kept.values)
    found = find_variables(changes.current() for changes in work.documents)
    work.variables = {name: used for name, used in found.items() if name not in own}
    reached = reached_files(trees, work.folder)
    add_variables(work.variables, reached, report)
    for changes in work.documents:
        adjust_references(changes, work.variables)
        if work.prefix != ".":
            count = rebase_paths(changes, work.prefix, report)
            if count:
                place = changes.tree.span
                report.warning(
                    "EV809",
                    f"{count} relative path{'s' if count > 1 else ''} in {place.source.name} "
                    f"{'start' if count > 1 else 'starts'} at the project's root now",
                    help=f"each has {work.prefix}/ before it",
                )
    given_there = (name for one in reached for name in one.own_names)
    warn_of_unset(work.variables, [*work.process, *work.dotenv, *given_there], report)
    if work.prefix != ".":
        _take_values_along(work)


def _take_values_along(work: _Work) -> None:
    """Keep what the Compose files' ``.env`` says where envman looks for it: that one lies outside of its project."""
    names = [*work.variables, *(name for changes in work.documents for name in inherited_names(changes.tree))]
    used = {name: work.dotenv[name] for name in names if name in work.dotenv}
    work.kept.values.update(used)
    if used:
        work.report.warning(
            "EV811",
            f"{work.folder / '.env'} is not at the project's root, so envman does not read it: "
            f"the values of {', '.join(used)} are in {work.values_file} now",
            help=f"change them there; git ignores {work.values_file}",
        )


def _leave_out(changes: Changes, work: _Work) -> None:
    tree = changes.tree
    if "version" in tree.entries:
        version = tree.entries["version"]
        if not isinstance(version, Scalar) or not isinstance(version.value, str):
            work.report.error("EV106", "version is not a string", version.span, expected='a string, such as "3.8"')
        changes.remove(tree.keys["version"], "obsolete: Compose ignores it")
    if "name" in tree.entries:
        changes.remove(tree.keys["name"], "the project's name stands in envman.yaml")
        work.report.warning(
            "EV802",
            "`name` is left out: the project's name stands in envman.yaml",
            tree.keys["name"],
            help="volumes are named after project and environment now: data in existing ones stays where it is; "
            "`name:` and `external: true` at a volume make an environment use an old one",
        )


def _scope_values(work: _Work) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for name, used in work.variables.items():
        blank = "" if used.is_plain and used.may_be_empty else None
        values[name] = work.process.get(name, work.dotenv.get(name, blank))
    values.update(dict(work.kept.values))
    values["COMPOSE_PROJECT_NAME"] = work.project
    return values


def _project_name(work: _Work) -> str:
    """Return the name that Compose would give the project, made valid for envman."""
    wanted = work.process.get("COMPOSE_PROJECT_NAME") or work.dotenv.get("COMPOSE_PROJECT_NAME", "")
    for changes in work.documents:
        node = changes.tree.entries.get("name")
        if not wanted and isinstance(node, Scalar) and isinstance(node.value, str):
            scope = Scope({name: Resolved(value, "import") for name, value in _scope_values(work).items()})
            expanded = interpolate(node, scope)
            assert isinstance(expanded, Scalar)  # interpolation keeps the kind of node
            wanted = "" if expanded.problem is not None else str(expanded.value)
    wanted = wanted or work.folder.name
    cleaned = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")
    cleaned = cleaned if cleaned[:1].isalpha() else f"project-{cleaned}".strip("-")
    return cleaned[:40].strip("-")


def _lay_over_each_other(work: _Work) -> None:
    report = work.report
    work.project = _project_name(work)
    values = _scope_values(work)
    body = {"name": None, "version": None}

    def long_form(changes: Changes, found: Report) -> Mapping:
        tree = changes.current()
        entries = {key: value for key, value in tree.entries.items() if key not in body}
        return normalised([tree._replace(entries=entries)], values, work.wish.root, found)[0]

    layers: list[Mapping] = []
    raw: Mapping | None = None
    for changes in work.documents:
        if raw is not None:
            write_out_lists(merge_layers(layers, Report()), raw, long_form(changes, Report()), changes, report)
            raw = raw_merged(raw, changes.current())
        else:
            raw = changes.current()
        found = Report()
        layers.append(long_form(changes, found))
        report.extend(found.errors)
    understand(layers, work.wish.root, work.project, work.wish.environment, work.profiles, report)
    if len(layers) > 1:
        _share_names(work)


def _share_names(work: _Work) -> None:
    """Say of fixed names in the earlier files that they are meant: to envman they are inherited ones."""
    for changes in work.documents[:-1]:
        for kind in ("networks", "volumes"):
            section = changes.tree.entries.get(kind)
            for entry in section.entries.values() if isinstance(section, Mapping) else ():
                if not isinstance(entry, Mapping):
                    continue
                fixed = {key for key in ("name", "external") if key in entry.entries}
                if any(entry.keys[key] not in changes.removed for key in fixed):
                    changes.add(entry, {"shared": True})


def _chain(work: _Work, existing: Map[str, str]) -> dict[str, str]:
    """Return the blueprints by name, the first parent first.

    A parent among ``existing`` that says the same is shared; one that only this environment extends is written anew.
    """
    made: dict[str, str] = {}
    parent: str | None = None
    own = _own_parents(work.wish.environment, existing)
    for index, changes in enumerate(work.documents[:-1]):
        text = _body(work, index)
        stem = _stem(changes.tree.span.source.name, "part" if made else "base")
        stem = next(one for one in (stem, *(f"{stem}_{number}" for number in range(2, 1000))) if one not in made)
        longer = f"{work.wish.environment}_{stem}"
        for name in (stem, longer, *(f"{longer}_{number}" for number in range(2, 1000))):
            written = _with_header(work, index, text, parent)
            is_free = name in own or existing.get(name, written) == written
            if is_free and name not in made and name != work.wish.environment:
                break
        made[name] = written
        parent = name
    made[work.wish.environment] = _with_header(work, len(work.documents) - 1, _body(work, -1), parent)
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


def _body(work: _Work, index: int) -> str:
    changes = work.documents[index]
    text = changes.text()
    if text is None or _is_flow(text):
        if text is None:
            work.report.warning(
                "EV813",
                f"{changes.tree.span.source.name} is written anew: its comments are lost",
                changes.tree.span,
                help="what was to be changed could not be changed in place; look through the blueprint",
            )
        text = written_anew(changes.current())
    return text.lstrip("\r\n") if len(work.documents) > 1 else text


def _with_header(work: _Work, index: int, text: str, parent: str | None) -> str:
    header = _header(work, index, parent)
    newline = "\r\n" if "\r\n" in text else "\n"
    directives = _DIRECTIVES.match(text)
    start = directives.end() if directives else 0
    written = "".join(line + newline for line in header)
    return text[:start] + written + text[start:] + ("" if text.endswith("\n") else newline)


def _is_flow(text: str) -> bool:
    return re.match(r"(?:\s+|#[^\n]*\n|---[ \t\r\n])*\{", text) is not None


def _header(work: _Work, index: int, parent: str | None) -> list[str]:
    """Return the lines before the author's own: parent, active profiles, variables."""
    lines: list[str] = []
    last = len(work.documents) - 1
    if parent is not None:
        lines.append(f"extends: {parent}")
    if index < last:
        lines.append("abstract: true")
    if work.profiles and index == last:
        lines.append(f"profiles: {flow(work.profiles)}")
    declared = declarations(work.variables, index)
    for name, document in work.kept.documents.items():
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
