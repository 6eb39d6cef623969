"""Results about stacks."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from envman.output.results.common import Place, UrlData


class CauseData(TypedDict):
    """Why a step is needed."""

    text: str
    place: Place | None


class StepData(TypedDict):
    """A step of a plan."""

    action: str
    kind: str
    name: str
    causes: list[CauseData]
    data: list[str]


class Planned(TypedDict):
    """`plan`."""

    environment: str
    steps: list[StepData]


class UpData(TypedDict):
    """`up`: ``ready`` is null where it was not waited for."""

    environment: str
    compose_project: str
    steps: list[str]
    urls: list[UrlData]
    seconds: float
    snapshot: str | None
    ready: Literal[True] | None


Switched = TypedDict(
    "Switched",
    {
        "environment": str,
        "compose_project": str,
        "steps": list[str],
        "urls": list[UrlData],
        "seconds": float,
        "snapshot": str | None,
        "from": str | None,
        "gap_seconds": float,
        "waited": list[str],
        "reasons": list[str],
        "target_snapshot": str | None,
    },
)


class SwitchAborted(TypedDict):
    """`switch --abort`."""

    environment: str | None
    aborted: str


class DownData(TypedDict):
    """`down`."""

    environment: str
    deleted_volumes: list[str]
    kept_volumes: list[str]
    snapshot: str | None


class RemovedData(TypedDict):
    """`rm`."""

    environment: str
    removed: list[str]
    snapshot: str | None


class ServicesData(TypedDict):
    """`stop`, `restart`: the services that were named, none for all."""

    environment: str
    services: list[str]


class ContainerData(TypedDict):
    """`ps`: a container."""

    service: str
    name: str
    id: str
    job: bool
    state: str
    health: str | None
    exit_code: int | None
    restarts: int
    image: str
    image_id: str
    digest: str | None
    urls: list[UrlData]
    health_output: str


class PortData(TypedDict):
    """A published port of a container."""

    host_ip: str
    published: int
    target: int
    protocol: str


class UsageData(TypedDict):
    """What a container uses: percent of one processor, bytes."""

    cpu_percent: float
    memory: int
    memory_limit: int


class ServiceData(ContainerData):
    """`status ENV`: a container in depth."""

    image_digest: str
    since: str | None
    ports: list[PortData]
    usage: UsageData | None
    drift: list[str] | None


class StatusData(TypedDict):
    """`status`: an environment. ``since`` is a time (ISO 8601, UTC), ``drift`` null where it is not known."""

    environment: str
    instance: str | None
    state: str
    health: str
    services: list[str]
    since: str | None
    urls: list[UrlData]
    chosen: bool
    drift: list[str] | None
    locked: str
    blueprint: bool
    snapshots: int


class PublishedPort(TypedDict):
    """`port`: a port in the container, and where it is on this machine."""

    container: str
    host: str


class RenamedVolume(TypedDict):
    """A volume under its old and its new name."""

    old: str
    new: str
    bytes: int | None


class Renamed(TypedDict):
    """`rename`; with ``--dry-run`` with the steps, in words."""

    project: str
    old: str
    new: str
    environments: list[str]
    volumes: list[RenamedVolume]
    removed_volumes: bool
    steps: NotRequired[list[str]]
