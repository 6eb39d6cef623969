"""A container: what services, jobs and the containers before a service have in common."""

from typing import Annotated, Literal

from envman.model.attributes import (
    BlockIO,
    CredentialSpec,
    Device,
    DeviceRequest,
    EnvFile,
    FileReference,
    Labelled,
    Logging,
    ModelReference,
    Ulimit,
)
from envman.model.fields import Attributes
from envman.model.types import (
    Boolean,
    Command,
    DriverOption,
    Duration,
    Hosts,
    Integer,
    Mode,
    Name,
    Null,
    Number,
    Opaque,
    Real,
    Size,
    StringOrList,
    Table,
    Text,
)


class BindOptions(Attributes):
    """Options of a bind mount."""

    propagation: Text | None = None
    create_host_path: Boolean | None = None
    recursive: Literal["enabled", "disabled", "writable", "readonly"] | None = None
    selinux: Literal["z", "Z"] | None = None


class VolumeOptions(Labelled):
    """Options of a volume mount."""

    nocopy: Boolean | None = None
    subpath: Text | None = None


class TmpfsOptions(Attributes):
    """Options of a tmpfs mount."""

    size: Size | None = None
    mode: int | None = None


class ImageOptions(Attributes):
    """Options of an image mount."""

    subpath: Text | None = None


class Mount(Attributes):
    """A mount in the long form."""

    type: Literal["bind", "volume", "tmpfs", "cluster", "npipe", "image"]
    target: Text
    source: Text | None = None
    read_only: Boolean | None = None
    consistency: Text | None = None
    bind: BindOptions | None = None
    volume: VolumeOptions | None = None
    tmpfs: TmpfsOptions | None = None
    image: ImageOptions | None = None


class Attachment(Attributes):
    """How a service is attached to a network."""

    aliases: list[Text] | None = None
    interface_name: Text | None = None
    ipv4_address: Text | None = None
    ipv6_address: Text | None = None
    link_local_ips: list[Text] | None = None
    mac_address: Text | None = None
    driver_opts: dict[str, DriverOption] | None = None
    priority: Real | None = None
    gw_priority: Real | None = None
    use_service_name_alias: Boolean | None = None


class Container(Labelled):
    """What runs one container. ``environment`` stands in each kind of it: only a service's may name a secret."""

    annotations: Table | None = None
    blkio_config: BlockIO | None = None
    cap_add: list[Text] | None = None
    cap_drop: list[Text] | None = None
    cgroup: Literal["host", "private"] | None = None
    cgroup_parent: Text | None = None
    command: Command = None
    configs: list[FileReference] | None = None
    cpu_count: Integer | None = None
    cpu_percent: Integer | None = None
    cpu_period: Number | None = None
    cpu_quota: Number | None = None
    cpu_rt_period: Number | None = None
    cpu_rt_runtime: Number | None = None
    cpu_shares: Number | None = None
    cpus: Number | None = None
    cpuset: Text | None = None
    credential_spec: CredentialSpec | None = None
    device_cgroup_rules: list[Text] | None = None
    devices: list[Device] | None = None
    dns: StringOrList | None = None
    dns_opt: list[Text] | None = None
    dns_search: StringOrList | None = None
    domainname: Text | None = None
    entrypoint: Command = None
    env_file: list[EnvFile] | None = None
    extra_hosts: Hosts | None = None
    gpus: Literal["all"] | list[DeviceRequest] | None = None
    group_add: list[Integer | Text] | None = None
    hostname: Text | None = None
    image: Text | None = None
    init: Boolean | None = None
    ipc: Text | None = None
    isolation: Text | None = None
    label_file: StringOrList | None = None
    logging: Logging | None = None
    mac_address: Text | None = None
    mem_limit: Size | None = None
    mem_reservation: Size | None = None
    mem_swappiness: Integer | None = None
    memswap_limit: Size | None = None
    models: dict[Name, ModelReference | None] | None = None
    network_mode: Text | None = None
    networks: dict[Name, Attachment | None] | None = None
    oom_kill_disable: Boolean | None = None
    oom_score_adj: Integer | None = None
    pid: Text | None = None
    pids_limit: Number | None = None
    platform: Text | None = None
    privileged: Boolean | None = None
    pull_policy: Text | None = None
    pull_refresh_after: Text | None = None
    read_only: Boolean | None = None
    runtime: Text | None = None
    secrets: list[FileReference] | None = None
    security_opt: list[Text] | None = None
    shm_size: Size | None = None
    stop_grace_period: Duration | None = None
    stop_signal: Text | None = None
    storage_opt: dict[str, Opaque] | None = None
    sysctls: Table | None = None
    tmpfs: list[Text] | None = None
    ulimits: dict[str, Ulimit | Integer] | None = None
    umask: Annotated[Mode | None, Null] = None
    use_api_socket: bool | None = None
    user: Text | None = None
    userns_mode: Text | None = None
    uts: Text | None = None
    volumes: list[Mount] | None = None
    volumes_from: list[Text] | None = None
    working_dir: Text | None = None


class InitContainer(Container):
    """``pre_start``: a container that runs to its end before the service's own start."""

    environment: Table | None = None
    per_replica: Boolean | None = None
