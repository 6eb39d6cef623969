"""Rules on what is shared or fixed: names, ports, networks, volumes, binds, devices, logs."""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Callable
from typing import Any, Final

from envman.model.types import truth
from envman.render.gpu import without_gpu
from envman.reproduction.draft import Draft

_LOCAL_DRIVERS: Final = frozenset({"json-file", "local", "none", "journald"})
_HARMLESS_BINDS: Final = frozenset({"/etc/localtime", "/etc/timezone"})
# Labels by which proxies, updaters and schedulers find containers, whosever they are.
_STEERING: Final = ("traefik.", "caddy", "com.centurylinklabs.watchtower.", "wud.", "diun.", "ofelia.", "chadburn.",
                    "swarm.cronjob.", "docker-volume-backup.", "autoheal")  # fmt: skip
# A network of one machine, for what spans several or is a part of production's.
_BRIDGE: Final = "bridge"


def is_true(value: Any) -> bool:
    """Whether a boolean of a blueprint is set and true."""
    return value is not None and truth(value)


def names(draft: Draft) -> None:
    """Fixed names of containers, and containers that only production has."""
    for name, service in draft.services():
        fixed = service.pop("container_name", None)
        if fixed:
            draft.say("names", f"service {name}", "container_name", fixed, "a name of its own; the old one is an alias")
            for network in draft.attached(service):
                attachment = draft.attach(service, network)
                aliases = attachment.setdefault("aliases", [])
                if fixed not in aliases and fixed != name:
                    aliases.append(fixed)
                draft.say("names", f"service {name}", f"networks.{network}", "", f"the alias {fixed}")
        for key in ("external_links",):
            links = service.pop(key, None)
            if links:
                draft.say("names", f"service {name}", key, links, "none")
        for key in ("pid", "ipc"):
            if str(service.get(key, "")).startswith("container:"):
                draft.say("names", f"service {name}", key, service.pop(key), "its own")
        others = [one for one in service.get("volumes_from") or () if str(one).startswith("container:")]
        if others:
            service["volumes_from"] = [one for one in service["volumes_from"] if one not in others]
            draft.say("names", f"service {name}", "volumes_from", others, "none")


def host_networks(draft: Draft) -> None:
    """The host's networks, and those of containers that only production has."""
    for name, service in draft.services():
        mode = str(service.get("network_mode") or "")
        if mode == "host" and ("host" in draft.settings.keep or name in draft.settings.allow):
            continue
        if mode == "host" or mode.startswith("container:"):
            del service["network_mode"]
            rule = "host" if mode == "host" else "names"
            draft.say(rule, f"service {name}", "network_mode", mode, "a network of the copy")
            draft.say(rule, f"service {name}", "networks", "", "default")


def ports(draft: Draft) -> None:
    """Published ports: on loopback, and on a free host port."""
    for name, service in draft.services():
        for port in service.get("ports") or ():
            was = f"{port.get('host_ip') or '*'}:{port.get('published') or 'any'}->{port['target']}"
            port["host_ip"] = "127.0.0.1"
            port.pop("mode", None)
            if "-" in str(port.get("published")):
                # A range: one for each replica. The engine chooses those.
                del port["published"]
            elif port.get("published") is not None and draft.settings.ports == "auto":
                port["published"] = "auto"
            now = f"127.0.0.1:{'a free one' if port.get('published') == 'auto' else port.get('published') or 'any'}"
            draft.say("ports", f"service {name}", "ports", was, f"{now}->{port['target']}")


def networks(draft: Draft) -> None:
    """Networks that are production's own, or span machines."""
    section = draft.section("networks")
    for key, entry in list(section.items()):
        made = dict(entry or {})
        subject = f"network {key}"
        if is_true(made.pop("external", None)):
            draft.say("networks", subject, "external", made.pop("name", None) or key, "a network of the copy")
            made = {name: one for name, one in made.items() if name in {"labels", "internal"}}
        elif made.get("name"):
            draft.say("names", subject, "name", made.pop("name"), "a name of its own")
        made.pop("shared", None)
        driver = made.get("driver")
        if driver not in {None, _BRIDGE}:
            draft.say("networks", subject, "driver", driver, _BRIDGE)
            if made.pop("driver_opts", None):
                draft.say("networks", subject, "driver_opts", "those of the driver", "none")
            del made["driver"]
        _addresses(draft, key, made)
        section[key] = made


def _addresses(draft: Draft, key: str, made: dict[str, Any]) -> None:
    pools = [str(one["subnet"]) for one in (made.get("ipam") or {}).get("config") or () if one.get("subnet")]
    clash = [one for one in pools if any(_overlap(one, other) for other in draft.machine.subnets)]
    # A fixed address has no meaning without its subnet; production's may be gone with the external network.
    homeless = not pools
    if clash and "addresses" not in draft.settings.keep:
        draft.say("addresses", f"network {key}", "subnets", pools, "any that is free")
        del made["ipam"]
        homeless = True
    if not homeless:
        return
    for name, service in draft.services():
        attachment = (service.get("networks") or {}).get(key)
        for attribute in ("ipv4_address", "ipv6_address"):
            if attachment and attachment.get(attribute):
                was = attachment.pop(attribute)
                draft.say("addresses", f"service {name}", f"networks.{key}.{attribute}", was, "any that is free")


def _overlap(one: str, other: str) -> bool:
    try:
        first, second = ipaddress.ip_network(one, strict=False), ipaddress.ip_network(other, strict=False)
    except ValueError:
        return False
    return first.version == second.version and first.overlaps(second)


def volumes(draft: Draft) -> None:
    """Volumes that are production's own, or lie on another machine."""
    section = draft.section("volumes")
    for key, entry in list(section.items()):
        made = dict(entry or {})
        subject = f"volume {key}"
        if is_true(made.pop("external", None)):
            draft.say("volumes", subject, "external", made.get("name") or key, "a volume of the copy")
            made = {name: one for name, one in made.items() if name in {"labels", "retain"}}
        elif made.get("name"):
            draft.say("names", subject, "name", made.pop("name"), "a name of its own")
        made.pop("shared", None)
        options = made.get("driver_opts") or {}
        if made.get("driver") not in {None, "local"}:
            draft.say("volumes", subject, "driver", made.pop("driver"), "local")
            made.pop("driver_opts", None)
        elif options and options.get("type") != "tmpfs":
            # A share of another machine, or a folder of production's host.
            draft.say("volumes", subject, "driver_opts", options.get("type") or "a device", "none")
            made.pop("driver_opts", None)
        if made.get("retain") == "protected":
            made["retain"] = "keep"
        section[key] = made


def binds(draft: Draft) -> None:
    """Files and folders of production's host."""
    made: dict[str, str] = {}
    for name, service in draft.services():
        for mount in service.get("volumes") or ():
            if mount.get("type") == "bind":
                _bind(draft, name, mount, made)


def _bind(draft: Draft, name: str, mount: dict[str, Any], made: dict[str, str]) -> None:
    source = str(mount.get("source") or "")
    outside = source.startswith(("/", "~", ".."))
    read_only = is_true(mount.get("read_only"))
    wanted = draft.settings.binds.get(source)
    if wanted is None:
        if outside:
            wanted = "keep" if source in _HARMLESS_BINDS and read_only else "volume"
        else:
            wanted = "keep" if read_only else "read_only"
    target = posixpath.normpath(str(mount["target"]))
    if wanted == "keep":
        return
    if wanted == "read_only":
        if not read_only:
            mount["read_only"] = True
            draft.say("binds", f"service {name}", f"volumes.{target}", f"{source}, writable", f"{source}, read-only")
        return
    key = made.get(source)
    if key is None:
        stem = "".join(one if one.isalnum() else "_" for one in source).strip("_") or "host"
        key = made[source] = draft.free("volumes", stem)
        draft.section("volumes")[key] = {}
        draft.say("binds", f"volume {key}", "", source, "a volume of the copy, empty")
    mount.clear()
    mount.update({"type": "volume", "source": key, "target": target, **({"read_only": True} if read_only else {})})
    draft.say("binds", f"service {name}", f"volumes.{target}", source, f"volume {key}")


def devices(draft: Draft) -> None:
    """Devices and GPUs that this machine does not have."""
    for name, service in draft.services():
        if "devices" not in draft.settings.keep:
            _missing_devices(draft, name, service)
        if draft.machine.gpu:
            continue
        if service.get("gpu") in {"optional", "required"}:
            draft.say("gpus", f"service {name}", "gpus", service["gpu"], "none")
            service["gpu"] = "optional"
        without = without_gpu(service, nodes=False)
        if without != service:
            draft.say("gpus", f"service {name}", "gpus", "reserved", "none")
            service.clear()
            service.update(without)


def _missing_devices(draft: Draft, name: str, service: dict[str, Any]) -> None:
    missing = [one for one in service.get("devices") or () if one["source"] in draft.machine.missing_devices]
    if missing:
        service["devices"] = [one for one in service["devices"] if one not in missing]
        draft.say("devices", f"service {name}", "devices", [one["source"] for one in missing], "none")


def logging(draft: Draft) -> None:
    """Drivers that send a container's output to another machine."""
    if "logging" in draft.settings.keep:
        return
    for name, service in draft.services():
        driver = (service.get("logging") or {}).get("driver")
        if driver and driver not in _LOCAL_DRIVERS:
            service["logging"] = {"driver": "local"}
            draft.say("logging", f"service {name}", "logging", driver, "local")


def labels(draft: Draft) -> None:
    """Labels that other programs on the engine act on."""
    if "labels" in draft.settings.keep:
        return
    for name, service in draft.services():
        for holder in (service, service.get("deploy") or {}):
            steering = [one for one in holder.get("labels") or {} if one.startswith(_STEERING)]
            for label in steering:
                del holder["labels"][label]
                draft.say("labels", f"service {name}", f"labels.{label}", "set", "none")


def configs(draft: Draft) -> None:
    """Configs that only a swarm has."""
    for key, entry in draft.section("configs").items():
        if is_true((entry or {}).get("external")):
            draft.section("configs")[key] = {"content": ""}
            draft.say("configs", f"config {key}", "", entry.get("name") or key, "an empty one")


PLACES: Final[tuple[Callable[[Draft], None], ...]] = (
    names, host_networks, networks, volumes, binds, configs, devices, labels, logging, ports,
)  # fmt: skip
