"""What is on an engine, by label, in as few calls as can be."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.engine.connection import Engine
from envman.plan.observed import (
    ContainerState,
    MountPoint,
    NetworkState,
    Observed,
    PortHolder,
    PublishedPort,
    VolumeState,
)

COMPOSE: Final = "com.docker.compose."
_HEALTH: Final = {"(healthy)": "healthy", "(unhealthy)": "unhealthy", "(health: starting)": "starting"}
_EXIT_CODE: Final = re.compile(r"(?:Exited|Restarting) \((\d+)\)")
_UP: Final = re.compile(r"Up (Less than an?|About an?|\d+) (second|minute|hour|day|week|month|year)s?")
_UNITS: Final = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2629800, "year": 31557600,
}  # fmt: skip
_EVENTS: Final = ["create", "start", "die", "destroy", "health_status", "oom", "pause", "unpause", "rename"]


def observe(
    engine: Engine, projects: Sequence[str] | None, *, checkout: str | None = None, details: bool = False
) -> Observed:
    """Return the containers, volumes and networks of Compose ``projects``, or of all that bear ``checkout``'s label.

    With ``details`` each container is inspected too, for restarts, times and the last health output.
    """
    if projects is not None:
        filters = [f"{COMPOSE}project={project}" for project in projects]
    else:
        filters = [f"{LABEL_PREFIX}checkout={checkout}"]
    containers: list[ContainerState] = []
    volumes: dict[str, VolumeState] = {}
    networks: dict[str, NetworkState] = {}
    with engine.errors():
        for label in filters:
            wanted = {"label": label}
            for one in engine.api.containers(all=True, filters=wanted):
                inspected = _inspect(engine, one["Id"]) if details else None
                if not details or inspected is not None:
                    containers.append(_container(one, inspected))
            for one in engine.api.volumes(filters=wanted).get("Volumes") or ():
                volumes[one["Name"]] = VolumeState(
                    one["Name"], one["Driver"], one.get("Labels") or {}, one.get("Options") or {}
                )
            for one in engine.api.networks(filters=wanted):
                networks[one["Id"]] = NetworkState(
                    one["Id"], one["Name"], one["Driver"], bool(one.get("Internal")), one.get("Labels") or {}, one
                )
    return Observed(tuple(containers), tuple(volumes.values()), tuple(networks.values()))


def project_containers(
    engine: Engine, project: str, *, inspected: Callable[[ContainerState], bool]
) -> list[ContainerState]:
    """Return the containers of a Compose project, one-off ones left out; those with details that ``inspected`` picks.

    A listing is answered at once, while an inspection waits for a container that is just being started or stopped.
    """
    containers = []
    with engine.errors():
        for listed in engine.api.containers(all=True, filters={"label": f"{COMPOSE}project={project}"}):
            one = _container(listed, None)
            if one.oneoff:
                continue
            details = _inspect(engine, one.id) if inspected(one) else {}
            if details is not None:
                containers.append(_container(listed, details) if details else one)
    return containers


def _inspect(engine: Engine, identity: str) -> dict[str, Any] | None:
    """Return what the engine knows of a container, or None where it has gone since it was listed."""
    from docker.errors import NotFound

    try:
        found: dict[str, Any] = engine.api.inspect_container(identity)
    except NotFound:
        return None
    return found


def _container(one: dict[str, Any], inspected: dict[str, Any] | None) -> ContainerState:
    labels: dict[str, str] = one.get("Labels") or {}
    status = str(one.get("Status", ""))
    code = _EXIT_CODE.search(status)
    state: dict[str, Any] = (inspected or {}).get("State") or {}
    health = state.get("Health") or {}
    logged = health.get("Log") or [{}]
    networks = (one.get("NetworkSettings") or {}).get("Networks") or {}
    name = next(iter(one.get("Names") or ("",))).lstrip("/")
    return ContainerState(
        id=one["Id"],
        name=name,
        project=labels.get(f"{COMPOSE}project", ""),
        service=labels.get(f"{COMPOSE}service", ""),
        number=int(labels.get(f"{COMPOSE}container-number", "0") or 0),
        oneoff=labels.get(f"{COMPOSE}oneoff", "").lower() == "true",
        state=str(state.get("Status") or one.get("State", "")),
        health=health.get("Status") or next((name for mark, name in _HEALTH.items() if mark in status), None),
        exit_code=state.get("ExitCode", int(code[1]) if code else None),
        image=str(one.get("Image", "")),
        image_id=str(one.get("ImageID", "")),
        created_at=float(one.get("Created", 0)),
        labels=labels,
        ports=tuple(
            PublishedPort(
                port.get("IP", ""), port.get("PublicPort", 0), port.get("PrivatePort", 0), port.get("Type", "tcp")
            )
            for port in one.get("Ports") or ()
        ),
        networks=tuple(sorted(networks)),
        mounts=tuple(
            MountPoint(mount.get("Type", ""), mount.get("Name") or "", mount.get("Destination", ""))
            for mount in one.get("Mounts") or ()
        ),
        restart_count=int((inspected or {}).get("RestartCount", 0)),
        started_at=_seconds(state.get("StartedAt")) if inspected else _started(status),
        finished_at=_seconds(state.get("FinishedAt")),
        health_output=str(logged[-1].get("Output", "")),
        inspected=inspected or {},
    )


def _seconds(text: str | None) -> float | None:
    """Return the engine's time in Unix seconds; its zero time (year 1) is None."""
    if not text or text.startswith("0001-"):
        return None
    # Nanoseconds are more digits than datetime reads.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()


def _started(status: str) -> float | None:
    """Return about when a container started, from the words of a listing: ``Up 3 minutes (healthy)``."""
    match = _UP.match(status)
    if match is None:
        return None
    count = 0 if match[1].startswith("Less") else 1 if match[1].startswith("About") else int(match[1])
    return time.time() - count * _UNITS[match[2]]


def published_ports(engine: Engine) -> dict[tuple[str, int, str], PortHolder]:
    """Return every (address, port, protocol) that containers publish on this engine, and whose it is."""
    holders = {}
    with engine.errors():
        for one in engine.api.containers():
            name = next(iter(one.get("Names") or ("",))).lstrip("/")
            holder = PortHolder(name, (one.get("Labels") or {}).get(f"{COMPOSE}project", ""))
            for port in one.get("Ports") or ():
                if port.get("PublicPort"):
                    holders[port.get("IP", ""), int(port["PublicPort"]), str(port.get("Type", "tcp"))] = holder
    return holders


def service_logs(engine: Engine, container: str, *, tail: int = 20) -> str:
    """Return the last ``tail`` lines that a container has written, without following."""
    from docker.errors import APIError

    with engine.errors():
        try:
            written = engine.api.logs(container, stdout=True, stderr=True, tail=tail)
        except APIError:
            return ""  # it has been removed since, or its log driver cannot be read
    return written.decode("utf-8", "replace") if isinstance(written, bytes) else ""


def wait_for_change(engine: Engine, project: str, *, since: float, timeout: float) -> None:
    """Return when a container of ``project`` has changed its state or health, at the latest after ``timeout`` seconds.

    ``since`` (Unix seconds) is when the caller began its last look, so that nothing is missed in between.
    """
    filters = {"type": "container", "event": _EVENTS, "label": f"{COMPOSE}project={project}"}
    # Without `since` the engine would first tell of everything that it remembers.
    bounds = {"since": f"{since:.6f}", "until": f"{time.time() + timeout:.6f}"}
    with engine.errors():
        stream = engine.api.events(filters=filters, decode=True, **bounds)
        try:
            next(iter(stream), None)
        finally:
            stream.close()
