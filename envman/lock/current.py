"""What a lock of an environment would say now, but for what registries and engines know. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from envman.diagnostics import Span
from envman.lock.canonical import Canonical
from envman.lock.uses import Uses, workloads
from envman.model.confidential import is_secret_name, masked
from envman.model.environment import Environment
from envman.model.stack import OWN_ATTRIBUTES
from envman.model.variable import Variable
from envman.source.tree import leaves, node_at

Mark = Callable[[str, bytes], str]


class CurrentVariable(NamedTuple):
    """A variable's value, where it comes from (in words, without a line: lines move), and the place."""

    value: Any
    origin: str
    span: Span | None


class Fingerprint(NamedTuple):
    """What changes when a value that is not shown does, and the place of its name."""

    mark: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Current:
    """An environment as a lock would describe it.

    ``contexts`` are the digests of what builds send, by service; None where that is not on this machine. ``key`` names
    the key of the fingerprints.
    """

    environment: Environment
    document: str
    parts: Mapping[str, str]
    uses: Uses
    contexts: Mapping[str, str | None]
    variables: Mapping[str, CurrentVariable]
    key: str
    secrets: Mapping[str, Fingerprint]

    def image_of(self, name: str) -> str:
        """Return the name of the image that a service or job builds."""
        environment = self.environment
        written: str | None = environment.data[self.uses.builds[name].section][name].get("image")
        return written or f"{environment.project}-{environment.name}-{name}"

    def part_span(self, part: str) -> Span:
        """Return where a part (``services.api``) is defined."""
        section, _, name = part.partition(".")
        return self.environment.key_span(section, name)


def describe(
    environment: Environment,
    canonical: Canonical,
    uses: Uses,
    *,
    contexts: Mapping[str, str | None],
    process: Mapping[str, str],
    values: Mapping[str, bytes],
    mark: Mark,
    key: str,
) -> Current:
    """Return what a lock of ``environment`` would say.

    ``process`` gives variables of containers their value that have a name only; ``values`` are those of secrets and
    ``env_file PATH``; ``mark`` makes a fingerprint with the key that is called ``key``.
    """
    shown: dict[str, CurrentVariable] = {}
    hidden: dict[str, tuple[bytes, Span | None]] = {}
    for name in sorted(_used_variables(environment)):
        variable = environment.scope[name]
        if variable.declared is None:
            continue
        if variable.confidential or is_secret_name(name) or masked(variable.value) != variable.value:
            hidden[f"variables.{name}"] = (str(variable.value).encode(), variable.origin.span)
        else:
            shown[name] = CurrentVariable(variable.value, _origin(variable), variable.origin.span or variable.declared)
    for path, name, span, value in _passed_on(environment, process):
        if is_secret_name(name) or masked(value) != value:
            hidden[path] = (value.encode(), span)
        else:
            shown[path] = CurrentVariable(value, f"process environment ({name})", span)
    hidden |= {path: (value.encode(), None) for path, value in canonical.withheld.items()}
    hidden |= {name: (value, _secret_span(environment, name)) for name, value in values.items()}
    return Current(
        environment,
        canonical.digest,
        canonical.parts,
        uses,
        contexts,
        shown,
        key,
        {name: Fingerprint(mark(name, value), span) for name, (value, span) in sorted(hidden.items())},
    )


def context_digest(files: Mapping[str, str]) -> str:
    """Return the digest of what a build sends: paths with the hash of each file, in no order."""
    text = json.dumps(sorted(files.items()), separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _used_variables(environment: Environment) -> set[str]:
    """Return the variables that decide what runs; where a secret's value comes from is each machine's own affair."""
    own = {pattern[-1] for pattern in OWN_ATTRIBUTES if pattern[0] == "secrets"}
    found: set[str] = set()
    for path, leaf in leaves(environment.tree):
        if leaf.variables and not (path[0] == "secrets" and path[-1] in own):
            found.update(leaf.variables)
    found.update(name for _, name, _ in _looked_up(environment))
    return found & set(environment.scope)


def _origin(variable: Variable) -> str:
    text, span = variable.origin
    return f"{text} ({span.source.name})" if span is not None and span.source.name != text else text


def _looked_up(environment: Environment) -> Iterator[tuple[str, str, Span]]:
    """Yield the variables of env files and configs that Compose looks up by itself: path, name, place."""
    for service, names in environment.handed.files.items():
        yield from ((f"services.{service}.env_file.{name}", name, span) for name, span in names.items())
    for config, entry in environment.stack.configs.items():
        if entry.environment is not None and entry.environment in environment.handed.values:
            path = ("configs", config, "environment")
            yield ".".join((*path, entry.environment)), entry.environment, environment.span(*path)


def _passed_on(environment: Environment, process: Mapping[str, str]) -> Iterator[tuple[str, str, Span, str]]:
    """Yield the variables that no blueprint declares and containers and builds use: path, name, place and value."""
    for path, name, span in _looked_up(environment):
        if name not in environment.scope:
            yield path, name, span, environment.handed.values[name]
    for section, name, _ in workloads(environment):
        entry = environment.data[section][name]
        for place in (("environment",), ("build", "args")):
            table: Any = entry
            for step in place:
                table = (table or {}).get(step)
            for key, value in (table or {}).items():
                node = node_at(environment.tree, (section, name, *place, key))
                if value is None and node is not None and key in process:
                    yield ".".join((section, name, *place, key)), key, node.span, process[key]


def _secret_span(environment: Environment, name: str) -> Span | None:
    return environment.key_span("secrets", name) if name in environment.stack.secrets else None
