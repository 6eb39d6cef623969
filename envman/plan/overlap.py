"""Whether two stacks can run side by side for a while, and if not, which services keep them from it, and why."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from envman.model.types import size_in_bytes, truth
from envman.plan.defined import engine_name
from envman.plan.dependencies import with_dependents
from envman.plan.observed import ContainerState
from envman.render.document import Document
from envman.render.gpu import gpu_requests

_EVERY_ADDRESS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - what the engine assumes, not what is bound here
_GPU: Final = "gpu"
# A socket is no data that two could spoil.
_SOCKETS: Final = frozenset({"/var/run/docker.sock", "/run/docker.sock"})


class Clash(NamedTuple):
    """What ``service`` of the target cannot have while container ``holder`` of the source (all of it if none) runs."""

    service: str
    reason: str
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How two stacks go together.

    ``held`` are the services of the target that can be started only once the source has stopped: those that clash,
    and all that depend on them. Where none is held the two overlap entirely, where some are the others still start
    beside the source.
    """

    clashes: tuple[Clash, ...]
    held: frozenset[str]

    @property
    def reasons(self) -> list[str]:
        """Why services are held, each reason once."""
        return list(dict.fromkeys(one.reason for one in self.clashes))

    @property
    def holders(self) -> frozenset[str] | None:
        """The containers of the source that have to stop before what is held can start; None for all of them."""
        holders = frozenset(one.holder for one in self.clashes)
        return None if "" in holders else holders


def overlap(
    document: Document,
    services: Iterable[str],
    source: Iterable[ContainerState],
    *,
    directory: str,
    free_memory: int | None,
) -> Overlap:
    """Return how ``services`` of the target go together with the containers of ``source`` that run now.

    ``source`` is known with details: what counts is what runs, not what its blueprint says by now. Two stacks do not
    run side by side with one host port, one writable volume or bind (two databases on one volume destroy it), one
    network (the names of their services would mean both), the host's network, a GPU or a device. Relative binds lie in
    ``directory``. ``free_memory`` is what the engine's machine has available, in bytes; None where that is not known,
    and then it is no reason.
    """
    wanted = list(services)
    held_by_source = [(claim, one.id) for one in source for claim in _observed_claims(one)]
    clashes = [
        Clash(name, theirs.reason, holder)
        for name in wanted
        for ours in _defined_claims(document, name, directory)
        for theirs, holder in held_by_source
        if ours.kind == theirs.kind and _clash(ours, theirs)
    ]
    clashes += _too_much_memory(document, wanted, free_memory)
    clashes = list(dict.fromkeys(clashes))
    return Overlap(
        tuple(clashes),
        with_dependents({name: document.services[name] for name in wanted}, [one.service for one in clashes]),
    )


class _Claim(NamedTuple):
    kind: str
    what: tuple[str, ...]
    reason: str = ""
    writes: bool = True


def _clash(ours: _Claim, theirs: _Claim) -> bool:
    if ours.kind == "port":
        (our_ip, *ours_rest), (their_ip, *theirs_rest) = ours.what, theirs.what
        return ours_rest == theirs_rest and (
            our_ip == their_ip or our_ip in _EVERY_ADDRESS or their_ip in _EVERY_ADDRESS
        )
    if not (ours.writes or theirs.writes):
        return False
    if ours.kind == "bind":
        if ours.what[0] in _SOCKETS:
            return False
        return _within(ours.what[0], theirs.what[0]) or _within(theirs.what[0], ours.what[0])
    return ours.what == theirs.what


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")


def _observed_claims(one: ContainerState) -> Iterator[_Claim]:
    host: Mapping[str, Any] = one.inspected.get("HostConfig") or {}
    for port in one.ports:
        if port.host_port:
            yield _port(port.host_ip, port.host_port, port.protocol, one.name)
    for mount in one.inspected.get("Mounts") or ():
        writes = bool(mount.get("RW"))
        if mount.get("Type") == "volume":
            yield _Claim("volume", (str(mount["Name"]),), f"{one.name} uses volume {mount['Name']} too", writes)
        elif mount.get("Type") == "bind":
            yield _Claim("bind", (str(mount["Source"]),), f"{one.name} mounts {mount['Source']} too", writes)
    for name in one.networks:
        yield _Claim("network", (name,), f"{one.name} is attached to network {name} too")
    if host.get("NetworkMode") == "host":
        yield _Claim("network", ("host",), f"{one.name} uses the host's network too")
    for device in host.get("Devices") or ():
        path = str(device["PathOnHost"])
        yield _Claim("device", (path,), f"{one.name} uses {path} too")
    if host.get("DeviceRequests"):
        yield _Claim(_GPU, (), f"{one.name} uses a GPU too")


def _port(address: str, number: object, protocol: str, holder: str = "") -> _Claim:
    return _Claim("port", (address, str(number), protocol), f"{holder} publishes host port {number}/{protocol} too")


def _defined_claims(document: Document, name: str, directory: str) -> Iterator[_Claim]:
    service = document.services[name]
    for port in service.get("ports") or ():
        if str(port.get("published") or "").isdigit():
            yield _port(str(port.get("host_ip") or ""), port["published"], str(port.get("protocol") or "tcp"))
    for mount in service.get("volumes") or ():
        source = str(mount.get("source") or "")
        writes = not (mount.get("read_only") is not None and truth(mount["read_only"]))
        if mount.get("type") == "volume" and source:
            yield _Claim("volume", (engine_name(document, "volumes", source),), writes=writes)
        elif mount.get("type") == "bind" and source:
            path = posixpath.normpath(posixpath.join(directory, posixpath.expanduser(source)))
            yield _Claim("bind", (path,), writes=writes)
    mode = service.get("network_mode")
    if mode == "host":
        yield _Claim("network", ("host",))
    elif not mode:
        for key in service.get("networks") or ("default",):
            yield _Claim("network", (engine_name(document, "networks", key),))
    for device in service.get("devices") or ():
        yield _Claim("device", (str(device["source"]),))
    reserved = ((service.get("deploy") or {}).get("resources") or {}).get("reservations") or {}
    if reserved.get("devices") or any(gpu_requests(service)):
        yield _Claim(_GPU, ())


def declared_memory(document: Document, services: Iterable[str]) -> int:
    """Return the bytes that ``services`` say they need: what they reserve, else their limits; 0 of who says nothing."""
    total = 0
    for name in services:
        service = document.services[name]
        deploy = service.get("deploy") or {}
        resources = deploy.get("resources") or {}
        amount = (
            (resources.get("reservations") or {}).get("memory")
            or service.get("mem_reservation")
            or (resources.get("limits") or {}).get("memory")
            or service.get("mem_limit")
        )
        replicas = deploy.get("replicas", service.get("scale", 1))
        total += int(size_in_bytes(str(amount))) * int(replicas) if amount else 0
    return total


def _too_much_memory(document: Document, services: list[str], free: int | None) -> Iterator[Clash]:
    needed = declared_memory(document, services)
    if free is None or needed <= free:
        return
    for name in services:
        yield Clash(name, f"{_mebibytes(needed)} of memory are needed, {_mebibytes(free)} are free")


def _mebibytes(count: int) -> str:
    return f"{count // 1024**2} MiB"


def started_by_compose(document: Document) -> bool:
    """Return whether Compose itself must start (and stop) the stack.

    It runs the hooks, reaches providers and models, and writes those secrets and configs into a container that have no
    file, only when it starts it.
    """
    if document.variables or document.data.get("jobs"):
        return True
    loose = {
        (kind, key)
        for kind in ("secrets", "configs")
        for key, entry in document.data.get(kind, {}).items()
        if not (entry or {}).get("file") and not (entry or {}).get("external")
    }
    return any(
        any(service.get(attribute) for attribute in ("post_start", "pre_stop", "pre_start", "provider", "models"))
        or any((kind, grant["source"]) in loose for kind in ("secrets", "configs") for grant in service.get(kind) or ())
        for service in document.services.values()
    )
