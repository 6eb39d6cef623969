"""What others hold on an engine, asked only as far as a plan is concerned, in as few calls as can be."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from envman.engine.connection import Engine
from envman.engine.observe import published_ports
from envman.engine.wire import Question
from envman.plan.observed import PortHolder
from envman.plan.occupied import Labels, Occupied, Subnet, TakenNetwork, subnets_of


def find_occupied(
    engine: Engine,
    *,
    ports: bool,
    containers: Collection[str],
    volumes: Collection[str],
    networks: bool,
    joined: Collection[str] = (),
    addressed: Collection[str] = (),
) -> Occupied:
    """Return who has published ports, the named ``containers`` and ``volumes``, and networks with their subnets.

    ``joined`` are names or IDs of containers that are to be there, ``addressed`` networks whose addresses matter.
    What others have beside that is not looked at, however much it is: four calls at most, and one for each volume, each
    of ``joined`` and of ``addressed``.
    """
    return Occupied(
        ports=published_ports(engine) if ports else {},
        containers={**(_containers(engine, containers) if containers else {}), **_joined(engine, joined)},
        volumes=_volumes(engine, volumes),
        networks=_networks(engine) if networks else (),
        addresses=_addresses(engine, addressed),
    )


def holders_now(engine: Engine, port: int, host_ip: str, protocol: str) -> list[PortHolder]:
    """Return the containers that publish ``port`` of ``host_ip`` (empty: of any address) at this moment."""
    return list(Occupied(published_ports(engine)).holders(port, host_ip, protocol))


def _containers(engine: Engine, names: Collection[str]) -> dict[str, Labels]:
    # The engine takes each for a regular expression.
    wanted = [f"^/{re.escape(name)}$" for name in sorted(names)]
    [found] = engine.ask(Question("/containers/json", {"all": 1, "filters": {"name": wanted}}))
    return {name.lstrip("/"): one.get("Labels") or {} for one in found or () for name in one.get("Names") or ()}


def _joined(engine: Engine, names: Collection[str]) -> dict[str, Labels]:
    wanted = sorted(names)
    found = engine.ask(*(Question(f"/containers/{name}/json") for name in wanted)) if wanted else []
    present = {name: one for name, one in zip(wanted, found, strict=True) if one is not None}
    return {name: (one.get("Config") or {}).get("Labels") or {} for name, one in present.items()}


def _addresses(engine: Engine, names: Collection[str]) -> dict[str, dict[str, str]]:
    wanted = sorted(names)
    found = engine.ask(*(Question(f"/networks/{name}") for name in wanted)) if wanted else []
    return {
        name: {
            one[family].partition("/")[0]: one["Name"]
            for one in ((network or {}).get("Containers") or {}).values()
            for family in ("IPv4Address", "IPv6Address")
            if one.get(family)
        }
        for name, network in zip(wanted, found, strict=True)
    }


def _volumes(engine: Engine, names: Collection[str]) -> dict[str, Labels]:
    wanted = sorted(names)
    found = engine.ask(*(Question(f"/volumes/{name}") for name in wanted)) if wanted else []
    return {name: one.get("Labels") or {} for name, one in zip(wanted, found, strict=True) if one is not None}


def _networks(engine: Engine) -> tuple[TakenNetwork, ...]:
    [found] = engine.ask(Question("/networks"))
    return tuple(TakenNetwork(one["Name"], one.get("Labels") or {}, _subnets(one), one["Id"]) for one in found or ())


def _subnets(network: dict[str, Any]) -> tuple[Subnet, ...]:
    ipam = network.get("IPAM") or {}
    # Networks of a swarm, and those with an address manager of their own, have addresses of their own.
    if network.get("Scope") != "local" or ipam.get("Driver") not in {"default", "", None}:
        return ()
    return subnets_of(pool.get("Subnet") for pool in ipam.get("Config") or ())
