"""A Compose file's documents taken as Compose takes them: what it would refuse is found at its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Map
from dataclasses import replace
from pathlib import Path
from typing import Final

from envman.adopt.refused import refused_by_compose
from envman.checks import as_file, check_environment
from envman.checks.references import inactive
from envman.diagnostics import Diagnostic, Note, Report, Severity
from envman.language.composition import compose_layers, has_other_files
from envman.language.interpolate import Resolved, Scope, interpolate
from envman.language.layers import Layer
from envman.language.merge import merge_layers
from envman.language.normalise import normalise
from envman.model.active import enabled_services
from envman.model.binding import bind
from envman.model.environment import Environment
from envman.model.header import Header
from envman.model.stack import Stack
from envman.source.tree import Mapping

# A variable that must be set is nothing wrong with the file.
_NOT_THE_FILE: Final = frozenset({"EV208"})
# A rule of envman's own, which the import sees to.
_NOT_COMPOSE: Final = frozenset({"EV210"})


def normalised(trees: list[Mapping], values: Map[str, str | None], root: Path, report: Report) -> list[Mapping]:
    """Return ``trees`` interpolated with ``values``, in the long form, and with what they include and extend."""
    scope = Scope({name: Resolved(value, "import") for name, value in values.items()})
    made = []
    for tree in trees:
        body = interpolate(tree, scope)
        assert isinstance(body, Mapping)  # interpolation keeps the kind of node
        made.append(normalise(body, report))
    if any(has_other_files(tree) for tree in made):
        layers = [Layer("import", Header(), tree) for tree in trees]
        made, _, _ = compose_layers(root, layers, made, scope, report, sources={})
    return made


def understand(layers: list[Mapping], root: Path, project: str, name: str, profiles: list[str], report: Report) -> None:
    """Add to ``report`` what is wrong with the merged ``layers``, so that Compose or a render would refuse them."""
    here = Report()
    tree = merge_layers(layers, Report())
    if not tree.entries or set(tree.entries) <= {"name", "version"}:
        here.error("EV111", "the Compose file is empty", tree.span, expected="`services:`")
    stack, data = bind(tree, Stack, here, what="a Compose file")
    if stack is not None:
        files = tuple(dict.fromkeys(layer.span.source.name for layer in layers))
        environment = Environment(project, name, None, "", False, (name,), files, stack, data, tree)
        check_environment(environment, root, here, profiles=profiles)
        active = environment.only(enabled_services(environment, profiles))
        here.extend(refused_by_compose(environment, root, active.stack.services))
        here.extend(inactive_dependencies(active))
    for one in as_file(here):
        if one.code in _NOT_THE_FILE:
            report.add(replace(one, severity=Severity.WARNING))
        elif one.severity is Severity.ERROR and one.code not in _NOT_COMPOSE:
            report.add(one)


def inactive_dependencies(environment: Environment) -> Iterator[Diagnostic]:
    """EV810: an active service needs one that no active profile starts. Compose refuses the file for it."""
    for service, one in inactive(environment):
        wanted = environment.data["services"][one.name]["profiles"][0]
        yield Diagnostic(
            "EV810",
            f"{service} depends on {one.name}, which only a profile starts",
            environment.key_span(*one.path) if one.by_key else environment.span(*one.path),
            "a service that runs without a profile, or an active profile",
            (Note("the profile is named here", environment.span("services", one.name, "profiles")),),
            f"make it active: `envman import --profile {wanted} ...`",
        )
