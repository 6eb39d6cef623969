"""Every field of a container that the engine knows of, and what becomes of it.

Source: the engine's API 1.44 to 1.51, ContainerInspect (https://docs.docker.com/reference/api/engine/). A path ends
where its row stands: what lies below belongs to the row. ``*`` is any key of a map, ``[]`` any entry of a list. A field
without a row is not dropped: it is named (EV829), and a test walks real inspections so that none is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from envman.plan.form import Plain


class Row(NamedTuple):
    """What becomes of a field: ``kind`` and, in words, into what or why.

    ``carried``: into the attribute of that name. ``identity``: it names this very container, a new one has its own.
    ``engine``: the engine works it out, or the image brings it. ``client``: how somebody was attached once.
    ``lost``: a blueprint has no words for it; where it is set, that is said (EV822).
    """

    kind: str
    into: str


def carried(attribute: str) -> Row:
    """Return the row of a field that the blueprint has an attribute for."""
    return Row("carried", attribute)


def lost(why: str) -> Row:
    """Return the row of a field that no blueprint can say."""
    return Row("lost", why)


_IDENTITY: Final = Row("identity", "names this container")
_STATE: Final = Row("identity", "what became of this container")
_ADDRESS: Final = Row("identity", "given by the engine to this container")
_ENGINE: Final = Row("engine", "the engine's own")
_IMAGE: Final = Row("engine", "the image brings it")
_CLIENT: Final = Row("client", "how a client was attached")
_WINDOWS: Final = "Compose has no attribute for it (Windows)"
_NOTHING: Final = Row("engine", "nothing is there")
_GONE: Final = "engines have given it up"

CONTAINER: Final[dict[str, Row]] = {
    **dict.fromkeys(("Id", "Created", "Name", "Path", "Args", "ExecIDs", "State", "RestartCount"), _IDENTITY),
    **dict.fromkeys(("ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "GraphDriver", "Storage"), _STATE),
    **dict.fromkeys(("SizeRw", "SizeRootFs"), _STATE),
    **dict.fromkeys(("Driver", "MountLabel", "ProcessLabel", "AppArmorProfile", "Mounts"), _ENGINE),
    "Image": carried("image"),
    "Platform": carried("platform"),
    "ImageManifestDescriptor": carried("image"),
}
CONFIG: Final[dict[str, Row]] = {
    "Hostname": carried("hostname"),
    "Domainname": carried("domainname"),
    "User": carried("user"),
    "ExposedPorts": carried("expose"),
    "Tty": carried("tty"),
    "OpenStdin": carried("stdin_open"),
    "Env": carried("environment"),
    "Cmd": carried("command"),
    "Entrypoint": carried("entrypoint"),
    "Healthcheck": carried("healthcheck"),
    "Image": carried("image"),
    "Volumes": carried("volumes"),
    "WorkingDir": carried("working_dir"),
    "MacAddress": carried("networks.mac_address"),
    "Labels": carried("labels"),
    "StopSignal": carried("stop_signal"),
    "StopTimeout": carried("stop_grace_period"),
    "NetworkDisabled": lost("`network_mode: none` is the nearest"),
    **dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"), _CLIENT),
    **dict.fromkeys(("OnBuild", "Shell", "ArgsEscaped"), _IMAGE),
}
HOST: Final[dict[str, Row]] = {
    "Binds": carried("volumes"),
    "LogConfig": carried("logging"),
    "NetworkMode": carried("network_mode"),
    "PortBindings": carried("ports"),
    "PublishAllPorts": carried("ports"),
    "RestartPolicy": carried("restart"),
    "VolumesFrom": carried("volumes_from"),
    "Annotations": carried("annotations"),
    "CapAdd": carried("cap_add"),
    "CapDrop": carried("cap_drop"),
    "CgroupnsMode": carried("cgroup"),
    "CgroupParent": carried("cgroup_parent"),
    "Dns": carried("dns"),
    "DnsOptions": carried("dns_opt"),
    "DnsSearch": carried("dns_search"),
    "ExtraHosts": carried("extra_hosts"),
    "GroupAdd": carried("group_add"),
    "IpcMode": carried("ipc"),
    "Links": carried("links"),
    "OomScoreAdj": carried("oom_score_adj"),
    "OomKillDisable": carried("oom_kill_disable"),
    "PidMode": carried("pid"),
    "Privileged": carried("privileged"),
    "ReadonlyRootfs": carried("read_only"),
    "SecurityOpt": carried("security_opt"),
    "StorageOpt": carried("storage_opt"),
    "Tmpfs": carried("tmpfs"),
    "UTSMode": carried("uts"),
    "UsernsMode": carried("userns_mode"),
    "ShmSize": carried("shm_size"),
    "Sysctls": carried("sysctls"),
    "Runtime": carried("runtime"),
    "Isolation": carried("isolation"),
    "CpuShares": carried("cpu_shares"),
    "Memory": carried("mem_limit"),
    "MemoryReservation": carried("mem_reservation"),
    "MemorySwap": carried("memswap_limit"),
    "MemorySwappiness": carried("mem_swappiness"),
    "NanoCpus": carried("cpus"),
    "CpuPeriod": carried("cpu_period"),
    "CpuQuota": carried("cpu_quota"),
    "CpuRealtimePeriod": carried("cpu_rt_period"),
    "CpuRealtimeRuntime": carried("cpu_rt_runtime"),
    "CpuCount": carried("cpu_count"),
    "CpuPercent": carried("cpu_percent"),
    "CpusetCpus": carried("cpuset"),
    "PidsLimit": carried("pids_limit"),
    "BlkioWeight": carried("blkio_config.weight"),
    "BlkioWeightDevice": carried("blkio_config.weight_device"),
    "BlkioDeviceReadBps": carried("blkio_config.device_read_bps"),
    "BlkioDeviceWriteBps": carried("blkio_config.device_write_bps"),
    "BlkioDeviceReadIOps": carried("blkio_config.device_read_iops"),
    "BlkioDeviceWriteIOps": carried("blkio_config.device_write_iops"),
    "Devices": carried("devices"),
    "DeviceCgroupRules": carried("device_cgroup_rules"),
    "DeviceRequests": carried("deploy.resources.reservations.devices"),
    "Ulimits": carried("ulimits"),
    "Init": carried("init"),
    "MaskedPaths": carried("security_opt"),
    "ReadonlyPaths": carried("security_opt"),
    "AutoRemove": lost("a service's containers stay until `down`"),
    "VolumeDriver": lost("name the driver at a named volume"),
    "Cgroup": lost(_GONE),
    "CpusetMems": lost("Compose has no attribute for it"),
    "KernelMemory": lost(_GONE),
    "KernelMemoryTCP": lost(_GONE),
    "IOMaximumIOps": lost(_WINDOWS),
    "IOMaximumBandwidth": lost(_WINDOWS),
    **dict.fromkeys(("ContainerIDFile", "ConsoleSize"), _CLIENT),
}
MOUNT: Final[dict[str, Row]] = {
    **{name: carried("volumes") for name in ("Type", "Source", "Target", "ReadOnly", "Consistency")},
    "BindOptions.Propagation": carried("volumes.bind.propagation"),
    "BindOptions.CreateMountpoint": carried("volumes.bind.create_host_path"),
    "BindOptions.NonRecursive": carried("volumes.bind.recursive"),
    "BindOptions.ReadOnlyNonRecursive": carried("volumes.bind.recursive"),
    "BindOptions.ReadOnlyForceRecursive": carried("volumes.bind.recursive"),
    "VolumeOptions.NoCopy": carried("volumes.volume.nocopy"),
    "VolumeOptions.Labels": carried("volumes.volume.labels"),
    "VolumeOptions.Subpath": carried("volumes.volume.subpath"),
    # The volume itself says what it was made with.
    "VolumeOptions.DriverConfig": carried("volumes.*.driver_opts"),
    "TmpfsOptions.SizeBytes": carried("volumes.tmpfs.size"),
    "TmpfsOptions.Mode": carried("volumes.tmpfs.mode"),
    "TmpfsOptions.Options": lost("`tmpfs:` with options in the short form is the nearest"),
    "ImageOptions.Subpath": carried("volumes.image.subpath"),
    "ClusterOptions": carried("volumes"),
}
ENDPOINT: Final[dict[str, Row]] = {
    "IPAMConfig.IPv4Address": carried("networks.ipv4_address"),
    "IPAMConfig.IPv6Address": carried("networks.ipv6_address"),
    "IPAMConfig.LinkLocalIPs": carried("networks.link_local_ips"),
    "Links": carried("links"),
    "Aliases": carried("networks.aliases"),
    "DriverOpts": carried("networks.driver_opts"),
    "GwPriority": carried("networks.gw_priority"),
    **dict.fromkeys(
        ("MacAddress", "NetworkID", "EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway",
         "GlobalIPv6Address", "GlobalIPv6PrefixLen", "DNSNames"),
        _ADDRESS,
    ),
}  # fmt: skip
NETWORK_SETTINGS: Final[dict[str, Row]] = dict.fromkeys(
    ("Bridge", "SandboxID", "SandboxKey", "Ports", "HairpinMode", "LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen",
     "SecondaryIPAddresses", "SecondaryIPv6Addresses", "EndpointID", "Gateway", "GlobalIPv6Address",
     "GlobalIPv6PrefixLen", "IPAddress", "IPPrefixLen", "IPv6Gateway", "MacAddress"),
    _ADDRESS,
)  # fmt: skip

FIELDS: Final[dict[str, Row]] = {
    **CONTAINER,
    **{f"Config.{name}": row for name, row in CONFIG.items()},
    **{f"HostConfig.{name}": row for name, row in HOST.items()},
    **{f"HostConfig.Mounts.[].{name}": row for name, row in MOUNT.items()},
    **{f"NetworkSettings.{name}": row for name, row in NETWORK_SETTINGS.items()},
    **{f"NetworkSettings.Networks.*.{name}": row for name, row in ENDPOINT.items()},
}
# The ways to all rows: below any other path there is none.
_WAYS: Final = frozenset(
    ".".join(steps[:length]) for steps in (path.split(".") for path in FIELDS) for length in range(1, len(steps))
)
_EMPTY: Final[tuple[Any, ...]] = (None, "", 0, False, [], {}, ())


class Field(NamedTuple):
    """A field of an inspection: its path as people read it, its value, and its row, if it has one."""

    path: str
    value: Any
    row: Row | None


def fields_of(description: Plain) -> Iterator[Field]:
    """Yield the fields of a container's ``description``, each at the depth at which it has a row."""
    yield from _walk(description, "", "")


def _walk(value: Any, path: str, pattern: str) -> Iterator[Field]:
    if pattern in FIELDS:
        yield Field(path, value, FIELDS[pattern])
    elif isinstance(value, dict) and value:
        for key, one in value.items():
            below = f"{pattern}.{key}".lstrip(".")
            if below not in FIELDS and below not in _WAYS and f"{pattern}.*" in _WAYS:
                below = f"{pattern}.*"
            yield from _walk(one, f"{path}.{key}".lstrip("."), below)
    elif isinstance(value, list) and value:
        for index, one in enumerate(value):
            yield from _walk(one, f"{path}[{index}]", f"{pattern}.[]")
    else:
        # Nothing is where something could be: no mount, no network.
        yield Field(path, value, _NOTHING if pattern in _WAYS else None)


def is_set(value: Any) -> bool:
    """Whether a field holds anything: to the engine null, zero, empty and false are all "not set"."""
    return value not in _EMPTY
