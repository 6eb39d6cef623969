"""What an attribute is about, so that differences and the causes of plans can be told by subject."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final


class Group(StrEnum):
    """The subject of a difference, in the order in which they are shown."""

    SERVICES = "services"
    IMAGES = "images"
    ENVIRONMENT = "environment"
    PORTS = "ports"
    VOLUMES = "volumes"
    RESOURCES = "resources"
    SECURITY = "security"
    OTHER = "other"


_ATTRIBUTES: Final[dict[Group, tuple[str, ...]]] = {
    Group.IMAGES: ("build", "image", "platform", "provider", "pull_policy", "pull_refresh_after"),
    Group.ENVIRONMENT: ("env_file", "environment"),
    Group.PORTS: ("expose", "ports"),
    Group.VOLUMES: ("configs", "storage_opt", "tmpfs", "volumes", "volumes_from"),
    Group.RESOURCES: (
        "blkio_config", "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime",
        "cpu_shares", "cpus", "cpuset", "deploy", "gpu", "gpus", "mem_limit", "mem_reservation", "mem_swappiness",
        "memswap_limit", "oom_kill_disable", "oom_score_adj", "pids_limit", "scale", "shm_size", "ulimits",
    ),
    Group.SECURITY: (
        "cap_add", "cap_drop", "cgroup", "cgroup_parent", "credential_spec", "device_cgroup_rules", "devices",
        "group_add", "ipc", "isolation", "pid", "privileged", "read_only", "secrets", "security_opt", "sysctls",
        "umask", "use_api_socket", "user", "userns_mode", "uts",
    ),
}  # fmt: skip
_BY_ATTRIBUTE: Final = {name: group for group, names in _ATTRIBUTES.items() for name in names}
_SECTIONS: Final = {"volumes": Group.VOLUMES, "configs": Group.VOLUMES, "secrets": Group.SECURITY}


def group_of(path: Sequence[str | int]) -> Group:
    """Return what the value at ``path`` of a Compose file is about."""
    if path[:1] == ("services",) or list(path[:1]) == ["services"]:
        if len(path) < 3:
            return Group.SERVICES
        return _BY_ATTRIBUTE.get(str(path[2]), Group.OTHER)
    return _SECTIONS.get(str(path[0]), Group.OTHER) if path else Group.OTHER
