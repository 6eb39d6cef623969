"""Environments and containers as tables and as data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from envman.operations.status import EnvironmentStatus, published_urls
from envman.output.tables import age, table
from envman.plan.observed import ContainerState


def status_table(statuses: Sequence[EnvironmentStatus]) -> str:
    """Return a row for each environment."""
    rows = []
    for one in statuses:
        name = one.name if one.instance is None else f"{one.name} ({one.instance})"
        since = age(time.time() - one.since) if one.since else ""
        rows.append([f"{'*' if one.chosen else ' '} {name}", one.state, one.health, since, "  ".join(one.urls)])
    return table(["  ENVIRONMENT", "STATE", "HEALTH", "SINCE", "URLS"], rows)


def status_data(one: EnvironmentStatus) -> dict[str, Any]:
    """Return a status as plain data; ``since`` in Unix seconds."""
    return {
        "environment": one.name,
        "instance": one.instance,
        "state": one.state,
        "health": one.health,
        "services": list(one.services),
        "since": one.since,
        "urls": list(one.urls),
        "chosen": one.chosen,
    }


def container_table(containers: Sequence[ContainerState]) -> str:
    """Return a row for each container."""
    rows = [
        [
            one.service + (" (job)" if one.oneoff else ""),
            one.name,
            _state(one),
            str(one.restart_count or ""),
            one.image,
            "  ".join(published_urls(one)),
        ]
        for one in sorted(containers, key=lambda one: (one.service, one.number or 0))
    ]
    return table(["SERVICE", "CONTAINER", "STATE", "RESTARTS", "IMAGE", "URLS"], rows)


def _state(one: ContainerState) -> str:
    if one.state == "running" and one.health:
        return one.health
    if one.state == "exited" and one.exit_code is not None:
        return f"exited ({one.exit_code})"
    return one.state


def container_data(one: ContainerState) -> dict[str, Any]:
    """Return a container as plain data."""
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
        "urls": published_urls(one),
        "health_output": one.health_output,
    }
