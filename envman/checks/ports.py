"""Host ports that two containers would fight over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from envman.diagnostics import Diagnostic, Note, Span
from envman.model.environment import Environment
from envman.model.service import Port

_EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - what Compose assumes, not what is bound here


class Claim(NamedTuple):
    """A service's claim on a host port."""

    environment: str
    service: str
    host_ip: str
    port: int
    protocol: str
    span: Span

    def clashes(self, other: Claim) -> bool:
        """Return whether both cannot be bound on one machine."""
        if (self.port, self.protocol) != (other.port, other.protocol):
            return False
        return self.host_ip == other.host_ip or bool({self.host_ip, other.host_ip} & _EVERY_ADDRESS)


def fixed_claims(environment: Environment) -> Iterator[Claim]:
    """Yield the host ports that ``environment`` fixes."""
    for name, service in environment.stack.services.items():
        for index, port in enumerate(service.ports or ()):
            number = _fixed(port)
            if number:
                span = environment.span("services", name, "ports", index, "published")
                yield Claim(environment.name, name, port.host_ip or "", number, port.protocol or "tcp", span)


def _fixed(port: Port) -> int:
    text = str(port.published) if port.published is not None else ""
    return int(text) if text.isdigit() else 0


def host_port_clashes(environment: Environment) -> Iterator[Diagnostic]:
    """EV302: one host port claimed twice in one environment."""
    claims: list[Claim] = []
    for claim in fixed_claims(environment):
        first = next((one for one in claims if one.clashes(claim)), None)
        if first is not None:
            yield Diagnostic(
                "EV302",
                f"{claim.service} and {first.service} both publish host port {claim.port}/{claim.protocol}",
                claim.span,
                "a host port of its own",
                (Note(f"{first.service} publishes it here", first.span),),
                "write `published: auto` to let envman choose a free port",
            )
        claims.append(claim)


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
