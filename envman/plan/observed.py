"""What an engine holds, as plain values. Filled in by ``engine.observe``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from envman import LABEL_PREFIX

# Of a health check that does not say how many failures make a container unhealthy.
_RETRIES: Final = 3


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port of a container that can be reached on the host. ``host_port`` is 0 where it is only exposed."""

    host_ip: str
    host_port: int
    container_port: int
    protocol: str


class MountPoint(NamedTuple):
    """What is mounted where in a container: ``kind`` is volume, bind or tmpfs; ``name`` is a volume's."""

    kind: str
    name: str
    target: str


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container.

    ``state`` is created, running, paused, restarting, exited or dead; ``health`` is starting, healthy, unhealthy or
    None. Times are Unix seconds. ``restart_count``, the times, ``health_output`` and ``inspected`` (the engine's own
    description) are known only of containers that were observed with details.
    """

    id: str
    name: str
    project: str
    service: str
    number: int
    oneoff: bool
    state: str
    health: str | None
    exit_code: int | None
    image: str
    image_id: str
    created_at: float
    labels: Mapping[str, str]
    ports: tuple[PublishedPort, ...] = ()
    networks: tuple[str, ...] = ()
    mounts: tuple[MountPoint, ...] = ()
    restart_count: int = 0
    started_at: float | None = None
    finished_at: float | None = None
    health_output: str = ""
    inspected: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def failing_streak(self) -> int | None:
        """How many health checks have failed in a row; None where it was not observed with details."""
        health = (self.inspected.get("State") or {}).get("Health") or {}
        streak = health.get("FailingStreak")
        return streak if isinstance(streak, int) else None

    @property
    def is_unchecked(self) -> bool:
        """Whether it is called unhealthy with fewer checks failed in a row than that takes, so far as is known.

        The engine calls a container unhealthy that was paused, until it is checked again.
        """
        check = (self.inspected.get("Config") or {}).get("Healthcheck") or {}
        streak = self.failing_streak
        return self.health == "unhealthy" and streak is not None and streak < (check.get("Retries") or _RETRIES)

    @property
    def volumes(self) -> tuple[str, ...]:
        """The names of the volumes that it mounts, sorted."""
        return tuple(sorted(one.name for one in self.mounts if one.kind == "volume"))

    @property
    def digest(self) -> str | None:
        """The content digest of the definition that it was made from."""
        return self.labels.get(f"{LABEL_PREFIX}digest")


class Usage(NamedTuple):
    """What a container uses: ``cpu`` in percent of one processor, ``memory`` and its ``limit`` in bytes."""

    cpu: float
    memory: int
    limit: int


@dataclass(frozen=True, slots=True)
class VolumeState:
    """A volume."""

    name: str
    driver: str
    labels: Mapping[str, str]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetworkState:
    """A network; ``inspected`` is the engine's own description."""

    id: str
    name: str
    driver: str
    internal: bool
    labels: Mapping[str, str]
    inspected: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that the engine has.

    ``size`` in bytes, ``created`` in Unix seconds, ``config`` what containers made of it inherit (the engine's
    ``Config``).
    """

    reference: str
    id: str
    digests: tuple[str, ...]
    size: int
    created: float
    config: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Observed:
    """What was there when the engine was asked."""

    containers: tuple[ContainerState, ...] = ()
    volumes: tuple[VolumeState, ...] = ()
    networks: tuple[NetworkState, ...] = ()


@dataclass(frozen=True, slots=True)
class PortHolder:
    """Whose host port it is."""

    container: str
    project: str = field(default="")

    def describe(self) -> str:
        """Return the holder in words."""
        return f"container {self.container}" + (f" of Compose project {self.project}" if self.project else "")
