"""Compose files to blueprints: the whole way. Reads files, writes none."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping as Map
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from envman.adopt.chain import Parts, chain
from envman.adopt.changes import Changes
from envman.adopt.compose import normalised, understand
from envman.adopt.document import read_compose_file
from envman.adopt.fixed import fixed_things, warn_of_fixed
from envman.adopt.literals import Kept, concealed, move_literals
from envman.adopt.merging import raw_merged, write_out_lists
from envman.adopt.paths import path_variables, rebase_paths, rebased
from envman.adopt.project_name import valid_name
from envman.adopt.reached import add_variables, reached_files
from envman.adopt.variables import Used, adjust_references, all_references, find_variables, warn_of_unset
from envman.diagnostics import EnvmanError, Note, Report, Source, Span
from envman.language.handed import Outside, hand_over
from envman.language.inherited import inherited_names
from envman.language.interpolate import Resolved, Scope, interpolate
from envman.language.merge import merge_layers
from envman.language.references import expanded
from envman.model.confidential import looks_secret
from envman.source.dotenv import parse_dotenv, read_dotenv
from envman.source.files import read_text
from envman.source.places import is_anything
from envman.source.tree import Mapping, Scalar

_OVERRIDES: Final = tuple(
    f"{stem}.override.{ending}" for stem in ("compose", "docker-compose") for ending in ("yaml", "yml")
)
# Names that projects give the file to copy to `.env`.
_EXAMPLES: Final = tuple(
    name
    for word in ("example", "sample", "template", "dist", "default", "defaults")
    for name in (f".env.{word}", f"env.{word}", f".env-{word}", f"{word}.env")
)
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: files, the project's root, the environment's name, and how far it may differ.

    ``env_files`` are read in the place of the ``.env`` beside the first file.
    """

    files: tuple[Path, ...]
    root: Path
    environment: str
    profiles: tuple[str, ...] = ()
    adapt: bool = False
    env_files: tuple[Path, ...] = ()


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
    taken: dict[str, str] = field(default_factory=dict)
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
    parts = Parts(work.documents, wish.environment, work.profiles, work.variables, work.kept, work.report)
    blueprints = chain(parts, existing)
    secret_dotenv = work.prefix == "." and any(looks_secret(name, value) for name, value in work.dotenv.items())
    return Adoption(work.project, blueprints, work.kept.values, secret_dotenv, _said(work))


def _said(work: _Work) -> Report:
    """Return the report without the lines that hold secrets: a diagnostic quotes the line that it is about."""
    return Report([concealed(one, work.kept.lines) for one in work.report.diagnostics])


def _read(work: _Work) -> None:
    report = work.report
    for file in work.wish.files:
        work.documents.extend(Changes(tree) for tree in read_compose_file(file, report))
    if not work.documents and not report.errors:
        place = Span(Source(str(work.wish.files[0]), ""), 1, 1, 1, 1)
        report.error("EV111", "there is nothing but comments", place, expected="a mapping, such as `services:`")

    def expand(text: str, before: Map[str, str], _: Span) -> str | None:
        return expanded(text, work.process, before)

    for file in work.wish.env_files:
        found = parse_dotenv(Source(str(file), read_text(file, str(file)), confidential=True), report, expand)
        work.dotenv |= {name: value for name, (value, _) in found.items()}
    if not work.wish.env_files:
        found = read_dotenv(work.folder / ".env", root=work.folder, report=report, expand=expand)
        work.dotenv = {name: value for name, (value, _) in found.items()}
    listed = work.process.get("COMPOSE_PROFILES", work.dotenv.get("COMPOSE_PROFILES", ""))
    # As in Compose: what is asked for takes the place of the variable.
    profiles = work.wish.profiles or (one.strip() for one in listed.split(",") if one.strip())
    work.profiles = list(dict.fromkeys(profiles))
    if len(work.wish.files) == 1:
        file = work.wish.files[0]
        listed = work.process.get("COMPOSE_FILE", work.dotenv.get("COMPOSE_FILE", ""))
        if listed and listed != file.name:
            report.warning(
                "EV815",
                f"COMPOSE_FILE is {listed}: `docker compose` would read that",
                help="to import what it names, write `envman import` without a file",
            )
            return
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
        move_literals(changes, index, work.kept, taken, work.values_file, report)
        fixed += fixed_things(changes, work.folder, work.process, report, adapt=wish.adapt)
    warn_of_fixed(fixed, report)
    own = set(work.kept.values)
    found = find_variables(changes.current() for changes in work.documents)
    work.variables = {name: used for name, used in found.items() if name not in own}
    reached = reached_files(trees, work.folder, {**work.dotenv, **work.process})
    moved = _moved_values(work, trees, [one.tree for one in reached]) if work.prefix != "." else {}
    add_variables(work.variables, reached, report)
    for changes in work.documents:
        adjust_references(changes, work.variables)
        if work.prefix != ".":
            known = {**work.dotenv, **work.process, **dict.fromkeys(moved, "/")}
            count = rebase_paths(changes, work.prefix, known, report)
            if count:
                place = changes.tree.span
                report.warning(
                    "EV809",
                    f"{count} relative path{'s' if count > 1 else ''} in {place.source.name} "
                    f"{'start' if count > 1 else 'starts'} at the project's root now",
                    help=f"each has {work.prefix}/ before it",
                )
    known_names = {*work.process, *work.dotenv, *(name for one in reached for name in one.own_names)}
    warn_of_unset(work.variables, known_names, report)
    _point_to_example(work, known_names)
    if work.prefix != "." or wish.env_files:
        names = [*work.variables, *(name for changes in work.documents for name in inherited_names(changes.tree))]
        work.taken = {name: moved.get(name, work.dotenv[name]) for name in names if name in work.dotenv}
        work.kept.values.update(work.taken)


def _point_to_example(work: _Work, known: AbstractSet[str]) -> None:
    """Name the file beside the Compose files that an absent ``.env`` is meant to be made from (EV836)."""
    if work.wish.env_files or is_anything(work.folder / ".env"):
        return
    for path in (work.folder / name for name in _EXAMPLES):
        if not path.is_file():
            continue
        try:
            names = read_dotenv(path, root=Path(path.anchor), report=Report()).keys()
        except EnvmanError:
            continue
        given = [name for name in work.variables if name in names and name not in known]
        if given:
            shown = ", ".join(given[:_MOST_NAMED]) + (", …" if len(given) > _MOST_NAMED else "")
            work.report.warning(
                "EV836",
                f"there is no .env, and {path.name} has values for {shown}",
                help=f"copy {path.name} to .env and fill it in, or import with `--env-file {path}`",
            )
        return


def _moved_values(work: _Work, trees: list[Mapping], reached: list[Mapping]) -> dict[str, str]:
    """Return the relative paths in the Compose files' ``.env`` as the project's root sees them.

    They belong to variables that only begin paths of ``trees``: for anything else the value has to stay.
    """
    starts = sum((path_variables(tree) for tree in trees), Counter[str]())
    uses = Counter(name for tree in (*trees, *reached) for name in all_references(tree))
    inherited = {name for tree in trees for name in inherited_names(tree)}
    return {
        name: rebased(work.dotenv[name], work.prefix)
        for name, count in starts.items()
        if work.dotenv.get(name, "").startswith(".") and count == uses[name] and name not in inherited
    }


def _hand_over(work: _Work, tree: Mapping, values: Map[str, str | None]) -> None:
    """See to the variables that Compose looks up by itself in ``tree``: env files use them, secrets and configs."""
    scope = Scope({name: Resolved(value, "import") for name, value in values.items() if value is not None})
    _, handed = hand_over(tree, work.wish.root, Outside(scope, work.process, work.dotenv))
    unset = {name: Used(span, 0, {""}) for name, span in handed.unset.items() if name not in work.variables}
    work.variables |= unset
    warn_of_unset(unset, (), work.report)
    if work.prefix != "." or work.wish.env_files:
        work.taken = {**{name: work.dotenv[name] for name in handed.values if name in work.dotenv}, **work.taken}
        work.kept.values.update(work.taken)
        _warn_of_taken(work)


def _warn_of_taken(work: _Work) -> None:
    """Say that values of the Compose files' ``.env``, which envman does not read, are kept for it."""
    used = work.taken
    if used:
        files = work.wish.env_files
        work.report.warning(
            "EV811",
            (
                f"envman does not read {', '.join(map(str, files))}: "
                if files
                else f"{work.folder / '.env'} is not at the project's root, so envman does not read it: "
            )
            + f"the values of {', '.join(used)} are in {work.values_file} now",
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
            "`envman up --adopt-volumes` copies it",
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
    return valid_name(wanted or work.folder.name)


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
    _hand_over(work, merge_layers(layers, Report()), values)
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
