"""How a container reaches others and is reached: networks, ports, links, namespaces that it shares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from envman.capture.surroundings import Surroundings
from envman.capture.values import only_given
from envman.plan.form import COMPOSE, Plain

_INTERFACE: Final = "com.docker.network.endpoint.ifname"
_BRIDGE: Final = frozenset({"bridge", "default", ""})
_NONE: Final = frozenset({"host", "none"})
# Compose takes the network with the highest priority, else the first by name, for the container's own.
_FIRST: Final = 1000


def attachment_attributes(container: Plain, service: str, image: Plain, around: Surroundings) -> dict[str, Any]:
    """Return ``network_mode`` or ``networks``, ``ports``, links, and the namespaces of other containers."""
    host: Plain = container.get("HostConfig") or {}
    mode = str(host.get("NetworkMode") or "")
    found: dict[str, Any] = {"ports": ports(container, image)}
    for attribute, key in (("ipc", "IpcMode"), ("pid", "PidMode")):
        value = str(host.get(key) or "")
        if value.startswith("container:"):
            found[attribute] = shared(value, service, around)
    if mode.startswith("container:"):
        found["network_mode"] = shared(mode, service, around)
    elif mode in _NONE:
        found["network_mode"] = mode
    else:
        attached: Plain = (container.get("NetworkSettings") or {}).get("Networks") or {}
        own = {name: one or {} for name, one in attached.items() if name not in _NONE}
        if mode in _BRIDGE or mode == "bridge":
            found["network_mode"] = "bridge"
            found |= links([*_bridge_links(host)], service, around)
            for name in sorted(set(own) - {"bridge"}):
                around.unsaid(
                    service, f"is on the network {name} beside the engine's default one", "Compose cannot say both"
                )
        else:
            found["networks"] = _networks(container, own, mode, service, around)
            pairs = [pair for one in own.values() for pair in _split(one.get("Links") or ())]
            found |= links(pairs, service, around)
    return only_given(found)


def shared(mode: str, service: str, around: Surroundings) -> str:
    """Return ``container:ID`` as ``service:NAME`` where that container is captured, too."""
    identity = mode.removeprefix("container:")
    if identity in around.services:
        return f"service:{around.services[identity]}"
    around.missing(service, f"shares a namespace of the container {identity[:12]}, which is not captured")
    return mode


def ports(container: Plain, image: Plain) -> list[dict[str, Any]]:
    """Return the published ports as they were asked for: a port that the engine chose has no ``published``."""
    host: Plain = container.get("HostConfig") or {}
    found: list[dict[str, Any]] = []
    bindings = dict(host.get("PortBindings") or {})
    if host.get("PublishAllPorts"):
        exposed = {*((container.get("Config") or {}).get("ExposedPorts") or {}), *(image.get("ExposedPorts") or {})}
        bindings = {**{port: [{}] for port in sorted(exposed)}, **bindings}
    for inside, bound in bindings.items():
        number, _, protocol = inside.partition("/")
        asked: list[Plain] = list(bound or ({},))
        found += [
            only_given(
                {
                    "target": int(number),
                    "published": one.get("HostPort"),
                    "host_ip": one.get("HostIp"),
                    "protocol": protocol or "tcp",
                }
            )
            for one in asked
        ]
    return found


def _networks(
    container: Plain, attached: dict[str, Plain], mode: str, service: str, around: Surroundings
) -> dict[str, Any] | None:
    config: Plain = container.get("Config") or {}
    main = next((name for name, one in attached.items() if mode in {name, one.get("NetworkID")}), mode)
    if main not in attached and not attached:
        attached = {mode: {}}
    keys = {name: around.network(name) for name in attached}
    found: dict[str, Any] = {}
    for name, endpoint in sorted(attached.items(), key=lambda item: keys[item[0]]):
        address: Plain = endpoint.get("IPAMConfig") or {}
        options = dict(endpoint.get("DriverOpts") or {})
        interface = options.pop(_INTERFACE, None)
        one = only_given(
            {
                "aliases": _aliases(container, endpoint, service),
                "ipv4_address": address.get("IPv4Address"),
                "ipv6_address": address.get("IPv6Address"),
                "link_local_ips": list(address.get("LinkLocalIPs") or ()),
                # Of the container's own network the engine says which address was asked for; of others only which is.
                "mac_address": config.get("MacAddress") if name == main else None,
                "interface_name": interface,
                "driver_opts": options,
                "gw_priority": endpoint.get("GwPriority") or None,
            }
        )
        found[keys[name]] = one or None
    first = keys.get(main)
    if len(found) > 1 and first is not None and first != min(found):
        found[first] = {**(found[first] or {}), "priority": _FIRST}
    # What every service is on that says nothing.
    return None if found == {"default": None} else found


def _aliases(container: Plain, endpoint: Plain, service: str) -> list[str]:
    """Return the names that the container answers to beside the service's and those that the engine gives.

    The name of a container that Compose did not choose counts: others may call it by that.
    """
    config: Plain = container.get("Config") or {}
    labels = config.get("Labels") or {}
    name = str(container.get("Name", "")).lstrip("/")
    given = {*(endpoint.get("Aliases") or ())}
    engine = {str(container.get("Id", ""))[:12], config.get("Hostname"), service, ""}
    if f"{COMPOSE}service" in labels:
        project, number = labels.get(f"{COMPOSE}project"), labels.get(f"{COMPOSE}container-number")
        words = "[-_]".join(re.escape(str(one)) for one in (project, labels[f"{COMPOSE}service"], number))
        generated = re.compile(rf"(?:[0-9a-f]{{12}}_)?{words}")
        if generated.fullmatch(name):
            engine.add(name)
    else:
        given.add(name)
    # Its own name comes along with Aliases where it was chosen; a hostname the engine always adds.
    return sorted(given - {one for one in engine if one})


def _split(entries: Iterable[str]) -> Iterable[tuple[str, str]]:
    for one in entries:
        name, _, alias = str(one).partition(":")
        yield name, alias or name


def _bridge_links(host: Plain) -> Iterable[tuple[str, str]]:
    """``/db:/web/alias``, as the engine lists links on its default network."""
    for one in host.get("Links") or ():
        name, _, alias = str(one).partition(":")
        yield name.lstrip("/"), alias.rpartition("/")[2]


def links(pairs: Iterable[tuple[str, str]], service: str, around: Surroundings) -> dict[str, list[str]]:
    """Return ``links`` to services and ``external_links`` to other containers.

    Compose adds ``SERVICE-NUMBER`` and ``PROJECT-SERVICE-NUMBER`` to each link; these are left out.
    """
    inside: list[str] = []
    outside: list[str] = []
    for name, alias in pairs:
        key = around.services.get(name)
        if key is None:
            outside.append(f"{name}:{alias}")
            around.missing(service, f"is linked to {name}, which is not captured")
            continue
        generated = rf"(?:{re.escape(around.running.name)}[-_])?{re.escape(key)}[-_]\d+"
        if alias != name and not re.fullmatch(generated, alias):
            inside.append(key if alias == key else f"{key}:{alias}")
    return only_given({"links": list(dict.fromkeys(inside)), "external_links": list(dict.fromkeys(outside))})
