"""A service: every attribute of the Compose specification, in the long form that normalising makes."""

from typing import Annotated, Literal

from envman.model.attributes import (
    BlockIO,
    Build,
    CredentialSpec,
    Develop,
    Device,
    DeviceRequest,
    EnvFile,
    FileReference,
    Hook,
    Labelled,
    Logging,
    ModelReference,
    Provider,
    Resources,
    Ulimit,
)
from envman.model.fields import Attributes
from envman.model.types import (
    Address,
    Atom,
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
    Published,
    Real,
    Size,
    StringOrList,
    Table,
    Text,
    truth,
)


class Port(Attributes):
    """A published port. ``published: auto`` is envman's own: a free host port, stable for this environment."""

    target: Integer
    published: Published | None = None
    protocol: Text | None = None
    host_ip: Address | None = None
    mode: Text | None = None
    name: Text | None = None
    app_protocol: Text | None = None

    @property
    def automatic(self) -> bool:
        """Whether envman chooses the host port."""
        return self.published == "auto"


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


class Dependency(Attributes):
    """What must be true of another service before this one starts."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]
    restart: Boolean | None = None
    required: bool | None = None


class HealthCheck(Attributes):
    """A health check."""

    test: StringOrList | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    retries: Number | None = None
    start_period: Duration | None = None
    start_interval: Duration | None = None
    disable: Boolean | None = None

    @property
    def disabled(self) -> bool:
        """Whether this switches a health check off, also one that the image brings."""
        return (self.disable is not None and truth(self.disable)) or self.test in ("NONE", ["NONE"])


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


class UpdatePolicy(Attributes):
    """``deploy.update_config`` and ``deploy.rollback_config``."""

    parallelism: Integer | None = None
    delay: Duration | None = None
    failure_action: Text | None = None
    monitor: Duration | None = None
    max_failure_ratio: Number | None = None
    order: Literal["start-first", "stop-first"] | None = None


class RestartPolicy(Attributes):
    """``deploy.restart_policy``."""

    condition: Text | None = None
    delay: Duration | None = None
    max_attempts: Integer | None = None
    window: Duration | None = None


class PlacementPreference(Attributes):
    """A preference of placement."""

    spread: Text | None = None


class Placement(Attributes):
    """Where an orchestrator may run the tasks."""

    constraints: list[Text] | None = None
    preferences: list[PlacementPreference] | None = None
    max_replicas_per_node: Integer | None = None


class Deploy(Labelled):
    """``deploy``."""

    mode: Text | None = None
    endpoint_mode: Text | None = None
    replicas: Integer | None = None
    update_config: UpdatePolicy | None = None
    rollback_config: UpdatePolicy | None = None
    resources: Resources | None = None
    restart_policy: RestartPolicy | None = None
    placement: Placement | None = None


class SecretValue(Attributes):
    """envman's own: an environment variable whose value is a secret's."""

    secret: Name


class Service(Labelled):
    """A service."""

    annotations: Table | None = None
    attach: Boolean | None = None
    blkio_config: BlockIO | None = None
    build: Build | None = None
    cap_add: list[Text] | None = None
    cap_drop: list[Text] | None = None
    cgroup: Literal["host", "private"] | None = None
    cgroup_parent: Text | None = None
    command: Command = None
    configs: list[FileReference] | None = None
    container_name: Text | None = None
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
    depends_on: dict[Name, Dependency] | None = None
    deploy: Annotated[Deploy | None, Null] = None
    develop: Annotated[Develop | None, Null] = None
    device_cgroup_rules: list[Text] | None = None
    devices: list[Device] | None = None
    dns: StringOrList | None = None
    dns_opt: list[Text] | None = None
    dns_search: StringOrList | None = None
    domainname: Text | None = None
    entrypoint: Command = None
    env_file: list[EnvFile] | None = None
    environment: dict[str, SecretValue | Atom] | None = None
    expose: list[Integer | Text] | None = None
    extends: Opaque = None
    external_links: list[Text] | None = None
    extra_hosts: Hosts | None = None
    gpus: Literal["all"] | list[DeviceRequest] | None = None
    group_add: list[Integer | Text] | None = None
    healthcheck: HealthCheck | None = None
    hostname: Text | None = None
    image: Text | None = None
    init: Boolean | None = None
    ipc: Text | None = None
    isolation: Text | None = None
    label_file: StringOrList | None = None
    links: list[Text] | None = None
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
    ports: list[Port] | None = None
    post_start: list[Hook] | None = None
    pre_start: list[Opaque] | None = None
    pre_stop: list[Hook] | None = None
    privileged: Boolean | None = None
    profiles: list[Text] | None = None
    provider: Provider | None = None
    pull_policy: Text | None = None
    pull_refresh_after: Text | None = None
    read_only: Boolean | None = None
    restart: Text | None = None
    runtime: Text | None = None
    scale: Integer | None = None
    secrets: list[FileReference] | None = None
    security_opt: list[Text] | None = None
    shm_size: Size | None = None
    stdin_open: Boolean | None = None
    stop_grace_period: Duration | None = None
    stop_signal: Text | None = None
    storage_opt: dict[str, Opaque] | None = None
    sysctls: Table | None = None
    tmpfs: list[Text] | None = None
    tty: Boolean | None = None
    ulimits: dict[str, Ulimit | Integer] | None = None
    umask: Mode | None = None
    use_api_socket: bool | None = None
    user: Text | None = None
    userns_mode: Text | None = None
    uts: Text | None = None
    volumes: list[Mount] | None = None
    volumes_from: list[Text] | None = None
    working_dir: Text | None = None

    # envman's own
    gpu: Literal["none", "optional", "required"] | None = None

    @property
    def replicas(self) -> int:
        """How many containers run: ``deploy.replicas``, else ``scale``, else 1."""
        if self.deploy is not None and self.deploy.replicas is not None:
            return int(self.deploy.replicas)
        return int(self.scale) if self.scale is not None else 1
