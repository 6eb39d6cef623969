"""Two containers of one definition, compared by the engine's raw inspections.

Everything must agree but what is listed here, each with the reason. Nothing is left out by default: a field that a
newer engine adds is compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from stacks import docker

# What names one container or tells what became of it, by path. `*` is any key.
IDENTITY = {
    "Id": "names the container",
    "Created": "when it was made",
    "Name": "names the container",
    "State": "what became of it",
    "RestartCount": "what became of it",
    "ExecIDs": "what somebody runs in it now",
    "ResolvConfPath": "a path with its ID",
    "HostnamePath": "a path with its ID",
    "HostsPath": "a path with its ID",
    "LogPath": "a path with its ID",
    "GraphDriver": "the layer with its files",
    "Config.Image": "the same image by another name: Image is compared",
    "NetworkSettings.SandboxID": "given by the engine",
    "NetworkSettings.SandboxKey": "given by the engine",
    "NetworkSettings.Ports": "what the engine bound: HostConfig.PortBindings, which was asked for, is compared",
    "NetworkSettings.Networks.*.NetworkID": "given by the engine",
    "NetworkSettings.Networks.*.EndpointID": "given by the engine",
    "NetworkSettings.Networks.*.Gateway": "given by the engine, unless the network says it, and that is compared",
    "NetworkSettings.Networks.*.IPAddress": "given by the engine, unless IPAMConfig says it, and that is compared",
    "NetworkSettings.Networks.*.IPPrefixLen": "as the address",
    "NetworkSettings.Networks.*.IPv6Gateway": "as the gateway",
    "NetworkSettings.Networks.*.GlobalIPv6Address": "as the address",
    "NetworkSettings.Networks.*.GlobalIPv6PrefixLen": "as the address",
    "NetworkSettings.Networks.*.MacAddress": "given by the engine, unless Config.MacAddress says it",
    "NetworkSettings.Networks.*.DNSNames": "the aliases with the container's ID and name: Aliases is compared",
    # The same addresses, once more at the top for containers on the default network.
    "NetworkSettings.EndpointID": "given by the engine",
    "NetworkSettings.Gateway": "given by the engine",
    "NetworkSettings.IPAddress": "given by the engine",
    "NetworkSettings.IPPrefixLen": "given by the engine",
    "NetworkSettings.MacAddress": "given by the engine",
}
# Labels of the tools that made the containers: they name project, files and versions.
TOOLS = ("com.docker.compose.", "dev.envman.", "com.docker.swarm.", "com.docker.stack.")
_EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})
# Where an empty value means something: maps whose keys people choose, and the few fields that tell it from "not set".
_EXACT = re.compile(
    r"(?:HostConfig\.(?:Tmpfs|Sysctls|Annotations|PortBindings|LogConfig\.Config|MaskedPaths|ReadonlyPaths|Init)"
    r"|Config\.(?:Labels|ExposedPorts))\b"
)


def inspection(container: str, *options: str) -> dict[str, Any]:
    """Return the engine's description of ``container``; of a container that it shares with, the service or name."""
    found = _inspected(container, options)
    host = found["HostConfig"]
    for key in ("NetworkMode", "IpcMode", "PidMode"):
        host[key] = _shared(str(host[key]), options)
    host["VolumesFrom"] = [_shared(f"container:{one}", options) for one in host["VolumesFrom"] or ()]
    return found


def _inspected(container: str, options: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker(*options, "inspect", "--type", "container", container))[0]
    return found


def _shared(mode: str, options: tuple[str, ...]) -> str:
    if not mode.startswith("container:"):
        return mode
    identity, colon, rest = mode.removeprefix("container:").partition(":")
    other = _inspected(identity, options)
    service = (other["Config"]["Labels"] or {}).get("com.docker.compose.service", other["Name"].lstrip("/"))
    return f"container:{service}{colon}{rest}"


def differences(
    one: Mapping[str, Any], other: Mapping[str, Any], names: Mapping[str, str], allowed: Mapping[str, str] | None = None
) -> dict[str, tuple[Any, Any]]:
    """Return where two inspections differ, by path. ``names`` are the names in the first, by those in the second.

    ``allowed`` are further paths that may differ, with the reason.
    """
    left = _flat(_plain(one, {}), allowed or {})
    right = _flat(_plain(other, names), allowed or {})
    paths = sorted({*left, *right})
    return {path: (left.get(path), right.get(path)) for path in paths if left.get(path) != right.get(path)}


def _flat(value: Any, allowed: Mapping[str, str], path: str = "") -> dict[str, Any]:
    known = re.sub(r"^(NetworkSettings\.Networks)\.[^.]+", r"\1.*", path)
    if known in IDENTITY or known in allowed:
        return {}
    if isinstance(value, dict) and value:
        found: dict[str, Any] = {}
        for key, item in value.items():
            found |= _flat(item, allowed, f"{path}.{key}".lstrip("."))
        return found
    if _EXACT.match(path) and value is not None:
        return {path: value}
    # Elsewhere null, zero, empty and false are one to the engine: not set.
    return {} if value in _EMPTY else {path: value}


def _plain(container: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return an inspection in which things have the names of the first stack, and lists that are sets are sorted."""
    found: dict[str, Any] = json.loads(json.dumps(container))
    config, host = found["Config"], found["HostConfig"]
    config["Labels"] = {key: value for key, value in (config["Labels"] or {}).items() if not key.startswith(TOOLS)}
    if config["Hostname"] == found["Id"][:12] or str(host["NetworkMode"]).startswith("container:"):
        config["Hostname"] = ""  # the default: the ID, or that of whose network it shares
    for key in ("NetworkMode", "IpcMode", "PidMode"):
        host[key] = _renamed(str(host[key]), names)
    host["ExtraHosts"] = sorted(host["ExtraHosts"] or ())
    host["Ulimits"] = sorted(host["Ulimits"] or (), key=str)
    config["Env"] = sorted(config["Env"] or ())
    # `/db:/web/alias`; Compose adds two generated names to each link.
    pairs = (one.replace("/", ":").strip(":").split(":") for one in host["Links"] or ())
    host["Links"] = sorted([_renamed(one[0], names), one[-1]] for one in pairs if not re.search(r"-\d+$", one[-1]))
    # One mount may be asked for in two ways; in which, Compose decides.
    host["Binds"], host["Mounts"] = None, _asked_mounts(found, names)
    found["Mounts"] = _mounts(found, names)
    networks = {}
    for name, endpoint in (found["NetworkSettings"]["Networks"] or {}).items():
        endpoint["Aliases"] = _aliases(found, endpoint, names)
        # Compose adds two generated names to each.
        links = {one.rpartition(":")[2] for one in endpoint["Links"] or ()}
        endpoint["Links"] = sorted(one for one in links if not re.search(r"-\d+$", one))
        networks[_renamed(name, names)] = {**endpoint, "Attached": True}
    found["NetworkSettings"]["Networks"] = networks
    return found


def _renamed(name: str, names: Mapping[str, str]) -> str:
    return names.get(name, name)


def _asked_mounts(container: Mapping[str, Any], names: Mapping[str, str]) -> list[Any]:
    host = container["HostConfig"]
    asked = []
    for text in host["Binds"] or ():
        source, target, options = (*text.split(":"), "")[:3]
        kind = "bind" if source.startswith("/") else "volume"
        rest = sorted(set(filter(None, options.split(","))) - {"rw", "ro"})
        asked.append([target, kind, _source(kind, source, names), "ro" in options.split(","),
                      {"options": rest} if rest else {}])  # fmt: skip
    for one in host.get("Mounts") or ():
        options = next((_set(one[key]) for key in one if key.endswith("Options") and _set(one[key])), {})
        # What a volume bears is compared at the volume.
        options.pop("Labels", None)
        asked.append([one["Target"], one["Type"], _source(one["Type"], one.get("Source", ""), names),
                      bool(one.get("ReadOnly")), options])  # fmt: skip
    for target in container["Config"]["Volumes"] or ():
        if target not in {one[0] for one in asked}:
            asked.append([target, "volume", "", False, {}])
    secret = (one[0].startswith("/run/secrets/") for one in asked)
    return sorted(([one[0], "secret"] if is_one else one for one, is_one in zip(asked, secret, strict=True)), key=str)


def _source(kind: str, source: str, names: Mapping[str, str]) -> str:
    if kind == "image":
        return source.partition("@")[0]
    return "" if re.fullmatch(r"[0-9a-f]{64}", source) else _renamed(source, names)


def _set(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (options or {}).items() if value not in _EMPTY}


def _mounts(container: Mapping[str, Any], names: Mapping[str, str]) -> list[Any]:
    """Return what is mounted: sources of secrets and names of volumes are those of one stack."""
    found = []
    for one in container["Mounts"]:
        kind, target = one["Type"], one["Destination"]
        if target.startswith("/run/secrets/"):
            continue  # compared as asked for
        # `Mode` is how it was asked for, in two spellings; what came of it stands beside it.
        name = one["Source"] if kind == "bind" else _source(kind, one.get("Name", ""), names)
        found.append([target, kind, name, one["RW"], one["Propagation"]])
    return sorted(found)


def _aliases(container: Mapping[str, Any], endpoint: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """Return the names that somebody chose: not the container's generated name, its ID and hostname, its service."""
    labels = container["Config"]["Labels"] or {}
    name = container["Name"].lstrip("/")
    own = {container["Id"][:12], container["Config"]["Hostname"], name, _renamed(name, names)}
    given = {_renamed(one, names) for one in endpoint["Aliases"] or ()}
    return sorted(given - own - {labels.get("com.docker.compose.service")})
