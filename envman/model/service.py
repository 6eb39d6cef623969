"""Services and jobs: every attribute of the Compose specification, in the long form that normalising makes."""

from collections.abc import Collection
from typing import Annotated, Literal

from envman.model.attributes import (
    Build,
    Develop,
    Hook,
    Labelled,
    Provider,
    Resources,
)
from envman.model.container import Container, InitContainer
from envman.model.fields import Attributes
from envman.model.types import (
    Address,
    Atom,
    Boolean,
    Duration,
    HostPort,
    Integer,
    Name,
    Null,
    Number,
    Opaque,
    Published,
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


class SnapshotHook(Attributes):
    """envman's own: commands that write a service's data to standard output, and read it back from standard input."""

    command: StringOrList
    restore: StringOrList | None = None
    user: Text | None = None


class SanitizeHook(Attributes):
    """envman's own: a command in a container of the service that takes out of data what must not leave production."""

    command: StringOrList
    user: Text | None = None


class Workload(Container):
    """What services and jobs have in common beside their containers."""

    build: Build | None = None
    depends_on: dict[Name, Dependency] | None = None
    healthcheck: HealthCheck | None = None
    ports: list[Port] | None = None
    expose: list[Integer | Text] | None = None
    stdin_open: Boolean | None = None
    tty: Boolean | None = None


class Service(Workload):
    """A service."""

    attach: Boolean | None = None
    container_name: Text | None = None
    deploy: Annotated[Deploy | None, Null] = None
    develop: Annotated[Develop | None, Null] = None
    environment: dict[str, SecretValue | Atom] | None = None
    extends: Opaque = None
    external_links: list[Text] | None = None
    links: list[Text] | None = None
    post_start: list[Hook] | None = None
    pre_start: list[InitContainer] | None = None
    pre_stop: list[Hook] | None = None
    profiles: list[Text] | None = None
    provider: Provider | None = None
    restart: Text | None = None
    scale: Integer | None = None

    # envman's own
    gpu: Literal["none", "optional", "required"] | None = None
    snapshot: SnapshotHook | None = None
    tag: Text | None = None
    sanitize: SanitizeHook | None = None

    def is_active(self, profiles: Collection[str]) -> bool:
        """Whether it runs where ``profiles`` are active."""
        return not self.profiles or "*" in profiles or not set(self.profiles).isdisjoint(profiles)

    @property
    def replicas(self) -> int:
        """How many containers run: ``deploy.replicas``, else ``scale``, else 1."""
        if self.deploy is not None and self.deploy.replicas is not None:
            return int(self.deploy.replicas)
        return int(self.scale) if self.scale is not None else 1


class Schedule(Attributes):
    """When a job runs."""

    cron: Text
    timezone: Text | None = None
    concurrency: Literal["forbid", "queue"] | None = None
    missed_fires: Literal["one", "skip"] | None = None


class Triggers(Attributes):
    """What starts a job."""

    manual: Boolean | None = None
    schedule: list[Schedule] | None = None


class JobPort(Port):
    """A published port of a job. envman keeps free host ports for services alone."""

    published: HostPort | None = None


class Job(Workload):
    """A container that runs to its end when something triggers it."""

    environment: Table | None = None
    extends: Opaque = None
    ports: list[JobPort] | None = None  # type: ignore[assignment]
    profiles: list[Text] | None = None
    triggers: Triggers
