"""Attributes that several models share."""

from typing import Literal

from envman.model.fields import Attributes
from envman.model.types import (
    Boolean,
    Command,
    Count,
    Hosts,
    Integer,
    Mode,
    Number,
    Option,
    ProviderOption,
    Size,
    SizeText,
    StringOrList,
    Table,
    Text,
)


class Labelled(Attributes):
    """Anything the engine puts labels on."""

    labels: Table | None = None


class FileReference(Attributes):
    """A service's grant of a secret or config, in the long form."""

    source: Text
    target: Text | None = None
    uid: Text | None = None
    gid: Text | None = None
    mode: Mode | None = None


class Ulimit(Attributes):
    """Soft and hard limit of one resource."""

    soft: Integer
    hard: Integer


class DeviceRequest(Attributes):
    """Devices that a driver hands out, such as GPUs."""

    capabilities: list[Text] | None = None
    count: Count | None = None
    device_ids: list[Text] | None = None
    driver: Text | None = None
    options: Table | None = None


class ReservedDevice(DeviceRequest):
    """The same under ``deploy``, where Compose asks for capabilities."""

    capabilities: list[Text]


class Hook(Attributes):
    """A command that Compose runs in a service's container."""

    command: Command
    user: Text | None = None
    privileged: Boolean | None = None
    working_dir: Text | None = None
    environment: Table | None = None


class CredentialSpec(Attributes):
    """Where a managed service account's credentials come from (Windows)."""

    config: Text | None = None
    file: Text | None = None
    registry: Text | None = None


class BlockDeviceRate(Attributes):
    """A device's limit in bytes or operations a second."""

    path: Text | None = None
    rate: Size | None = None


class BlockDeviceWeight(Attributes):
    """A device's share of I/O."""

    path: Text | None = None
    weight: int | None = None


class BlockIO(Attributes):
    """``blkio_config``."""

    device_read_bps: list[BlockDeviceRate] | None = None
    device_read_iops: list[BlockDeviceRate] | None = None
    device_write_bps: list[BlockDeviceRate] | None = None
    device_write_iops: list[BlockDeviceRate] | None = None
    weight: int | None = None
    weight_device: list[BlockDeviceWeight] | None = None


class Logging(Attributes):
    """The log driver and its options."""

    driver: Text | None = None
    options: dict[str, Option] | None = None


class Provider(Attributes):
    """A service that another program provides."""

    type: Text
    options: dict[str, ProviderOption | list[ProviderOption]] | None = None


class Device(Attributes):
    """A device of the host inside the container."""

    source: Text
    target: Text
    permissions: Text | None = None


class EnvFile(Attributes):
    """A file of environment variables, in the long form."""

    path: Text
    format: Text | None = None
    required: Boolean | None = None


class ModelReference(Attributes):
    """How a service learns of a model."""

    endpoint_var: Text | None = None
    model_var: Text | None = None


class WatchRule(Attributes):
    """What ``docker compose watch`` does when a path changes."""

    path: Text
    action: Literal["rebuild", "sync", "restart", "sync+restart", "sync+exec"]
    target: Text | None = None
    ignore: StringOrList | None = None
    include: StringOrList | None = None
    exec: Hook | None = None
    initial_sync: bool | None = None


class Develop(Attributes):
    """``develop``."""

    watch: list[WatchRule] | None = None


class Build(Labelled):
    """How a service's image is built."""

    context: Text | None = None
    dockerfile: Text | None = None
    dockerfile_inline: Text | None = None
    entitlements: list[Text] | None = None
    args: Table | None = None
    ssh: Table | None = None
    cache_from: list[Text] | None = None
    cache_to: list[Text] | None = None
    no_cache: Boolean | None = None
    no_cache_filter: StringOrList | None = None
    additional_contexts: dict[str, Text] | None = None
    network: Text | None = None
    provenance: Boolean | Text | None = None
    sbom: Boolean | Text | None = None
    pull: Boolean | None = None
    target: Text | None = None
    shm_size: Size | None = None
    extra_hosts: Hosts | None = None
    isolation: Text | None = None
    privileged: Boolean | None = None
    secrets: list[FileReference] | None = None
    tags: list[Text] | None = None
    ulimits: dict[str, Ulimit | Integer] | None = None
    platforms: list[Text] | None = None


class Limits(Attributes):
    """The most of each resource that a container may use."""

    cpus: Number | None = None
    memory: SizeText | None = None
    pids: Integer | None = None


class DiscreteResource(Attributes):
    """An amount of a resource that an orchestrator counts."""

    kind: Text | None = None
    value: Number | None = None


class GenericResource(Attributes):
    """A user-defined resource."""

    discrete_resource_spec: DiscreteResource | None = None


class Reservations(Attributes):
    """What the platform must guarantee a container."""

    cpus: Number | None = None
    memory: SizeText | None = None
    generic_resources: list[GenericResource] | None = None
    devices: list[ReservedDevice] | None = None


class Resources(Attributes):
    """``deploy.resources``."""

    limits: Limits | None = None
    reservations: Reservations | None = None
