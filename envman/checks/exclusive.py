"""What is right alone and refused by Compose together (compose-go's `loader/validate.go` and `validation`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from envman.diagnostics import Diagnostic, Note
from envman.model.environment import Environment
from envman.source.tree import Path


def exclusive_attributes(environment: Environment) -> Iterator[Diagnostic]:
    """EV108: two attributes of which Compose takes one."""
    for name, service in environment.stack.services.items():
        base: Path = ("services", name)
        if service.network_mode and service.networks:
            yield _both(environment, base, "network_mode", "networks")
        replicas = service.deploy.replicas if service.deploy is not None else None
        if service.scale is not None and replicas is not None and int(service.scale) != int(replicas):
            yield _clash(environment, (*base, "scale"), (*base, "deploy", "replicas"), "scale", "deploy.replicas")
    for name, config in environment.stack.configs.items():
        sources = [one for one in ("file", "environment", "content") if getattr(config, one) is not None]
        for first, second in combinations(sources, 2):
            yield _both(environment, ("configs", name), first, second)
    for name, secret in environment.stack.secrets.items():
        if secret.file is not None and secret.environment is not None:
            yield _both(environment, ("secrets", name), "file", "environment")


def shared_container_names(environment: Environment) -> Iterator[Diagnostic]:
    """EV310: two services cannot have one container's name."""
    first: dict[str, str] = {}
    for name, service in environment.stack.services.items():
        if service.container_name is None:
            continue
        other = first.setdefault(service.container_name, name)
        if other != name:
            place = environment.span("services", name, "container_name")
            note = Note(f"{other} has it here", environment.span("services", other, "container_name"))
            message = f"{name} and {other} both have the container_name {service.container_name}"
            yield Diagnostic("EV310", message, place, "a name of its own, or none", (note,), "remove both")


def _both(environment: Environment, base: Path, first: str, second: str) -> Diagnostic:
    return _clash(environment, (*base, first), (*base, second), first, second)


def _clash(environment: Environment, one: Path, other: Path, first: str, second: str) -> Diagnostic:
    return Diagnostic(
        "EV108",
        f"{'.'.join(map(str, one[:2]))} has both {first} and {second}: Compose refuses that",
        environment.key_span(*one),
        "one of the two",
        (Note(f"{second} is here", environment.key_span(*other)),),
        f"remove one; `{second.rpartition('.')[2]}: !reset null` drops what a parent says",
    )
