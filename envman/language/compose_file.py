"""The Compose files that blueprints include or extend: which may be read, and each of them ready to be put together."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from envman.diagnostics import EnvmanError, Report, Span
from envman.diagnostics.diagnostic import near_match
from envman.diagnostics.limits import HELP, limit
from envman.language.interpolate import Resolved, Scope, interpolate
from envman.language.normalise import normalise
from envman.language.rebase import rebase
from envman.language.references import expanded, references
from envman.source.dotenv import read_dotenv
from envman.source.files import read_source
from envman.source.places import is_anything, is_elsewhere
from envman.source.reader import MOST_NODES, read_tree
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Scalar, Sequence, replace_entries

MOST_FILES: Final = 500
BLUEPRINTS: Final = "blueprints"


@dataclass(slots=True)
class ComposeFiles:
    """What one environment's ``include`` and ``extends`` read, with how much they may still read.

    ``sources`` are the files as they stand, shared by all environments of a run: each is read once.
    ``used`` are the files of the layer at hand, as shown. ``services`` names the file of every service of every layer,
    for advice. ``given`` are the variables that ``.env`` files of includes gave a value. ``included`` is what an
    include came to, by paths, project directory and scope.
    """

    root: Path
    report: Report
    sources: dict[str, Mapping]
    services: dict[str, str] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)
    given: dict[str, Resolved] = field(default_factory=dict)
    included: dict[tuple[tuple[str, ...], str, int], Mapping] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _ready: dict[tuple[str, str, int], Mapping | None] = field(default_factory=dict)
    _environments: dict[tuple[int, tuple[str, ...]], Scope] = field(default_factory=dict)
    _names: dict[int, frozenset[str]] = field(default_factory=dict)
    _nodes: int = 0
    _files: int = 0

    def load(self, path: str, folder: str, scope: Scope, asked: Span) -> Mapping | None:
        """Return the file at ``path``: interpolated in ``scope``, normalised, its paths as seen from the root.

        ``folder`` is what its relative paths mean. None where it cannot be read (reported at ``asked``) or has errors.
        """
        key = (path, folder, id(scope))
        if key not in self._ready:
            self._files += 1
            if self._files > (most := limit(MOST_FILES)):
                if self._files == most + 1:
                    # The same file counts once for each set of variables that it is read with.
                    self.report.error("EV110", f"more than {most} files are included or extended", asked, help=HELP)
                return None
            tree = self._read(path, asked)
            self._ready[key] = None
            if tree is not None and self.spend(tree, asked):
                body = interpolate(tree, scope)
                assert isinstance(body, Mapping)  # interpolation keeps the kind of node
                if id(scope) in self._names:
                    body = _with_values(body, scope, self._names[id(scope)])
                self._ready[key] = rebase(normalise(body, self.report), folder)
        if path not in self.used:
            self.used.append(path)
        return self._ready[key]

    def spend(self, node: Node, asked: Span) -> bool:
        """Count what is put in once more; False, and an error, where it is too much, as with nested aliases."""
        most = limit(MOST_NODES)
        if self._nodes > most:
            return False
        self._nodes += size(node)
        if self._nodes > most:
            message = f"include and extends bring in more than {most:,} values"
            self.report.error("EV110", message, asked, expected="smaller files, or fewer that extend them", help=HELP)
        return self._nodes <= most

    def _read(self, path: str, asked: Span) -> Mapping | None:
        if path in self.sources or path in self._failed:
            return self.sources.get(path)
        if self._nodes > limit(MOST_NODES) or self.missing(path, asked):
            return None
        self._failed.add(path)
        try:
            # Whoever names a `.env` file by mistake is not to see its lines quoted.
            secret = ".env" in posixpath.basename(path)
            source = read_source(self.root / path, root=self.root, confidential=secret)
        except EnvmanError as error:
            self.report.extend(replace(one, span=one.span or asked) for one in error.diagnostics)
            return None
        here = Report()
        tree = read_tree(source, here)
        self.report.extend(here.diagnostics)
        if any(one.code == "EV110" for one in here.errors):
            self._nodes = limit(MOST_NODES) + 1  # it took long enough to find that out
        if tree is not None:
            self.sources[path] = tree
        return tree

    def missing(self, path: str, asked: Span) -> bool:
        """Whether there is no file at ``path``; that is reported, with a near match."""
        if is_anything(self.root / path):
            return False  # read_source says what else may be wrong
        message = f"there is no file {path}"
        self.report.error("EV220", message, asked, expected=self._near(path) or "a file that exists")
        return True

    def _near(self, path: str) -> str:
        folder = posixpath.dirname(path)
        try:
            beside = [posixpath.join(folder, one.name) for one in (self.root / folder).iterdir() if one.is_file()]
        except OSError:
            return ""
        return near_match(path, sorted(beside))

    def environment(self, scope: Scope, paths: Iterable[str]) -> Scope:
        """Return ``scope`` and, behind it, what the ``.env`` files at ``paths`` set: as Compose, an include's own.

        A later file wins over an earlier one. A variable that is declared but has no value takes the file's. A value
        may refer to the variables of ``scope``, of the lines before it, and of earlier files.
        """
        key = (id(scope), tuple(paths))
        if key not in self._environments:
            found: dict[str, Resolved] = {}
            outer = {name: text_of(one.value) for name, one in scope.variables.items() if one.value is not None}
            earlier: dict[str, str] = {}

            def expand(text: str, before: Map[str, str], span: Span) -> str | None:
                known = outer.keys() | before.keys() | earlier.keys()
                unset = dict.fromkeys(
                    one.name for one in references(text) if not one.operator and one.name not in known
                )
                scope.used.update(one.name for one in references(text))
                if unset:
                    advice = "declare and set it in the blueprint, or write ${NAME-} where it may have no value"
                    message = f"{', '.join(unset)} has no value: it is empty, as in Compose"
                    self.report.warning("EV113", message, span, help=advice)
                return expanded(text, outer, before, earlier)

            for path in key[1]:
                try:
                    values = read_dotenv(self.root / path, root=self.root, report=self.report, expand=expand)
                except EnvmanError as error:
                    self.report.extend(error.diagnostics)
                    continue
                found |= {name: Resolved(value, path, span) for name, (value, span) in values.items()}
                earlier |= {name: value for name, (value, _) in values.items()}
                if path not in self.used:
                    self.used.append(path)
            known = {
                name: one
                for name, one in scope.variables.items()
                if name not in found or one.value is not None or one.problem is not None
            }
            inner = replace(scope, variables={**found, **known}) if found else scope
            for name in found.keys() - known.keys():
                known_as = scope.variables.get(name)
                self._give(name, replace(found[name], declared=(known_as and known_as.declared) or found[name].span))
            self._environments[key] = inner
            if found:
                self._names[id(inner)] = self._names.get(id(scope), frozenset()) | found.keys()
        return self._environments[key]

    def _give(self, name: str, value: Resolved) -> None:
        before = self.given.setdefault(name, value)
        if before.value != value.value:
            self.given[name] = Resolved(None, "the includes' own .env files, which differ", declared=before.declared)

    def inside(self, path: str, asked: Span) -> str | None:
        """Return ``path`` relative to the root or None (EV007, EV220, EV224) where it is not in the project."""
        if is_elsewhere(path):
            self.report.error(
                "EV220",
                f"{path} is not a file of this project",
                asked,
                expected="a path",
                help="download it into the project, so that everybody renders the same",
            )
            return None
        if "\0" in path:
            self.report.error("EV224", "a path cannot hold a NUL byte", asked, expected="a path")
            return None
        clean = posixpath.normpath(path)
        if posixpath.isabs(clean):
            root = str(self.root)
            if clean == root or clean.startswith(root.rstrip("/") + "/"):
                return posixpath.relpath(clean, root)
        elif clean != ".." and not clean.startswith(("../", "~")):
            return clean
        self.report.error(
            "EV007",
            f"{clean} leads out of the project",
            asked,
            expected="a file below the folder of envman.yaml",
            help="copy the file into the project, so that everybody who has the project has it",
        )
        return None


def _with_values(tree: Mapping, scope: Scope, names: frozenset[str]) -> Mapping:
    """Return ``tree`` with the values of variables that a list under `environment` only names.

    An include's own `.env` gives them, as Compose does for this form (the other, `NAME: null`, it leaves alone).
    """
    services = tree.entries.get("services")
    if not isinstance(services, Mapping):
        return tree
    entries = dict(services.entries)
    for name, service in services.entries.items():
        environment = service.entries.get("environment") if isinstance(service, Mapping) else None
        if isinstance(service, Mapping) and isinstance(environment, Sequence):
            items = tuple(_with_value(item, scope, names) for item in environment.items)
            entries[name] = replace_entries(service, {"environment": environment._replace(items=items)})
    return replace_entries(tree, {"services": services._replace(entries=entries)})


def _with_value(item: Node, scope: Scope, names: frozenset[str]) -> Node:
    if not isinstance(item, Scalar) or item.value not in names or item.problem is not None:
        return item
    name = str(item.value)
    scope.used.add(name)
    return item._replace(value=f"{name}={text_of(scope.variables[name].value)}", variables=(*item.variables, name))


def is_blueprint(path: str) -> bool:
    """Whether ``path``, relative to the root, is a blueprint: its paths mean the root, whatever reads it."""
    return posixpath.dirname(path) == BLUEPRINTS


def size(node: Node) -> int:
    """Return how many values ``node`` holds, itself included."""
    if isinstance(node, Mapping):
        return 1 + sum(map(size, node.entries.values()))
    if isinstance(node, Sequence):
        return 1 + sum(map(size, node.items))
    return 1
