"""Names that a service uses must be defined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Final

from envman.diagnostics import Diagnostic, Note
from envman.diagnostics.diagnostic import near_match
from envman.model.environment import Environment
from envman.model.service import SecretValue, Service
from envman.source.tree import Path

# A service names these as keys of a mapping, too.
_BY_KEY: Final = frozenset({"network", "model", "service"})
# A cycle of hundreds of services is named by its message; as many places help nobody.
_MOST_NOTES = 20


def undefined_references(environment: Environment) -> Iterator[Diagnostic]:
    """EV301: networks, volumes, secrets, configs, models and services that are used and not defined."""
    stack = environment.stack
    defined = {
        "network": {*stack.networks, "default"},
        "volume": set(stack.volumes),
        "secret": set(stack.secrets),
        "config": set(stack.configs),
        "model": set(stack.models),
        "service": set(stack.services),
    }
    for name, service in stack.services.items():
        for kind, used, path in references(name, service):
            if used in defined[kind]:
                continue
            section = f"{kind}s"
            yield Diagnostic(
                "EV301",
                f'{kind} "{used}" is not defined',
                environment.key_span(*path) if used in path[-1:] and kind in _BY_KEY else environment.span(*path),
                near_match(used, defined[kind]) or f'"{used}" under `{section}:`',
                help=f"add it under `{section}:`" if kind != "service" else "add the service or remove the dependency",
            )


def references(name: str, service: Service) -> Iterator[tuple[str, str, Path]]:
    """Yield what service ``name`` uses: its kind, its name, and where that is written."""
    base: Path = ("services", name)
    for network in service.networks or {}:
        yield "network", network, (*base, "networks", network)
    for model in service.models or {}:
        yield "model", model, (*base, "models", model)
    for index, mount in enumerate(service.volumes or ()):
        if mount.type == "volume" and mount.source:
            yield "volume", mount.source, (*base, "volumes", index, "source")
    for kind, grants in (("secret", service.secrets), ("config", service.configs)):
        for index, grant in enumerate(grants or ()):
            yield kind, grant.source, (*base, f"{kind}s", index, "source")
    for index, grant in enumerate((service.build.secrets if service.build else None) or ()):
        yield "secret", grant.source, (*base, "build", "secrets", index, "source")
    for variable, value in (service.environment or {}).items():
        if isinstance(value, SecretValue):
            yield "secret", value.secret, (*base, "environment", variable, "secret")
    for other, dependency in (service.depends_on or {}).items():
        if dependency.required is not False:
            yield "service", other, (*base, "depends_on", other)
    for attribute in ("network_mode", "ipc", "pid"):
        value = getattr(service, attribute)
        if isinstance(value, str) and value.startswith("service:"):
            yield "service", value.removeprefix("service:"), (*base, attribute)


def dependency_cycles(environment: Environment) -> Iterator[Diagnostic]:
    """EV305: services that wait for each other in a circle."""
    services = environment.stack.services
    done: set[str] = set()
    reported: set[frozenset[str]] = set()
    for start in services:
        if start in done:
            continue
        # Not a recursion: a chain may be longer than Python's stack.
        chain: dict[str, Iterator[str]] = {start: iter(services[start].depends_on or ())}
        while chain:
            name = next(reversed(chain))
            other = next(chain[name], None)
            if other is None:
                done.add(name)
                del chain[name]
            elif other in chain:
                names = list(chain)
                cycle = names[names.index(other) :]
                if frozenset(cycle) not in reported:
                    reported.add(frozenset(cycle))
                    yield _cycle(environment, cycle)
            elif other in services and other not in done:
                chain[other] = iter(services[other].depends_on or ())


def _cycle(environment: Environment, cycle: Iterable[str]) -> Diagnostic:
    names = list(cycle)
    first, second = names[-1], names[0]
    return Diagnostic(
        "EV305",
        f"services wait for each other: {' -> '.join([*names, names[0]])}",
        environment.key_span("services", first, "depends_on", second),
        "a dependency that does not lead back here",
        tuple(
            Note(f"{one} waits for {other}", environment.key_span("services", one, "depends_on", other))
            for one, other in islice(pairwise(names), _MOST_NOTES)
        ),
        "remove one of these dependencies",
    )
