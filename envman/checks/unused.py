"""What is declared and used by nobody.

A blueprint is often inherited, and what it declares may be meant for its children. So this is a rule over a whole
project: a declaration is unused where no environment that has it, as its own or inherited, uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envman.diagnostics import Diagnostic, Severity, Span
from envman.model.environment import Environment
from envman.model.references import references

_SECTIONS = ("networks", "volumes", "configs", "secrets", "models")


def unused_declarations(environments: Iterable[Environment]) -> Iterator[Diagnostic]:
    """EV316 for variables, EV317 for the rest. ``environments`` must be all of a project."""
    everyone = list(environments)
    uses = {environment.name: _used(environment) for environment in everyone}
    for environment in everyone:
        for kind, name, span in _declared(environment):
            heirs = [one for one in everyone if span.source.name in one.files]
            if any((kind, name) in uses[one.name] for one in heirs):
                continue
            yield Diagnostic(
                "EV316" if kind == "variable" else "EV317",
                f'{kind} "{name}" is used by no service' if kind != "variable" else f'variable "{name}" is not used',
                span,
                help="remove it" if kind != "variable" else f"remove it, or write ${{{name}}} where its value belongs",
                severity=Severity.WARNING,
            )


def _declared(environment: Environment) -> Iterator[tuple[str, str, Span]]:
    for name, span in environment.variables.items():
        yield "variable", name, span
    for section in _SECTIONS:
        for name in getattr(environment.stack, section):
            # Compose attaches every service without networks of its own to `default`.
            if (section, name) != ("networks", "default"):
                yield section[:-1], name, environment.key_span(section, name)


def _used(environment: Environment) -> set[tuple[str, str]]:
    used = {("variable", name) for name in environment.used_variables}
    for name, service in environment.stack.services.items():
        used.update((one.kind, one.name) for one in references(name, service))
        if service.credential_spec is not None and service.credential_spec.config is not None:
            used.add(("config", service.credential_spec.config))
        if service.build is not None and service.build.network is not None:
            used.add(("network", service.build.network))
    return used
