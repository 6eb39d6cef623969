"""The head of the river: a project's folder to its environments."""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from envman.diagnostics import EnvmanError, Report, Span
from envman.diagnostics.diagnostic import fail, near_match
from envman.diagnostics.limits import HELP, limit
from envman.language.composition import compose_layers, has_other_files
from envman.language.handed import Outside, hand_over
from envman.language.inherited import give_values
from envman.language.interpolate import interpolate, is_unset
from envman.language.layers import HEADER_KEYS, Layer, linearise, read_layer
from envman.language.merge import merge_layers
from envman.language.normalise import normalise
from envman.language.references import expanded
from envman.language.tags import with_tags
from envman.language.variables import Inputs, resolve_scope
from envman.model.binding import bind
from envman.model.environment import Environment
from envman.model.header import ENVIRONMENT_NAME, LANGUAGE, ProjectFile
from envman.model.places import read_places
from envman.model.stack import Stack
from envman.source.dotenv import read_dotenv
from envman.source.files import read_source
from envman.source.reader import read_tree
from envman.source.root import PROJECT_FILE, find_root
from envman.source.tree import Mapping, Sequence, node_at

BLUEPRINTS: Final = "blueprints"
# Far beyond any stack; each costs memory when its attributes are checked.
MOST_BLUEPRINTS: Final = 1_000
MOST_SERVICES: Final = 10_000
_INSTANCE: Final = re.compile(r"[a-z0-9_]{1,30}")


@dataclass(slots=True)
class Project:
    """A project's root, its file, and the blueprints and Compose files read so far (each file is read once a run).

    ``places`` is its registry map.
    """

    root: Path
    file: ProjectFile
    places: Map[str, str] = field(default_factory=dict)
    layers: dict[str, Layer | None] = field(default_factory=dict)
    compose_files: dict[str, Mapping] = field(default_factory=dict)
    names: list[str] | None = None

    @property
    def name(self) -> str:
        """The project's name."""
        return self.file.name

    @property
    def blueprints(self) -> list[str]:
        """The names of all blueprints, abstract ones too, sorted.

        Raises:
            EnvmanError: EV110 where there are more than ``MOST_BLUEPRINTS``.
        """
        if self.names is None:
            self.names = sorted(path.stem for path in (self.root / BLUEPRINTS).glob("*.yaml"))
        if len(self.names) > (most := limit(MOST_BLUEPRINTS)):
            message = f"{BLUEPRINTS}/ holds {len(self.names):,} blueprints; the most are {most:,}"
            raise fail("EV110", message, help=HELP)
        return self.names

    def layer(self, name: str, report: Report) -> Layer | None:
        """Return blueprint ``name`` as a layer, or None where it has errors (added to ``report``)."""
        if name not in self.layers:
            self.layers[name] = self._read(name, report)
        return self.layers[name]

    def _read(self, name: str, report: Report) -> Layer | None:
        try:
            source = read_source(self.root / BLUEPRINTS / f"{name}.yaml", root=self.root)
        except EnvmanError as error:
            report.extend(error.diagnostics)
            return None
        tree = read_tree(source, report)
        return None if tree is None else read_layer(name, tree, report)

    def variables(self) -> set[str]:
        """Return the names of the variables that any of the blueprints read so far declares."""
        names: set[str] = set()
        for layer in self.layers.values():
            section = node_at(layer.tree, ("variables",)) if layer is not None else None
            if isinstance(section, Mapping):
                names.update(section.entries)
        return names

    def environments(self, report: Report) -> list[str]:
        """Return the names of the blueprints that are environments: those that are not abstract."""
        found = []
        for name in self.blueprints:
            layer = self.layer(name, report)
            if layer is None or not layer.header.abstract:
                found.append(name)
        return found


def open_project(start: Path) -> Project:
    """Return the project that ``start`` lies in.

    Raises:
        EnvmanError: EV001 where there is none, EV005 and EV428 where its file is wrong, EV006 where it needs a newer
            envman.
    """
    root = find_root(start)
    report = Report()
    tree = read_tree(read_source(root / PROJECT_FILE, root=root), report)
    report.raise_errors()
    assert tree is not None  # there was no error
    file, _ = bind(tree, ProjectFile, report, what=PROJECT_FILE)
    report.raise_errors()
    places = read_places(node_at(tree, ("registry",)), report)
    report.raise_errors()
    assert file is not None
    if file.language != LANGUAGE:
        span = _place(tree, "language")
        raise fail(
            "EV006", f"language {file.language} is not known", span, expected=str(LANGUAGE), help="upgrade envman"
        )
    if file.requires is not None:
        _require(file.requires, _place(tree, "requires"))
    return Project(root, file, places)


def _place(tree: Mapping, key: str) -> Span | None:
    node = node_at(tree, (key,))
    return node.span if node is not None else None


def _require(requirement: str, span: Span | None) -> None:
    from envman.version import installed_version

    match = re.fullmatch(r">=\s*(\d{1,9}(?:\.\d{1,9}){0,3})", requirement)
    if match is None:
        raise fail("EV005", f'"{requirement}" is not a requirement', span, expected='">=0.1"')
    have = tuple(int(part) for part in re.findall(r"\d+", installed_version())[:3])
    want = tuple(int(part) for part in match[1].split("."))
    if have < want:
        raise fail(
            "EV006",
            f"the project needs envman {requirement}, this is {installed_version()}",
            span,
            help="upgrade envman",
        )


def load_environment(
    project: Project,
    name: str,
    report: Report,
    *,
    settings: Map[str, str],
    process: Map[str, str],
    instance: str | None = None,
    partial: bool = False,
    unset: bool = False,
) -> Environment | None:
    """Return environment ``name``, or None where there are errors (added to ``report``).

    ``settings`` are ``--set`` options, ``process`` is the process environment. With ``partial`` a setting may name
    a variable that only another environment declares. With ``unset`` a value that lacks a variable is no error: it has
    the text that is written, and the stack goes without it.

    Raises:
        EnvmanError: EV003 where there is no such blueprint, EV009 where it is abstract, EV004 for a bad instance.
    """
    before = len(report.errors)
    known = project.blueprints
    _check_name(project, name, known, report)
    if instance is not None and not _INSTANCE.fullmatch(instance):
        raise fail("EV004", f'"{instance}" is not a name for an instance', expected="lower-case letters, digits and _")
    layers = linearise(name, lambda one: project.layer(one, report), known, report)
    if len(report.errors) > before or not layers:
        return None
    own = layers[-1]
    if own.header.abstract:
        span = own.tree_key("abstract")
        raise fail("EV009", f'blueprint "{name}" is abstract', span, help="name an environment that extends it")
    dotenv = read_values(project.root, name, process, report)
    compose_project = f"{project.name}-{name}" + (f"-{instance}" if instance else "")
    builtin = {
        "COMPOSE_PROJECT_NAME": compose_project,
        "ENVMAN_PROJECT": project.name,
        "ENVMAN_ENVIRONMENT": name,
        "ENVMAN_INSTANCE": instance or "",
    }
    scope = resolve_scope(layers, Inputs(settings, process, dotenv), builtin, report, partial=partial)
    trees: list[Mapping] = []
    for layer in layers:
        body = interpolate(layer.body, scope)
        assert isinstance(body, Mapping)  # interpolation keeps the kind of node
        trees.append(normalise(body, report))
    reached: tuple[tuple[str, ...], ...] = ()
    variables = dict(scope.variables)
    if any(has_other_files(tree) for tree in trees):
        trees, reached, given = compose_layers(
            project.root, layers, trees, scope, report, sources=project.compose_files
        )
        variables |= {name: one for name, one in given.items() if name in scope.used}
    tree = give_values(merge_layers(trees, report), process, dotenv)
    tree = with_tags(tree, project.root, process, report)
    tree, handed = hand_over(
        tree, project.root, Outside(scope, process, {name: value for name, (value, _) in dotenv.items()})
    )
    services = node_at(tree, ("services",))
    if isinstance(services, Mapping) and len(services.entries) > (most := limit(MOST_SERVICES)):
        report.error("EV110", f"more than {most:,} services", services.span, expected="fewer services", help=HELP)
        return None
    # Bound even where there are errors, so that one run shows all of them.
    stack, data = bind(tree, Stack, Report() if unset else report, what="a blueprint", also=HEADER_KEYS)
    if unset and stack is None:
        stack, _ = bind(_without_unset(tree, data)[0], Stack, report, what="a blueprint", also=HEADER_KEYS)
    if stack is None or len(report.errors) > before:
        return None
    return Environment(
        project=project.name,
        name=name,
        instance=instance,
        description=own.header.description or "",
        protected=own.header.protected,
        layers=tuple(layer.name for layer in layers),
        files=tuple(layer.tree.span.source.name for layer in layers),
        reached=reached,
        stack=stack,
        data=data,
        tree=tree,
        scope={
            key: replace(one.variable, confidential=one.confidential or key in scope.passwords)
            for key, one in variables.items()
        },
        used_variables=frozenset(scope.used),
        handed=handed,
    )


def without_unset(environment: Environment) -> Environment:
    """Return ``environment`` without the values that lack a variable, as its stack is."""
    tree, data = _without_unset(environment.tree, environment.data)
    return replace(environment, tree=tree, data=data)


def _without_unset(node: Any, data: Any) -> tuple[Any, Any]:
    if isinstance(node, Mapping):
        kept = [key for key, value in node.entries.items() if not is_unset(value)]
        pairs = {key: _without_unset(node.entries[key], data[key]) for key in kept}
        entries, values = ({key: pair[side] for key, pair in pairs.items()} for side in (0, 1))
        return node._replace(entries=entries), values
    if isinstance(node, Sequence):
        found = [_without_unset(*pair) for pair in zip(node.items, data, strict=True) if not is_unset(pair[0])]
        return node._replace(items=tuple(pair[0] for pair in found)), [pair[1] for pair in found]
    return node, data


def check_environment_name(name: str, *, help: str = "") -> None:  # noqa: A002 - the word that the reader sees
    """Make sure that an environment that is to be can be called ``name``; ``help`` says how to name another.

    Raises:
        EnvmanError: EV004.
    """
    if not re.fullmatch(ENVIRONMENT_NAME, name):
        raise fail(
            "EV004",
            f'"{name}" is not a name for an environment',
            expected="lower-case letters, digits and _, a letter first",
            help=help,
        )


def read_values(root: Path, name: str, process: Map[str, str], report: Report) -> dict[str, tuple[str, Span]]:
    """Return what ``.env`` and ``.env.NAME`` set, the latter first; a value may refer to those before it.

    Raises:
        EnvmanError: EV002, EV007 and EV110 for a file that cannot be read.
    """
    found: dict[str, tuple[str, Span]] = {}
    for file in (".env", f".env.{name}"):
        earlier = {known: text for known, (text, _) in found.items()}

        def expand(text: str, before: Map[str, str], _: Span, earlier: Map[str, str] = earlier) -> str | None:
            # The process wins over the file here too, as in Compose.
            return expanded(text, process, before, earlier)

        found |= read_dotenv(root / file, root=root, report=report, expand=expand)
    return found


def _check_name(project: Project, name: str, known: list[str], report: Report) -> None:
    if name in known:
        if not re.fullmatch(ENVIRONMENT_NAME, name):
            raise fail(
                "EV004",
                f'blueprints/{name}.yaml: "{name}" is not a name for an environment',
                expected="lower-case letters, digits and _, a letter first",
                help="rename the file; `-` separates project, environment and instance",
            )
        return
    environments = project.environments(report)
    raise fail(
        "EV003",
        f'there is no environment "{name}"',
        expected=near_match(name, environments),
        help=near_match(name, environments)
        or (f"the environments are: {', '.join(environments)}" if environments else f"write {BLUEPRINTS}/{name}.yaml"),
    )
