"""Environments and containers as tables and as data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from envman.operations.status import EnvironmentStatus
from envman.output.tables import Cell, age, size, table, timestamp
from envman.output.up import url_data
from envman.plan.observed import ContainerState
from envman.plan.published import Url, running_urls
from envman.registry.reference import short_id

if TYPE_CHECKING:
    from envman.operations.services import ServiceStatus


def status_table(statuses: Sequence[EnvironmentStatus]) -> str:
    """Return a row for each environment, and below it what drifts."""
    rows: list[list[Cell]] = []
    for one in statuses:
        since = age(time.time() - one.since) if one.since else ""
        urls = [f"{url.label if url.name else url.service} {url.url}" for url in one.urls]
        rows.append(
            [
                _mark(one) + _name(one),
                one.state,
                one.health,
                since,
                _drift(one),
                one.locked,
                str(one.snapshots or ""),
                urls,
            ]
        )
    lines = [table(["  ENVIRONMENT", "STATE", "HEALTH", "SINCE", "DRIFT", "LOCKED", "SNAPSHOTS", "URLS"], rows)]
    drifting = [(_name(one), words) for one in statuses for words in one.drift or ()]
    lines += [f"  {name}: {words}" for name, words in drifting]
    return "\n".join(lines)


def _mark(one: EnvironmentStatus) -> str:
    return "* " if one.chosen else "  "


def _name(one: EnvironmentStatus) -> str:
    return one.name if one.instance is None else f"{one.name} ({one.instance})"


def _drift(one: EnvironmentStatus) -> str:
    if not one.blueprint:
        return "no blueprint"
    if one.drift is None:
        return "unknown"
    if not one.services:
        return ""
    count = len(one.drift)
    return "none" if not count else f"{count} service{'' if count == 1 else 's'}"


def status_data(one: EnvironmentStatus) -> dict[str, Any]:
    """Return a status as plain data; ``drift`` null where the blueprint has errors."""
    return {
        "environment": one.name,
        "instance": one.instance,
        "state": one.state,
        "health": one.health,
        "services": list(one.services),
        "since": timestamp(one.since),
        "urls": [url_data(url) for url in one.urls],
        "chosen": one.chosen,
        "drift": None if one.drift is None else list(one.drift),
        "locked": one.locked,
        "blueprint": one.blueprint,
        "snapshots": one.snapshots,
    }


def services_text(name: str, services: Sequence[ServiceStatus]) -> str:
    """Return a row for each container of environment ``name``, then what has to be said in more words."""
    rows: list[list[Cell]] = []
    for one in services:
        container = one.container
        usage = one.usage
        since = age(time.time() - container.started_at) if container.started_at and _runs(container) else ""
        rows.append(
            [
                container.service + (" (job)" if container.oneoff else ""),
                container.name,
                _state(container),
                since,
                str(container.restart_count or ""),
                container.image,
                _digest(one),
                "" if usage is None else f"{usage.cpu:.1f} %",
                "" if usage is None else size(usage.memory) + (f" of {size(usage.limit)}" if usage.limit else ""),
                _urls(one.urls),
            ]
        )
    headings = [
        "SERVICE", "CONTAINER", "STATE", "SINCE", "RESTARTS", "IMAGE", "DIGEST", "CPU", "MEMORY", "PORTS",
    ]  # fmt: skip
    lines = [table(headings, rows)] if rows else [f"{name} has no containers"]
    for one in services:
        words = [f"drift: {text}" for text in one.drift]
        output = one.container.health_output.strip()
        if output and one.container.health is not None:
            words.append(f"last health check: {' '.join(output.split())[:200]}")
        if words:
            lines += ["", one.container.name, *(f"  {text}" for text in words)]
    return "\n".join(lines)


def _digest(one: ServiceStatus) -> str:
    return short_id(one.image_digest)


def service_data(one: ServiceStatus) -> dict[str, Any]:
    """Return a container as plain data; ``usage`` is null where it does not run, ``drift`` null where unknown."""
    usage = one.usage
    return {
        **container_data(one.container, one.urls),
        "image_digest": one.image_digest,
        "since": timestamp(one.container.started_at),
        "ports": [
            {"host_ip": port.host_ip, "published": port.host_port, "target": port.container_port,
             "protocol": port.protocol}
            for port in one.container.ports if port.host_port
        ],
        "usage": None if usage is None else
        {"cpu_percent": round(usage.cpu, 2), "memory": usage.memory, "memory_limit": usage.limit},
        "drift": list(one.drift) if one.compared else None,
    }  # fmt: skip


def container_table(containers: Sequence[ContainerState]) -> str:
    """Return a row for each container."""
    rows: list[list[Cell]] = [
        [
            one.service + (" (job)" if one.oneoff else ""),
            one.name,
            _state(one),
            str(one.restart_count or ""),
            one.image,
            _urls(running_urls([one])),
        ]
        for one in sorted(containers, key=lambda one: (one.service, one.number or 0))
    ]
    return table(["SERVICE", "CONTAINER", "STATE", "RESTARTS", "IMAGE", "URLS"], rows)


def _urls(urls: Iterable[Url]) -> list[str]:
    return [f"{one.name} {one.url}" if one.name else one.url for one in urls]


def _runs(one: ContainerState) -> bool:
    return one.state in {"running", "paused", "restarting"}


def _state(one: ContainerState) -> str:
    if one.state == "running" and one.health:
        return one.health
    if one.state == "exited" and one.exit_code is not None:
        return f"exited ({one.exit_code})"
    return one.state


def container_data(one: ContainerState, urls: Iterable[Url] | None = None) -> dict[str, Any]:
    """Return a container as plain data; ``urls`` with the names that the blueprint gives them, if it was read."""
    return {
        "service": one.service,
        "name": one.name,
        "id": one.id,
        "job": one.oneoff,
        "state": one.state,
        "health": one.health,
        "exit_code": one.exit_code,
        "restarts": one.restart_count,
        "image": one.image,
        "image_id": one.image_id,
        "digest": one.digest,
        "urls": [url_data(url) for url in (running_urls([one]) if urls is None else urls)],
        "health_output": one.health_output,
    }
