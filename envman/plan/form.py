"""What the two sides of a comparison share: a flat mapping of Compose attribute to a plain value with one spelling.

Bytes, seconds, sorted lists; attributes that exist in several places of the Compose file (such as
``deploy.resources.limits.memory`` and ``mem_limit``) under their short name, which is also the one `docker update` has.
Sources: the engine's API (ContainerInspect) and what Compose 2.40 makes of each attribute (pkg/compose/create.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from envman import LABEL_PREFIX

Plain: TypeAlias = Mapping[str, Any]
COMPOSE: Final = "com.docker.compose."
NANOSECONDS: Final = 1e9

# Compose attribute to the engine's, where the values are spelled alike.
SCALARS: Final = {
    "mem_limit": "Memory",
    "mem_reservation": "MemoryReservation",
    "memswap_limit": "MemorySwap",
    "mem_swappiness": "MemorySwappiness",
    "cpu_shares": "CpuShares",
    "cpu_period": "CpuPeriod",
    "cpu_quota": "CpuQuota",
    "cpu_rt_period": "CpuRealtimePeriod",
    "cpu_rt_runtime": "CpuRealtimeRuntime",
    "cpu_count": "CpuCount",
    "cpu_percent": "CpuPercent",
    "cpuset": "CpusetCpus",
    "pids_limit": "PidsLimit",
    "oom_kill_disable": "OomKillDisable",
    "oom_score_adj": "OomScoreAdj",
    "shm_size": "ShmSize",
    "privileged": "Privileged",
    "read_only": "ReadonlyRootfs",
    "init": "Init",
    "ipc": "IpcMode",
    "pid": "PidMode",
    "uts": "UTSMode",
    "userns_mode": "UsernsMode",
    "cgroup": "CgroupnsMode",
    "cgroup_parent": "CgroupParent",
    "runtime": "Runtime",
}
LISTS: Final = {
    "cap_add": "CapAdd",
    "cap_drop": "CapDrop",
    "security_opt": "SecurityOpt",
    "dns": "Dns",
    "dns_opt": "DnsOptions",
    "dns_search": "DnsSearch",
    "extra_hosts": "ExtraHosts",
    "group_add": "GroupAdd",
    "device_cgroup_rules": "DeviceCgroupRules",
}
# Namespaces that may be another container's.
NAMESPACES: Final = ("ipc", "pid")
TABLES: Final = {"sysctls": "Sysctls", "storage_opt": "StorageOpt", "annotations": "Annotations"}
SIZES: Final = frozenset({"mem_limit", "mem_reservation", "memswap_limit", "shm_size"})
INTEGERS: Final = frozenset(
    {
        "mem_swappiness", "cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_count",
        "cpu_percent", "pids_limit", "oom_score_adj",
    }
)  # fmt: skip
BOOLEANS: Final = frozenset({"oom_kill_disable", "privileged", "read_only", "init", "tty", "stdin_open"})


def only_set(form: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not set: to the engine that is null, zero, empty and false alike."""
    return {key: value for key, value in form.items() if value not in (None, "", 0, False, [], {}, ())}


def bare(attribute: str, value: str) -> str:
    """Return an entry of a list as both sides spell it."""
    if attribute in {"cap_add", "cap_drop"}:
        return value.upper().removeprefix("CAP_")
    if attribute == "security_opt":
        return security(value)
    return value.replace("=", ":", 1) if attribute == "extra_hosts" else value


def security(option: str) -> str:
    """Return a security option as both sides spell it: Compose hands over what is in a profile's file, not its name."""
    name, _, value = option.replace("=", ":", 1).partition(":")
    is_profile = name == "seccomp" and value not in {"unconfined", "builtin"}
    return "seccomp:(profile)" if is_profile else f"{name}:{value}" if value else option


def shared_namespace(mode: str) -> str:
    """Return ``container`` where a namespace is that of another container, which has a name of its own each time."""
    return "container" if mode.startswith(("service:", "container:")) else mode


def special_mode(mode: Any) -> str | None:
    """Return a network mode where it is no network: those are compared by name."""
    text = str(mode or "")
    if text.startswith("container:"):
        return "container"
    return text if text in {"host", "none"} else None


def health_form(check: Plain) -> dict[str, Any]:
    """Return a health check of the engine by Compose's names: times in seconds, the engine's defaults filled in."""
    test = list(check.get("Test") or ())
    if not test or test == ["NONE"]:
        return {"test": test or None}
    return {
        "test": test,
        "interval": (check.get("Interval") or 0) / NANOSECONDS or 30.0,
        "timeout": (check.get("Timeout") or 0) / NANOSECONDS or 30.0,
        "retries": check.get("Retries") or 3,
        "start_period": (check.get("StartPeriod") or 0) / NANOSECONDS,
        "start_interval": (check.get("StartInterval") or 0) / NANOSECONDS or 5.0,
    }


def environment_form(variables: Iterable[str]) -> dict[str, Any]:
    """Return ``NAME=value`` entries as attributes; a name without a value sets nothing."""
    pairs = (one.partition("=") for one in variables)
    return {f"environment.{name}": value for name, equals, value in pairs if equals}


def own_labels(labels: Plain, image: Plain) -> dict[str, str]:
    """Return the labels that are neither Compose's nor envman's nor the image's."""
    brought = image.get("Labels") or {}
    return {
        key: str(value)
        for key, value in labels.items()
        if not key.startswith((COMPOSE, LABEL_PREFIX)) and brought.get(key) != value
    }
