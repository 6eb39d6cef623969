"""Host ports that two containers would fight over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from envman.diagnostics import Diagnostic, Note, Span
from envman.model.environment import Environment
from envman.model.service import Port

_EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - what Compose assumes, not what is bound here
# Keys among addresses: a claim on all of them, and the first claim whatever its address.
_EVERY: Final = "*"
_ANY: Final = "?"


class Claim(NamedTuple):
    """A service's claim on a host port."""

    environment: str
    service: str
    host_ip: str
    port: int
    protocol: str
    span: Span


class Claims:
    """Claims so far, found by port: some stacks publish whole ranges, and each with each would take for ever."""

    def __init__(self) -> None:
        self._by_port: dict[tuple[int, str], dict[str, dict[str, tuple[int, Claim]]]] = {}
        self._count = 0

    def add(self, claim: Claim) -> None:
        """Remember ``claim``."""
        self._count += 1
        addresses = self._by_port.setdefault((claim.port, claim.protocol), {}).setdefault(claim.environment, {})
        numbered = (self._count, claim)
        addresses.setdefault(_ANY, numbered)
        addresses.setdefault(_EVERY if claim.host_ip in _EVERY_ADDRESS else claim.host_ip, numbered)

    def clash(self, claim: Claim, *, others: bool) -> Claim | None:
        """Return the first claim that cannot be bound beside ``claim``; with ``others``, of other environments."""
        address = _ANY if claim.host_ip in _EVERY_ADDRESS else claim.host_ip
        found = [
            addresses[each]
            for environment, addresses in self._by_port.get((claim.port, claim.protocol), {}).items()
            if not others or environment != claim.environment
            for each in (address, _EVERY)
            if each in addresses
        ]
        return min(found, key=lambda one: one[0])[1] if found else None


def fixed_claims(environment: Environment) -> Iterator[Claim]:
    """Yield the host ports that ``environment`` fixes."""
    for name, service in environment.stack.services.items():
        said: set[tuple[object, ...]] = set()
        for index, port in enumerate(service.ports or ()):
            number = _fixed(port)
            # One mapping may be said twice: the engine binds it once.
            mapping = (number, port.host_ip, str(port.target), port.protocol or "tcp")
            if number and mapping not in said:
                said.add(mapping)
                span = environment.span("services", name, "ports", index, "published")
                yield Claim(environment.name, name, port.host_ip or "", number, port.protocol or "tcp", span)


def _fixed(port: Port) -> int:
    text = str(port.published) if port.published is not None else ""
    return int(text) if text.isdigit() else 0


def host_port_clashes(environment: Environment) -> Iterator[Diagnostic]:
    """EV302: one host port claimed twice in one environment."""
    claims = Claims()
    for claim in fixed_claims(environment):
        first = claims.clash(claim, others=False)
        if first is not None:
            yield Diagnostic(
                "EV302",
                f"{claim.service} and {first.service} both publish host port {claim.port}/{claim.protocol}",
                claim.span,
                "a host port of its own",
                (Note(f"{first.service} publishes it here", first.span),),
                "write `published: auto` to let envman choose a free port",
            )
        claims.add(claim)


def replicas_with_ports(environment: Environment) -> Iterator[Diagnostic]:
    """EV303: several containers cannot publish one host port."""
    for name, service in environment.stack.services.items():
        if service.replicas < 2:
            continue
        for index, port in enumerate(service.ports or ()):
            if not (_fixed(port) or port.automatic):
                continue
            path = ("deploy", "replicas") if service.deploy and service.deploy.replicas is not None else ("scale",)
            yield Diagnostic(
                "EV303",
                f"{name} runs {service.replicas} replicas, which cannot share host port {port.published}",
                environment.span("services", name, "ports", index, "published"),
                "a service with one replica, or no published port",
                (Note("the replicas are set here", environment.span("services", name, *path)),),
                "publish the port of a gateway in front of it, or remove the port with `ports: !reset []`",
            )
