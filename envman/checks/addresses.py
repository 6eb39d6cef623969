"""Addresses that a service fixes on a network."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, TypeAlias

from envman.diagnostics import Diagnostic, Note, Span
from envman.model.environment import Environment
from envman.model.stack import Network

Address: TypeAlias = IPv4Address | IPv6Address
Subnet: TypeAlias = IPv4Network | IPv6Network


class FixedAddress(NamedTuple):
    """An address as it is written, which service has it on which network, and where that stands."""

    service: str
    network: str
    text: str
    span: Span

    @property
    def value(self) -> Address | None:
        """The address, or None where it is none."""
        return _address(self.text)


def fixed_addresses(environment: Environment) -> Iterator[FixedAddress]:
    """Yield the addresses that services of ``environment`` fix."""
    for name, service in environment.stack.services.items():
        for network, attachment in (service.networks or {}).items():
            for attribute in ("ipv4_address", "ipv6_address"):
                text = getattr(attachment, attribute, None)
                if text:
                    span = environment.span("services", name, "networks", network, attribute)
                    yield FixedAddress(name, network, text, span)


def unusable_addresses(environment: Environment) -> Iterator[Diagnostic]:
    """EV321: a fixed address that the engine would refuse, whatever else is on it.

    Source: moby, `libnetwork/ipam` and `daemon/container_operations.go`.
    """
    first: dict[tuple[str, Address], FixedAddress] = {}
    for one in fixed_addresses(environment):
        value = one.value
        network = environment.stack.networks.get(one.network)
        if value is None:
            yield _unusable(one, f"{one.text} is no address", "an IPv4 or IPv6 address")
            continue
        if environment.stack.services[one.service].replicas > 1:
            yield _unusable(one, f"{one.service} runs more than one container with address {one.text}", "one replica")
        other = first.setdefault((one.network, value), one)
        if other is not one:
            message = f"{one.service} and {other.service} both have address {one.text} on network {one.network}"
            yield _unusable(one, message, "an address of its own", Note(f"{other.service} has it here", other.span))
        if network is None or not network.is_external:
            yield from _outside(one, value, network)


def _outside(one: FixedAddress, value: Address, network: Network | None) -> Iterator[Diagnostic]:
    ipam = network.ipam if network is not None else None
    if ipam is not None and (ipam.driver or "default") != "default":
        return
    pools = [(pool, _subnet(pool.subnet)) for pool in (ipam.config if ipam is not None else None) or () if pool.subnet]
    if any(subnet is None for _, subnet in pools):
        return
    fitting = [(pool, subnet) for pool, subnet in pools if subnet is not None and value in subnet]
    if not fitting:
        listed = ", ".join(str(subnet) for _, subnet in pools)
        expected = f"an address in {listed}" if listed else "`ipam.config` with a `subnet` for the network"
        yield _unusable(one, f"{one.text} is in no subnet of network {one.network}", expected)
    for pool, subnet in fitting:
        reserved: set[Address | None] = {_address(pool.gateway or "")}
        if isinstance(subnet, IPv4Network) and subnet.prefixlen < 31:
            reserved |= {subnet.network_address, subnet.broadcast_address}
            # The engine gives a bridge that says nothing else the first one.
            plain = network is None or (network.driver in {None, "bridge"} and not network.driver_opts)
            if plain and not (pool.gateway or pool.ip_range or (network is not None and network.internal)):
                reserved.add(subnet.network_address + 1)
        reserved |= {_address(text) for text in (pool.aux_addresses or {}).values()}
        if value in reserved:
            yield _unusable(one, f"{one.text} is reserved on network {one.network}", f"another address in {subnet}")


def _unusable(one: FixedAddress, message: str, expected: str, *notes: Note) -> Diagnostic:
    return Diagnostic(
        "EV321", message, one.span, expected, notes, "services reach each other by name: most need no fixed address"
    )


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _subnet(text: str | None) -> Subnet | None:
    try:
        return ip_network(text or "", strict=False)
    except ValueError:
        return None
