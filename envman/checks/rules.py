"""The rules for one environment, in two tables: what every command says, and what `check` says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from envman.checks.access import unreadable_files, unwritable_grants
from envman.checks.addresses import unusable_addresses
from envman.checks.dependencies import (
    endless_dependencies,
    lonely_one_shots,
    unhealthy_dependencies,
    unreachable_dependencies,
)
from envman.checks.exclusive import exclusive_attributes, shared_container_names
from envman.checks.files import binds_with_colons, missing_files, unfit_files
from envman.checks.images import floating_images
from envman.checks.ports import host_port_clashes, replicas_with_ports
from envman.checks.references import (
    dependency_cycles,
    inactive_references,
    unbuilt_contexts,
    undefined_references,
    unlisted_platforms,
)
from envman.checks.reproduction import unknown_stand_ins
from envman.diagnostics import Diagnostic, Note, Report, Severity
from envman.model.active import enabled_services, wanted_services
from envman.model.environment import Environment
from envman.model.references import references
from envman.model.service import SecretValue

Rule: TypeAlias = Callable[[Environment, Path], Iterator[Diagnostic]]
# What keeps a stack from running here and now, while the file itself is one that Compose takes: another profile may
# be active then, a swarm publishes a port for many replicas.
_ONLY_TO_RUN: Final = frozenset({"EV302", "EV303", "EV308", "EV315", "EV321"})


def as_file(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield ``found`` as it counts for a file that is only to be written: what `up` alone would refuse is a warning."""
    for one in found:
        yield replace(one, severity=Severity.WARNING) if one.code in _ONLY_TO_RUN else one


def check_environment(
    environment: Environment, root: Path, report: Report, *, services: Sequence[str] = (), profiles: Sequence[str] = ()
) -> None:
    """Add to ``report`` what every command refuses or warns of. ``root`` is the project's folder.

    As Compose does, it judges the services that are active: those of the blueprint's profiles and of ``profiles``, and
    the named ``services`` with what they need. Where services are named, only those have to run beside each other.
    """
    report.extend(unknown_stand_ins(environment))
    wanted = wanted_services(environment, services or None, frozenset(profiles)) if services else []
    active = environment.only({*enabled_services(environment, profiles), *wanted})
    for rule in RULES:
        report.extend(rule(active, root))
    started = active.only(wanted) if services else active
    for rule in RULES_TO_RUN:
        report.extend(rule(started, root))


def advise(environment: Environment, root: Path, report: Report) -> None:
    """Add to ``report`` what Compose lets pass and people regret: warnings, said by `check` alone."""
    for rule in ADVICE:
        report.extend(rule(environment, root))
    enabled = enabled_services(environment)
    active, others = environment.only(enabled), environment.only(set(environment.stack.services) - set(enabled))
    report.extend(missing_values(active))
    for rule in RULES_OF_INACTIVE if others.stack.services else ():
        said = list(rule(active, root))
        for one in rule(others, root):
            if one not in said:
                report.add(replace(one, severity=Severity.WARNING))


def services_without_image(environment: Environment) -> Iterator[Diagnostic]:
    """EV304: nothing says what a service runs."""
    for name, service in environment.stack.services.items():
        if service.image is None and service.build is None and service.provider is None:
            yield Diagnostic(
                "EV304",
                f"service {name} has neither image nor build",
                environment.key_span("services", name),
                "`image:` or `build:`",
                help="write `image: NAME:TAG`, or `build: FOLDER`",
            )


def incomplete_secrets(environment: Environment) -> Iterator[Diagnostic]:
    """EV107: a secret without a source, or a source without what it needs."""
    for name, secret in environment.stack.secrets.items():
        span = environment.key_span("secrets", name)
        needed = {"env": "variable", "file": "path"}.get(secret.source or "")
        if needed is not None and getattr(secret, needed) is None:
            yield Diagnostic(
                "EV107", f'secret "{name}" has `source: {secret.source}` without `{needed}:`', span, f"`{needed}: ...`"
            )
        elif secret.source is None and not any((secret.file, secret.environment, secret.external, secret.driver)):
            yield Diagnostic(
                "EV107",
                f'secret "{name}" has no source',
                span,
                "`source: generate`, `source: env` or `source: file`",
                help="Compose's own `file:`, `environment:` and `external:` work too",
            )


def unresolved_files(environment: Environment) -> Iterator[Diagnostic]:
    """EV113, EV203 to EV208, EV327: what env files and label files say that has no value."""
    services = environment.stack.services
    for name, problem in environment.handed.problems:
        # Jobs have theirs as well.
        if name in services or name not in environment.data["services"]:
            yield problem


def missing_values(environment: Environment) -> Iterator[Diagnostic]:
    """EV504: secrets and configs whose variable has no value here, which `up` of the services refuses."""
    stack, handed = environment.stack, environment.handed
    used = {(one.kind, one.name) for name, service in stack.services.items() for one in references(name, service)}
    for kind, entries in (("secret", stack.secrets), ("config", stack.configs)):
        for name, entry in entries.items():
            variable = entry.environment
            if variable is not None and (kind, name) in used and variable not in handed.values:
                yield Diagnostic(
                    "EV504",
                    f'{kind} "{name}" has no value: {variable} is not set',
                    environment.span(f"{kind}s", name, "environment"),
                    "a variable of the process or of a .env file",
                    help=f"export {variable}, or write it into .env.{environment.name}",
                    severity=Severity.WARNING,
                )


def inherited_names(environment: Environment) -> Iterator[Diagnostic]:
    """EV210: a fixed name inherited from another environment would make both use one volume or network."""
    own = environment.files[-1]
    ours = {own, *(environment.reached[-1] if environment.reached else ())}
    for kind, entries in (("volumes", environment.stack.volumes), ("networks", environment.stack.networks)):
        for name, entry in entries.items():
            if entry is None or entry.shared or (entry.name is None and not entry.is_external):
                continue
            attribute = "name" if entry.name is not None else "external"
            span = environment.span(kind, name, attribute)
            if span.source.name not in ours and len(environment.files) > 1:
                yield Diagnostic(
                    "EV210",
                    f'{kind[:-1]} "{name}" is the same one in every environment that inherits this',
                    span,
                    "`shared: true` beside it",
                    (Note(f"inherited by {own}"),),
                    "remove the fixed name, override it, or write `shared: true` if this is meant",
                )


def secrets_as_variables(environment: Environment) -> Iterator[Diagnostic]:
    """EV309: a variable's value can be read by everything in the container, and by `docker inspect`."""
    for name, service in environment.stack.services.items():
        for variable, value in (service.environment or {}).items():
            if isinstance(value, SecretValue):
                yield Diagnostic(
                    "EV309",
                    f'secret "{value.secret}" is handed to {name} as the variable {variable}',
                    environment.span("services", name, "environment", variable),
                    "a file, where the program can read one",
                    help=f"prefer `secrets: [{value.secret}]` and a setting such as {variable}_FILE",
                    severity=Severity.WARNING,
                )


def container_names(environment: Environment) -> Iterator[Diagnostic]:
    """EV310: a fixed container name allows one container on the whole engine."""
    for name, service in environment.stack.services.items():
        if service.container_name is not None and service.replicas > 1:
            yield Diagnostic(
                "EV310",
                f"container_name allows one container {service.container_name} on the whole engine, "
                f"but {name} runs {service.replicas}",
                environment.span("services", name, "container_name"),
                "no container_name",
                help="remove it: containers are found by labels, and services reach each other by service name",
            )


def _alone(rule: Callable[[Environment], Iterator[Diagnostic]]) -> Rule:
    """Return a rule that looks at no file."""
    return lambda environment, _: rule(environment)


RULES: Final[tuple[Rule, ...]] = (
    _alone(services_without_image),
    _alone(undefined_references),
    _alone(inactive_references),
    _alone(unbuilt_contexts),
    _alone(unlisted_platforms),
    _alone(dependency_cycles),
    _alone(incomplete_secrets),
    _alone(inherited_names),
    _alone(secrets_as_variables),
    _alone(container_names),
    _alone(exclusive_attributes),
    _alone(shared_container_names),
    _alone(unresolved_files),
    missing_files,
    binds_with_colons,
    unfit_files,
)
# Rules for services that run beside each other.
RULES_TO_RUN: Final[tuple[Rule, ...]] = (
    _alone(host_port_clashes),
    _alone(replicas_with_ports),
    _alone(unhealthy_dependencies),
    _alone(unusable_addresses),
)
# Rules for single services. What they say of a service that is not active is no error until it is.
RULES_OF_INACTIVE: Final[tuple[Rule, ...]] = (
    _alone(services_without_image),
    _alone(undefined_references),
    _alone(unlisted_platforms),
    _alone(exclusive_attributes),
    _alone(unresolved_files),
    missing_files,
)
ADVICE: Final[tuple[Rule, ...]] = (
    _alone(lonely_one_shots),
    _alone(endless_dependencies),
    _alone(unreachable_dependencies),
    _alone(floating_images),
    _alone(unwritable_grants),
    unreadable_files,
)
