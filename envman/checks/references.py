"""Names that a service uses must be defined, active where Compose wants that, and lead in no circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from typing import Final

from envman.diagnostics import Diagnostic, Note, Span
from envman.diagnostics.diagnostic import near_match
from envman.model.environment import Environment
from envman.model.references import Reference, references, service_references

# A cycle of hundreds of services is named by its message; as many places help nobody.
_MOST_NOTES: Final = 20
_SERVICES: Final = ("service", "optional", "build")


def undefined_references(environment: Environment) -> Iterator[Diagnostic]:
    """EV301: networks, volumes, secrets, configs, models and services that are used and not defined."""
    stack = environment.stack
    defined = {
        "network": {*stack.networks, "default"},
        "volume": set(stack.volumes),
        "secret": set(stack.secrets),
        "config": set(stack.configs),
        "model": set(stack.models),
        "service": _all_services(environment),
    }
    for name, service in stack.services.items():
        for one in references(name, service):
            kind = "service" if one.kind in _SERVICES else one.kind
            if one.name in defined[kind]:
                continue
            section = f"{kind}s"
            yield Diagnostic(
                "EV301",
                f'{kind} "{one.name}" is not defined',
                _place(environment, one),
                near_match(one.name, defined[kind]) or f'"{one.name}" under `{section}:`',
                help=f"add it under `{section}:`" if kind != "service" else "add the service or remove the dependency",
            )


def inactive_references(environment: Environment) -> Iterator[Diagnostic]:
    """EV315: services that a service needs and that no active profile starts: Compose refuses the whole file.

    ``environment`` has the active services alone.
    """
    for service, one in inactive(environment):
        profiles = environment.data["services"][one.name].get("profiles") or ()
        yield Diagnostic(
            "EV315",
            f"{service} depends on {one.name}, which is left out unless profile {', '.join(profiles)} is active",
            _place(environment, one),
            "a dependency that runs whenever this does",
            (Note("the profile is set here", environment.span("services", one.name, "profiles")),),
            "remove the profile, give this service the same one"
            + (", or write `required: false`" if one.by_key else ""),
        )


def inactive(environment: Environment) -> Iterator[tuple[str, Reference]]:
    """Yield each service of ``environment`` that needs one that is defined, but not among those of its stack."""
    services, everything = environment.stack.services, _all_services(environment)
    for name, service in services.items():
        for one in service_references(name, service):
            if one.kind != "optional" and one.name in everything and one.name not in services:
                yield name, one


def unbuilt_contexts(environment: Environment) -> Iterator[Diagnostic]:
    """EV108: a build that starts from the image of a service that has no build."""
    services = environment.stack.services
    for name, service in services.items():
        for one in service_references(name, service):
            if one.kind == "build" and one.name in services and services[one.name].build is None:
                yield Diagnostic(
                    "EV108",
                    f"{name} builds from service {one.name}, which has no build: Compose refuses that",
                    _place(environment, one),
                    "a service with `build:`",
                    help="give it a `build:`, or name its image: `docker-image://NAME:TAG`",
                )


def unlisted_platforms(environment: Environment) -> Iterator[Diagnostic]:
    """EV108: a service runs on a platform that its build does not list."""
    for name, service in environment.stack.services.items():
        platforms = (service.build.platforms if service.build is not None else None) or []
        if service.platform and platforms and service.platform not in platforms:
            yield Diagnostic(
                "EV108",
                f"{name} runs on {service.platform}, which its build does not list: Compose refuses that",
                environment.span("services", name, "platform"),
                f"one of {', '.join(platforms)}",
                (Note("the platforms are listed here", environment.key_span("services", name, "build", "platforms")),),
                "add it to `build.platforms`",
            )


def dependency_cycles(environment: Environment) -> Iterator[Diagnostic]:
    """EV305: services, or their builds, that wait for each other in a circle."""
    for kinds, what in ((("service", "optional"), "services"), (("build",), "builds")):
        edges = {
            name: {one.name: one for one in service_references(name, service) if one.kind in kinds}
            for name, service in environment.stack.services.items()
        }
        for cycle in _cycles(edges):
            yield _cycle(environment, cycle, edges, what)


def _cycles(edges: Mapping[str, Mapping[str, Reference]]) -> Iterator[list[str]]:
    done: set[str] = set()
    reported: set[frozenset[str]] = set()
    for start in edges:
        if start in done:
            continue
        # Not a recursion: a chain may be longer than Python's stack.
        chain: dict[str, Iterator[str]] = {start: iter(edges[start])}
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
                    yield cycle
            elif other in edges and other not in done:
                chain[other] = iter(edges[other])


def _cycle(
    environment: Environment, names: list[str], edges: Mapping[str, Mapping[str, Reference]], what: str
) -> Diagnostic:
    first, second = names[-1], names[0]
    return Diagnostic(
        "EV305",
        f"{what} wait for each other: {' -> '.join([*names, names[0]])}",
        _place(environment, edges[first][second]),
        "a dependency that does not lead back here",
        tuple(
            Note(f"{one} waits for {other}", _place(environment, edges[one][other]))
            for one, other in islice(pairwise(names), _MOST_NOTES)
        ),
        "remove one of these dependencies",
    )


def _all_services(environment: Environment) -> set[str]:
    return {name for name in environment.data.get("services") or {} if not name.startswith("x-")}


def _place(environment: Environment, one: Reference) -> Span:
    return environment.key_span(*one.path) if one.by_key else environment.span(*one.path)
