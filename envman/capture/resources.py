"""The networks and volumes of a stack, at the top level of its blueprint."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from envman.capture.process import labels
from envman.capture.surroundings import Surroundings
from envman.capture.values import only_given
from envman.plan.form import Plain

# Where the engine takes subnets from, if nobody says: moby's libnetwork/ipamutils.
_POOLS: Final = (
    ("172.17.0.0/16", 16), ("172.18.0.0/16", 16), ("172.19.0.0/16", 16), ("172.20.0.0/14", 16), ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16), ("192.168.0.0/16", 20),
)  # fmt: skip
_SWARM_POOL: Final = ("10.0.0.0/8",)
# What the engine writes into a network's options by itself.
_OF_ENGINE: Final = frozenset({"com.docker.network.driver.overlay.vxlanid_list"})


def volume_entries(around: Surroundings) -> dict[str, dict[str, Any] | None]:
    """Return the volumes in use by key: what they are made with, never what is in them."""
    found: dict[str, dict[str, Any] | None] = {}
    for name, key in around.volumes.items():
        one = around.running.volumes.get(name) or {}
        if around.running.name and one and not around.owns(one):
            found[key] = {"external": True, "name": name}
            continue
        driver = one.get("Driver")
        made = only_given(
            {
                "driver": None if driver == "local" else driver,
                "driver_opts": dict(one.get("Options") or {}),
                "labels": labels(one.get("Labels") or {}, {}),
            }
        )
        found[key] = made or None
    return found


def network_entries(around: Surroundings, fixed: set[str]) -> dict[str, dict[str, Any] | None]:
    """Return the networks in use by key; in those among ``fixed`` somebody has an address of his own."""
    found: dict[str, dict[str, Any] | None] = {}
    for called, key in around.networks.items():
        one = around.running.networks.get(called) or {}
        if _is_shared(one, around):
            found[key] = {"external": True, "name": called}
            continue
        driver = one.get("Driver")
        made = only_given(
            {
                "driver": None if driver in {"bridge", None} else driver,
                "driver_opts": {
                    option: str(value)
                    for option, value in (one.get("Options") or {}).items()
                    if option not in _OF_ENGINE
                },
                "internal": one.get("Internal") or None,
                "attachable": one.get("Attachable") or None,
                "enable_ipv6": one.get("EnableIPv6") or None,
                "ipam": _addresses(one, around.running.engine, key in fixed),
                "labels": labels(one.get("Labels") or {}, {}),
            }
        )
        if one.get("EnableIPv4") is False:
            made["enable_ipv4"] = False
        if driver == "overlay" and not one.get("Attachable"):
            made["attachable"] = True
            around.report.warning(
                "EV822",
                f"network {key} is for services of a Swarm alone; in the blueprint it is attachable",
                help="containers of Compose cannot be attached to it otherwise",
            )
        if one.get("ConfigOnly") or (one.get("ConfigFrom") or {}).get("Network"):
            around.report.warning(
                "EV822",
                f"network {key} takes its configuration from another one, which Compose cannot say",
                help="write what that one says into the blueprint, or make the network `external`",
            )
        found[key] = made or None
    if found.get("default", True) is None:
        del found["default"]
    return found


def _is_shared(one: Plain, around: Surroundings) -> bool:
    """Whether the network is not the stack's own: another project's, or nobody's and used by others, too."""
    if not one or around.owns(one):
        return False
    if around.running.name:
        return True
    others = set(one.get("Containers") or {}) - set(around.services)
    return bool({identity for identity in others if not identity.startswith("lb-")})


def _addresses(one: Plain, engine: Plain, fixed: bool) -> dict[str, Any] | None:
    """Return ``ipam`` where somebody chose it. A subnet that the engine could have chosen is taken for its choice."""
    ipam: Plain = one.get("IPAM") or {}
    driver = ipam.get("Driver")
    pools = []
    for pool in ipam.get("Config") or ():
        said = only_given(
            {
                "subnet": pool.get("Subnet"),
                "ip_range": pool.get("IPRange"),
                "gateway": pool.get("Gateway"),
                "aux_addresses": dict(pool.get("AuxiliaryAddresses") or pool.get("AuxAddress") or {}),
            }
        )
        if said and (fixed or not _could_be_chosen(said, one, engine)):
            pools.append(said)
    found = only_given(
        {
            "driver": None if driver in {"default", "", None} else driver,
            "config": pools,
            "options": dict(ipam.get("Options") or {}),
        }
    )
    return found or None


def _could_be_chosen(pool: dict[str, Any], network: Plain, engine: Plain) -> bool:
    if set(pool) - {"subnet", "gateway"}:
        return False
    subnet = ipaddress.ip_network(pool["subnet"], strict=False)
    if pool.get("gateway") not in {None, str(subnet.network_address + 1)}:
        return False
    if isinstance(subnet, ipaddress.IPv6Network):
        # The engine's own ones are unique local addresses of 64 bits.
        return subnet.prefixlen == 64 and subnet.subnet_of(ipaddress.IPv6Network("fd00::/8"))
    return any(
        isinstance(base := ipaddress.ip_network(text, strict=False), ipaddress.IPv4Network)
        and subnet.prefixlen == size
        and subnet.subnet_of(base)
        for text, size in _pools(network, engine)
    )


def _pools(network: Plain, engine: Plain) -> list[tuple[str, int]]:
    """Return from where the engine takes subnets, and how large they are."""
    if network.get("Scope") == "swarm":
        cluster: Plain = (engine.get("Swarm") or {}).get("Cluster") or {}
        return [(base, int(cluster.get("SubnetSize") or 24)) for base in cluster.get("DefaultAddrPool") or _SWARM_POOL]
    own = engine.get("DefaultAddressPools")
    return [(one["Base"], int(one["Size"])) for one in own] if own else list(_POOLS)
