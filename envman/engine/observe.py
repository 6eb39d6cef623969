"""What is on an engine, by label, in as few calls as can be."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.engine.connection import Engine
from envman.engine.wire import Question
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
# Seconds that a stream of events may last longer than it was asked for.
_GRACE: Final = 2.0
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
    found = engine.ask(*(question for label in filters for question in _questions(label)))
    listed = [one for containers in found[::3] for one in containers or ()]
    inspected: list[dict[str, Any] | None] = [None] * len(listed)
    if details:
        inspected = engine.ask(*(Question(f"/containers/{one['Id']}/json") for one in listed))
    volumes = {one["Name"]: one for answer in found[1::3] for one in (answer or {}).get("Volumes") or ()}
    networks = {one["Id"]: one for answer in found[2::3] for one in answer or ()}
    return Observed(
        # What has gone since it was listed is left out.
        tuple(_container(one, more) for one, more in zip(listed, inspected, strict=True) if more or not details),
        tuple(map(_volume, volumes.values())),
        tuple(map(_network, networks.values())),
    )


def with_details(engine: Engine, observed: Observed, services: Collection[str]) -> Observed:
    """Return ``observed`` with the times and the engine's own description of the containers of ``services``."""
    wanted = [one for one in observed.containers if one.service in services and not one.oneoff and not one.inspected]
    if not wanted:
        return observed
    answers = engine.ask(*(Question(f"/containers/{one.id}/json") for one in wanted))
    found = {
        one.id: replace(
            one,
            started_at=_seconds(answer["State"].get("StartedAt")),
            finished_at=_seconds(answer["State"].get("FinishedAt")),
            inspected=answer,
        )
        for one, answer in zip(wanted, answers, strict=True)
        if answer
    }
    return replace(observed, containers=tuple(found.get(one.id, one) for one in observed.containers))


def project_containers(
    engine: Engine, project: str, *, inspected: Callable[[ContainerState], bool]
) -> list[ContainerState]:
    """Return the containers of a Compose project, one-off ones left out; those with details that ``inspected`` picks.

    A listing is answered at once, while an inspection waits for a container that is just being started or stopped.
    """
    [found] = engine.ask(Question("/containers/json", {"all": 1, "filters": {"label": f"{COMPOSE}project={project}"}}))
    listed = {one["Id"]: (one, _container(one, None)) for one in found or ()}
    chosen = [identity for identity, (_, one) in listed.items() if not one.oneoff and inspected(one)]
    answers = engine.ask(*(Question(f"/containers/{identity}/json") for identity in chosen)) if chosen else []
    details = dict(zip(chosen, answers, strict=True))
    # What has gone since it was listed is left out.
    return [
        _container(raw, details[identity]) if identity in details else one
        for identity, (raw, one) in listed.items()
        if not one.oneoff and details.get(identity, {}) is not None
    ]


def find_resources(
    engine: Engine, volumes: Collection[str], networks: Collection[str], labels: Mapping[str, str]
) -> tuple[list[VolumeState], list[NetworkState]]:
    """Return those of the named ``volumes`` and ``networks`` that are there and bear ``labels``."""
    # The engine's own filter by name takes any part of it.
    wanted = {"filters": {"label": [f"{key}={value}" for key, value in labels.items()]}}
    found_volumes, found_networks = engine.ask(Question("/volumes", wanted), Question("/networks", wanted))
    return (
        [_volume(one) for one in (found_volumes or {}).get("Volumes") or () if one["Name"] in volumes],
        [_network(one) for one in found_networks or () if one["Name"] in networks],
    )


def compose_volumes(engine: Engine) -> list[VolumeState]:
    """Return every volume that Compose made for a project, whoever's it is."""
    [found] = engine.ask(Question("/volumes", {"filters": {"label": [f"{COMPOSE}project", f"{COMPOSE}volume"]}}))
    return [_volume(one) for one in (found or {}).get("Volumes") or ()]


def _volume(one: dict[str, Any]) -> VolumeState:
    return VolumeState(one["Name"], one["Driver"], one.get("Labels") or {}, one.get("Options") or {})


def _network(one: dict[str, Any]) -> NetworkState:
    return NetworkState(one["Id"], one["Name"], one["Driver"], bool(one.get("Internal")), one.get("Labels") or {}, one)


def _questions(label: str) -> tuple[Question, Question, Question]:
    wanted = {"filters": {"label": label}}
    return (
        Question("/containers/json", {"all": 1, **wanted}),
        Question("/volumes", wanted),
        Question("/networks", wanted),
    )


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
        # An engine gives them in another order each time.
        mounts=tuple(
            MountPoint(mount.get("Type", ""), mount.get("Name") or "", mount.get("Destination", ""))
            for mount in sorted(one.get("Mounts") or (), key=lambda mount: str(mount.get("Destination", "")))
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
    from datetime import datetime

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
    [running] = engine.ask(Question("/containers/json"))
    for one in running or ():
        name = next(iter(one.get("Names") or ("",))).lstrip("/")
        holder = PortHolder(name, (one.get("Labels") or {}).get(f"{COMPOSE}project", ""))
        for port in one.get("Ports") or ():
            if port.get("PublicPort"):
                holders[port.get("IP", ""), int(port["PublicPort"]), str(port.get("Type", "tcp"))] = holder
    return holders


def service_logs(engine: Engine, container: str, *, tail: int = 20) -> str | None:
    """Return the last ``tail`` lines that a container has written, without following.

    None where they cannot be read: its log driver keeps nothing, or it has been removed since.
    """
    from docker.errors import APIError

    with engine.errors():
        try:
            written = engine.api.logs(container, stdout=True, stderr=True, tail=tail)
        except APIError:
            return None
    return written.decode("utf-8", "replace") if isinstance(written, bytes) else None


def container_events(engine: Engine, label: str) -> Iterator[dict[str, Any]]:
    """Return what happens to containers that bear ``label``, from this moment on, whenever it is read first."""
    return engine.events({"type": "container", "event": _EVENTS, "label": label}, since=f"{engine.now():.6f}")


def wait_for_change(engine: Engine, project: str, *, since: float, timeout: float) -> None:
    """Return when a container of ``project`` has changed its state or health, at the latest after ``timeout`` seconds.

    ``since`` (the engine's time in Unix seconds) is when the caller began its last look, so that nothing is missed in
    between.
    """
    filters = {"type": "container", "event": _EVENTS, "label": f"{COMPOSE}project={project}"}
    # Without `since` the engine would first tell of everything that it remembers.
    bounds = {"since": f"{since:.6f}", "until": f"{engine.now() + timeout:.6f}"}
    stream = engine.events(filters, patience=timeout + _GRACE, **bounds)
    next(stream, None)
    stream.close()
