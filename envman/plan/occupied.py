"""What others on an engine hold: host ports, names, subnets. Filled in by ``engine.occupied``."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from envman import LABEL_PREFIX
from envman.plan.form import COMPOSE
from envman.plan.observed import PortHolder

Subnet: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Labels: TypeAlias = Mapping[str, str]

_EVERY: Final = {"0.0.0.0": 4, "::": 6}  # noqa: S104 - what others bind, not what is bound here


@dataclass(frozen=True, slots=True)
class TakenNetwork:
    """A network's name, labels and the subnets that it has on this host."""

    name: str
    labels: Labels
    subnets: tuple[Subnet, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Occupied:
    """What is there already, whoever has it: ports by (address, port, protocol), containers and volumes by name.

    ``addresses`` has, for networks by name, the containers that have an address there.
    """

    ports: Mapping[tuple[str, int, str], PortHolder] = field(default_factory=dict)
    containers: Mapping[str, Labels] = field(default_factory=dict)
    volumes: Mapping[str, Labels] = field(default_factory=dict)
    networks: tuple[TakenNetwork, ...] = ()
    addresses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def holders(self, port: int, host_ip: str, protocol: str) -> Iterator[PortHolder]:
        """Yield the containers that have ``port`` of ``host_ip``; empty means all addresses."""
        for (address, number, kind), holder in self.ports.items():
            if (number, kind) == (port, protocol) and addresses_meet(address, host_ip):
                yield holder


def addresses_meet(one: str, other: str) -> bool:
    """Return whether the same port cannot be bound on both addresses; an empty one means all of both families."""
    if not one or not other or one == other:
        return True
    for every, single in ((one, other), (other, one)):
        if every in _EVERY and _EVERY[every] == (6 if ":" in single else 4):
            return True
    return False


def owner(labels: Labels) -> str:
    """Return in words whose something with ``labels`` is; empty where they do not say."""
    environment, project = labels.get(f"{LABEL_PREFIX}environment"), labels.get(f"{LABEL_PREFIX}project")
    if environment and project:
        return f"environment {environment} of {project}"
    compose = labels.get(f"{COMPOSE}project")
    return f"Compose project {compose}" if compose else ""


def subnets_of(texts: Iterable[str | None]) -> tuple[Subnet, ...]:
    """Return those of ``texts`` that are subnets; what is none is for the engine to refuse."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text or "", strict=False))
        except ValueError:
            continue
    return tuple(found)


def overlap(one: Subnet, other: Subnet) -> bool:
    """Return whether two subnets share addresses."""
    return one.version == other.version and one.overlaps(other)
