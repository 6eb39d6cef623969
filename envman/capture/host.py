"""How the engine runs a container: limits, capabilities, devices, namespaces. What is the engine's default is left out.

The defaults of the engine are those of moby's daemon (daemon/container.go, daemon/daemon_unix.go).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from envman.capture.values import duration, only_given, processors, size
from envman.plan.form import LISTS, SCALARS, SIZES, TABLES, Plain

_SHM: Final = 64 * 1024 * 1024
# Namespaces that may be another container's, and who fills them in.
_SHARED: Final = frozenset({"ipc", "pid"})
_BLKIO: Final = {
    "device_read_bps": "BlkioDeviceReadBps", "device_write_bps": "BlkioDeviceWriteBps",
    "device_read_iops": "BlkioDeviceReadIOps", "device_write_iops": "BlkioDeviceWriteIOps",
}  # fmt: skip
_UNCONFINED: Final = "systempaths=unconfined"


def host_attributes(container: Plain, engine: Plain) -> dict[str, Any]:
    """Return the attributes of ``HostConfig`` but for mounts, networks and shared namespaces."""
    host: Plain = container.get("HostConfig") or {}
    defaults = _defaults(host, engine)
    found: dict[str, Any] = {}
    for attribute, key in SCALARS.items():
        value = host.get(key)
        if value in (None, "", 0, defaults.get(attribute)) and not (attribute == "init" and value is False):
            continue
        if attribute in _SHARED and str(value).startswith("container:"):
            continue
        found[attribute] = size(value) if attribute in SIZES else value
    for attribute, key in LISTS.items():
        found[attribute] = list(host.get(key) or ())
    for attribute, key in TABLES.items():
        found[attribute] = {str(name): str(value) for name, value in (host.get(key) or {}).items()}
    found["security_opt"] = _security(host)
    found["extra_hosts"] = hosts(host.get("ExtraHosts") or ())
    found["cpus"] = processors(host["NanoCpus"]) if host.get("NanoCpus") else None
    found["restart"] = _restart(host.get("RestartPolicy") or {})
    found["logging"] = logging(host.get("LogConfig") or {}, engine)
    found["devices"] = [_device(one) for one in host.get("Devices") or ()]
    found["ulimits"] = ulimits(host.get("Ulimits") or ())
    found["blkio_config"] = _blkio(host)
    found["isolation"] = None if host.get("Isolation") in {"", "default", None} else host["Isolation"]
    if host.get("DeviceRequests"):
        devices, cdi = device_requests(host["DeviceRequests"])
        found["devices"] += cdi
        if devices:
            found["deploy"] = {"resources": {"reservations": {"devices": devices}}}
    return only_given(found)


def _defaults(host: Plain, engine: Plain) -> dict[str, Any]:
    return {
        "shm_size": _SHM,
        "ipc": "private",
        "mem_swappiness": -1,
        # The engine allows as much swap as memory where nobody says how much.
        "memswap_limit": 2 * (host.get("Memory") or 0),
        "runtime": engine.get("DefaultRuntime") or "runc",
        "cgroup": "private" if str(engine.get("CgroupVersion", "2")) == "2" else "host",
        "cgroup_parent": "",
    }


def _security(host: Plain) -> list[str]:
    """Return the security options; those that the engine adds itself, because of other ones, are left out.

    A seccomp profile comes as its text: ``profiles`` says where it goes.
    """
    adds = host.get("Privileged") or host.get("IpcMode") == "host" or host.get("PidMode") == "host"
    options = [one for one in host.get("SecurityOpt") or () if not (adds and one in {"label=disable", "label:disable"})]
    if host.get("MaskedPaths") == [] and host.get("ReadonlyPaths") == [] and not host.get("Privileged"):
        options.append(_UNCONFINED)
    return [f"seccomp={profile_path(one)}" if profile_of(one) is not None else one for one in options]


def profile_of(option: str) -> str | None:
    """Return the text of a seccomp profile that stands in a security option, or None."""
    name, _, value = option.replace(":", "=", 1).partition("=") if "=" not in option else option.partition("=")
    return value if name == "seccomp" and value.lstrip().startswith("{") else None


def profile_path(option: str) -> str:
    """Return where the profile in ``option`` goes, below the project's root: by its content."""
    text = profile_of(option) or ""
    return f"blueprints/captured/seccomp-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"


def profiles(container: Plain) -> dict[str, str]:
    """Return the seccomp profiles of a container: path to text."""
    options = (container.get("HostConfig") or {}).get("SecurityOpt") or ()
    return {profile_path(one): text for one in options if (text := profile_of(one)) is not None}


def unsaid(container: Plain) -> list[str]:
    """Return what of ``HostConfig`` has an attribute, but not for this value, in words."""
    host: Plain = container.get("HostConfig") or {}
    found = []
    masked, readonly = host.get("MaskedPaths"), host.get("ReadonlyPaths")
    if (masked == []) != (readonly == []) and not host.get("Privileged"):
        found.append("HostConfig.MaskedPaths and ReadonlyPaths: Compose frees both or none")
    for index, one in enumerate(host.get("DeviceRequests") or ()):
        if len(one.get("Capabilities") or ()) > 1:
            found.append(f"HostConfig.DeviceRequests[{index}].Capabilities: only the first of several sets")
    return found


def hosts(entries: Any) -> dict[str, Any]:
    """Return ``HOST:ADDRESS`` entries as Compose's mapping."""
    found: dict[str, Any] = {}
    for one in entries:
        name, _, address = str(one).replace("=", ":", 1).partition(":")
        if name in found:
            before = found[name]
            found[name] = [*(before if isinstance(before, list) else [before]), address]
        else:
            found[name] = address
    return found


def _restart(policy: Plain) -> str | None:
    name, most = policy.get("Name") or "no", policy.get("MaximumRetryCount")
    return None if name == "no" else f"{name}:{most}" if most else str(name)


def logging(config: Plain, engine: Plain) -> dict[str, Any] | None:
    """Return the log driver and its options; None where both are what the engine does by itself."""
    driver, options = config.get("Type"), {key: str(one) for key, one in (config.get("Config") or {}).items()}
    if not driver or (driver == (engine.get("LoggingDriver") or "json-file") and not options):
        return None
    return {"driver": driver, **({"options": options} if options else {})}


def _device(one: Plain) -> dict[str, Any]:
    return {
        "source": one["PathOnHost"],
        "target": one.get("PathInContainer") or one["PathOnHost"],
        "permissions": one.get("CgroupPermissions") or "rwm",
    }


def device_requests(requests: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return requests for devices (GPUs), and devices by their CDI names, which Compose takes as ``devices``."""
    asked: list[dict[str, Any]] = []
    named: list[dict[str, Any]] = []
    for one in requests:
        if one.get("Driver") == "cdi":
            named += [{"source": name, "target": name, "permissions": "rwm"} for name in one.get("DeviceIDs") or ()]
            continue
        count = one.get("Count") or 0
        sets = one.get("Capabilities") or [["gpu"]]
        asked.append(
            only_given(
                {
                    "driver": one.get("Driver"),
                    "count": "all" if count == -1 else count or None,
                    "device_ids": list(one.get("DeviceIDs") or ()),
                    "capabilities": list(sets[0]),
                    "options": {key: str(value) for key, value in (one.get("Options") or {}).items()},
                }
            )
        )
    return asked, named


def ulimits(limits: Any) -> dict[str, Any]:
    """Return soft and hard limits by name."""
    return {one["Name"]: {"soft": one["Soft"], "hard": one["Hard"]} for one in limits}


def _blkio(host: Plain) -> dict[str, Any]:
    return only_given(
        {
            "weight": host.get("BlkioWeight") or None,
            "weight_device": [
                {"path": one["Path"], "weight": one["Weight"]} for one in host.get("BlkioWeightDevice") or ()
            ],
            **{
                name: [{"path": one["Path"], "rate": one["Rate"]} for one in host.get(key) or ()]
                for name, key in _BLKIO.items()
            },
        }
    )


def grace(nanoseconds: int | None) -> str | None:
    """Return how long a task may take to stop; ten seconds are what everybody has."""
    return None if nanoseconds in (None, 10 * 10**9) else duration(int(nanoseconds or 0))
