"""The copy while it is made: production's data, in which rules put one thing in the place of another and say so."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envman.model.environment import Environment
from envman.model.reproduction import Reproduction

# Ports are published on such a network, and no answer from elsewhere comes back to it.
NO_WAY_OUT: Final = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
CUT_OFF: Final = "cut off"
# The rules: why each of them puts one thing in the place of another.
RULES: Final[dict[str, str]] = {
    "addresses": "another network of this engine has the subnet",
    "binds": "production's files are on its host, and must not be written from here",
    "certificates": "production's keys stay where they are",
    "configs": "its content is kept by production's swarm",
    "devices": "this machine has no such device",
    "dns": "production's name servers are not here to be asked",
    "endpoints": "a copy talks to no host of production's",
    "fit": "this machine is smaller than production's, and --fit was asked for",
    "gpus": "this engine offers no GPU",
    "host": "a container in the host's networks reaches everything that the host reaches",
    "labels": "programs of this engine act on them: a proxy would send production's requests to the copy",
    "logging": "what a copy says does not belong among production's logs",
    "names": "a fixed name can be had once, and production has it",
    "networks": "production's network is not here, and the copy must not join it",
    "outgoing": "a copy sends nobody mail, takes nobody's money and writes to no partner",
    "ports": "only this machine may reach a copy",
    "processors": "this machine has fewer processors, and its engine refuses more",
    "secrets": "production's values stay where they are",
    "volumes": "production's data is not here, and must not be touched",
}


@dataclass(frozen=True, slots=True)
class Substitution:
    """One thing in the place of another.

    ``subject`` is ``service api``, ``network back``, ``volume data`` or ``secret token``; ``attribute`` is in the words
    in which definitions and containers are compared (``plan.form``) and stands for everything below it too. ``was`` and
    ``now`` are for people and hold no secret.
    """

    rule: str
    subject: str
    attribute: str
    was: str
    now: str

    @property
    def why(self) -> str:
        """The rule's reason."""
        return RULES[self.rule]

    def covers(self, subject: str, attribute: str) -> bool:
        """Whether it is about ``attribute`` of ``subject``."""
        return self.subject == subject and (
            not self.attribute or attribute == self.attribute or attribute.startswith(f"{self.attribute}.")
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """What the rules need to know of the machine and the project's folder.

    ``memory`` in bytes; ``subnets`` those of other networks on the engine; ``missing_devices`` the paths of those that
    are not there; ``env_files`` the variables in each, by path as written.
    """

    cpus: int
    memory: int
    gpu: bool
    subnets: tuple[str, ...] = ()
    missing_devices: frozenset[str] = frozenset()
    env_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a secret that is generated: the same wherever ``key`` is the same."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Images:
    """The locked images: ``built`` by service, ``named`` by the name that is written."""

    built: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Draft:
    """The copy of ``environment``; ``data`` is changed in place.

    ``entry`` and ``outside`` are keys for networks that production does not have: one for published ports, one that
    leads outside. ``recipes`` the parts of secrets whose values are not just generated,
    ``certificates`` the secrets that get a certificate, with the secret of its key and the names that it is for.
    """

    environment: Environment
    machine: Machine
    images: Images
    fit: bool = False
    data: dict[str, Any] = field(init=False)
    settings: Reproduction = field(init=False)
    entry: str = field(init=False)
    outside: str = field(init=False)
    substitutions: list[Substitution] = field(default_factory=list)
    recipes: dict[str, tuple[str | Token, ...]] = field(default_factory=dict)
    certificates: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = copy.deepcopy(self.environment.data)
        self.settings = self.environment.stack.reproduce or Reproduction()
        self.entry, self.outside = (self.free("networks", name) for name in ("entry", "outside"))

    def say(self, rule: str, subject: str, attribute: str, was: object, now: object) -> None:
        """Record a substitution, once."""
        one = Substitution(rule, subject, attribute, _words(was), _words(now))
        if one not in self.substitutions:
            self.substitutions.append(one)

    def services(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the services by name."""
        yield from self.section("services").items()

    def section(self, kind: str) -> dict[str, Any]:
        """Return a section of the data, without extensions; what is put there stays."""
        section: dict[str, Any] = self.data.setdefault(kind, {})
        return section

    def free(self, kind: str, wanted: str) -> str:
        """Return a key that section ``kind`` does not have yet."""
        taken = self.section(kind)
        names = [wanted, *(f"{wanted}_{number}" for number in range(2, 1000))]
        return next(name for name in names if name not in taken)

    def attached(self, service: Mapping[str, Any]) -> list[str]:
        """Return the networks that a service is on, by key."""
        if service.get("network_mode"):
            return []
        return list(service.get("networks") or ("default",))

    def attach(self, service: dict[str, Any], network: str, **attachment: Any) -> dict[str, Any]:
        """Put ``service`` on ``network`` too, and return how it is attached."""
        networks = service.get("networks")
        if not networks:
            networks = service["networks"] = {"default": None}
        networks[network] = {**(networks.get(network) or {}), **attachment}
        made: dict[str, Any] = networks[network]
        return made


def _words(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}={_words(one)}" for key, one in value.items()) or "none"
    return re.sub(r"\s+", " ", str(value))
