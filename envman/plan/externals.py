"""What a plan needs and does not make: external networks and volumes, other containers, addresses on networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

from envman.checks.addresses import FixedAddress, fixed_addresses
from envman.diagnostics import Diagnostic, Span
from envman.model.environment import Environment
from envman.model.references import references
from envman.model.stack import Resource
from envman.model.types import truth
from envman.plan.defined import engine_name
from envman.plan.observed import Observed
from envman.plan.occupied import Occupied
from envman.render.document import Document
from envman.source.tree import Path

_CONTAINER: Final = "container:"
_NAMESPACES: Final = ("network_mode", "ipc", "pid")


class External(NamedTuple):
    """Something that has to be there: network, volume or container, the engine's name of it, and who needs it.

    ``key`` is its name in the blueprint, empty for a container.
    """

    kind: str
    name: str
    service: str
    span: Span
    key: str = ""


def externals(environment: Environment, document: Document, services: Iterable[str]) -> list[External]:
    """Return the external networks and volumes and the other containers that ``services`` use."""
    found: dict[tuple[str, str], External] = {}
    for name in services:
        service = environment.stack.services[name]
        for one in references(name, service):
            if one.kind not in {"network", "volume"}:
                continue
            entry: Resource | None = getattr(environment.stack, f"{one.kind}s").get(one.name)
            # A node of a swarm knows an overlay network only while it uses it.
            if entry is not None and entry.is_external and entry.driver != "overlay":
                real = engine_name(document, f"{one.kind}s", one.name)
                span = environment.key_span(f"{one.kind}s", one.name)
                found.setdefault((one.kind, real), External(one.kind, real, name, span, one.name))
        joined: list[tuple[Any, Path]] = [(getattr(service, attribute), (attribute,)) for attribute in _NAMESPACES]
        joined += [(text, ("volumes_from", index)) for index, text in enumerate(service.volumes_from or ())]
        for text, path in joined:
            if isinstance(text, str) and text.startswith(_CONTAINER):
                other = text.split(":")[1]
                span = environment.span("services", name, *path)
                found.setdefault(("container", other), External("container", other, name, span))
    return list(found.values())


def absent(wanted: Iterable[External], occupied: Occupied) -> Iterator[Diagnostic]:
    """EV525: those of ``wanted`` that the engine has not."""
    networks = {text for one in occupied.networks for text in (one.name, one.id)}
    present = {"network": networks, "volume": set(occupied.volumes), "container": set(occupied.containers)}
    for one in wanted:
        if one.name in present[one.kind]:
            continue
        what = one.kind if one.kind == "container" else f"external {one.kind}"
        advice = (
            "correct the name, or start the container first"
            if one.kind == "container"
            else f"`--create-external` makes it, or `docker {one.kind} create {one.name}`; without `external: true` "
            "envman does, for this environment alone"
        )
        yield Diagnostic(
            "EV525", f"{what} {one.name} of {one.service} is not on the engine", one.span, f"a {one.kind} of that name",
            help=advice,
        )  # fmt: skip


def placed_addresses(
    environment: Environment, document: Document, services: Iterable[str]
) -> list[tuple[str, FixedAddress]]:
    """Return the addresses that ``services`` fix, each with the engine's name of its network."""
    return [
        (engine_name(document, "networks", one.network), one)
        for one in fixed_addresses(environment.only(set(services)))
    ]


def taken_addresses(
    observed: Observed, placed: Iterable[tuple[str, FixedAddress]], occupied: Occupied
) -> Iterator[Diagnostic]:
    """EV527: addresses that a container of somebody else has."""
    own = {one.name for one in observed.containers}
    for network, one in placed:
        held = {ip_address(text): name for text, name in occupied.addresses.get(network, {}).items()}
        holder = held.get(one.value) if one.value is not None else None
        if holder is None or holder in own:
            continue
        yield Diagnostic(
            "EV527",
            f"address {one.text} on network {network} for {one.service} is taken by container {holder}",
            one.span,
            "an address that nobody has there",
            help="choose another address, stop what has it, or leave the address out",
        )


def external_grants(environment: Environment) -> Iterator[Diagnostic]:
    """EV526: external secrets and configs, which Compose refuses to hand to a container (`pkg/compose/secrets.go`)."""
    for name, service in environment.stack.services.items():
        for kind, grants, entries in (
            ("secret", service.secrets, environment.stack.secrets),
            ("config", service.configs, environment.stack.configs),
        ):
            for index, grant in enumerate(grants or ()):
                entry = entries.get(grant.source)
                if entry is not None and entry.external is not None and truth(entry.external):
                    yield Diagnostic(
                        "EV526",
                        f"{kind} {grant.source} of {name} is external, which Compose cannot hand to a container",
                        environment.span("services", name, f"{kind}s", index, "source"),
                        f"a {kind} with a source of its own",
                        help="external ones are Swarm's: write `file:` or `environment:`"
                        + (", or `source: generate`" if kind == "secret" else ", or `content:`"),
                    )
