"""Where published ports can be reached on this machine: one form for all commands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from envman.model.environment import Environment
    from envman.model.service import Port
    from envman.plan.observed import ContainerState
    from envman.render.document import Document

# Ports of protocols that no browser speaks: databases, queues, caches, mail, remote shells, gRPC.
_NOT_HTTP: Final = frozenset({
    21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 1521, 1883, 2181, 3306, 4317, 5432, 5672, 6379,
    6432, 7687, 8883, 9042, 9092, 11211, 26379, 27017, 33060, 50051,
})  # fmt: skip
_HTTPS: Final = frozenset({443, 8443})


class Url(NamedTuple):
    """Where a port of a service can be reached; ``name`` is the port's in the blueprint, if it has one."""

    service: str
    name: str | None
    target: int
    url: str

    @property
    def label(self) -> str:
        """The service and the port, for people."""
        return f"{self.service} {self.name or self.target}"


class Declared(NamedTuple):
    """A port as the blueprint has it: its number in the container, its protocol, its name and its scheme."""

    target: int
    protocol: str
    name: str | None
    scheme: str


def declared_ports(ports: Iterable[Port]) -> tuple[Declared, ...]:
    """Return ``ports`` of a service with the scheme of each: what the blueprint says, else by name and number."""
    return tuple(Declared(int(one.target), one.protocol or "tcp", one.name, _scheme_of(one)) for one in ports)


def published_urls(
    environment: Environment,
    document: Document,
    profiles: Iterable[str] = (),
    containers: Sequence[ContainerState] = (),
) -> tuple[Url, ...]:
    """Return the URLs of all published ports, each once; ``profiles`` are active as well.

    The host port is the one in ``document``. Where the engine chooses it, freely or from a range, it is that of the
    running ``containers``.
    """
    urls: dict[Url, None] = {}
    active = {*environment.stack.profiles, *profiles}
    for name, service in environment.stack.services.items():
        if service.profiles and "*" not in active and not set(service.profiles) & active:
            continue
        for port, rendered in zip(service.ports or (), document.services[name].get("ports", ()), strict=True):
            published = str(rendered.get("published") or "")
            if published.isdecimal():
                location = _location(port.host_ip or "", published)
                urls[Url(name, port.name, int(port.target), f"{_scheme_of(port)}://{location}")] = None
            else:
                own = [one for one in containers if one.service == name and not one.oneoff]
                found = running_urls(own, {name: declared_ports([port])})
                urls.update((one, None) for one in found if one.target == int(port.target))
    return tuple(urls)


def chooses_ports(document: Document) -> bool:
    """Return whether the engine chooses a host port of a service."""
    ports = (port for service in document.services.values() for port in service.get("ports", ()))
    return any(not str(port.get("published") or "").isdecimal() for port in ports)


def running_urls(
    containers: Iterable[ContainerState], declared: Mapping[str, Sequence[Declared]] | None = None
) -> Iterator[Url]:
    """Yield where the published ports of ``containers`` can be reached, each once; ``declared`` ones by service."""
    for one in containers:
        known = {(port.target, port.protocol): port for port in (declared or {}).get(one.service, ())}
        urls: dict[Url, None] = {}
        for port in one.ports:
            if port.host_port:
                said = known.get((port.container_port, port.protocol))
                scheme = said.scheme if said is not None else _scheme(port.container_port, port.protocol)
                url = f"{scheme}://{_location(port.host_ip, str(port.host_port))}"
                urls[Url(one.service, said.name if said is not None else None, port.container_port, url)] = None
        yield from urls


def _location(address: str, port: str) -> str:
    host = address if address not in {"", "0.0.0.0", "::"} else "localhost"  # noqa: S104
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _scheme_of(port: Port) -> str:
    if port.app_protocol in {"http", "https"}:
        return port.app_protocol
    if port.name in {"https", "tls"}:
        return "https"
    if port.name == "http":
        return "http"
    return "tcp" if port.app_protocol and port.protocol != "udp" else _scheme(int(port.target), port.protocol or "tcp")


def _scheme(target: int, protocol: str) -> str:
    if protocol != "tcp":
        return protocol
    return "tcp" if target in _NOT_HTTP else "https" if target in _HTTPS else "http"
