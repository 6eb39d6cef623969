"""How the environments of a project are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envman import LABEL_PREFIX
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One environment at a glance.

    ``state`` is up, partly up, stopped, down (data kept) or never created; ``since`` is when, in Unix seconds, the
    youngest of its running containers started.
    """

    name: str
    instance: str | None
    state: str
    health: str
    services: tuple[str, ...]
    since: float | None
    urls: tuple[str, ...]
    chosen: bool


def all_statuses(workspace: Workspace) -> list[EnvironmentStatus]:
    """Return every environment of the project in this checkout, and every instance that exists."""
    from envman.engine.observe import observe
    from envman.state.selection import read_selection

    observed = observe(workspace.engine, None, checkout=workspace.checkout.id, details=False)
    selection = read_selection(workspace.checkout.state)
    instance = workspace.chosen_instance()
    keys: dict[tuple[str, str | None], None] = {}
    for name in workspace.project.environments(workspace.report):
        keys[name, instance] = None
    for one in observed.containers:
        if one.labels.get(f"{LABEL_PREFIX}project") == workspace.project.name:
            keys[one.labels.get(f"{LABEL_PREFIX}environment", ""), one.labels.get(f"{LABEL_PREFIX}instance")] = None
    return [
        _status(name, own, observed, workspace, chosen=(name, own) == (selection.environment, instance))
        for name, own in keys
    ]


def _status(
    name: str, instance: str | None, observed: Observed, workspace: Workspace, *, chosen: bool
) -> EnvironmentStatus:
    containers = [
        one
        for one in observed.containers
        if _labels_match(one.labels, workspace.project.name, name, instance) and not one.oneoff
    ]
    running = [one for one in containers if one.state == "running"]
    volumes = [one for one in observed.volumes if _labels_match(one.labels, workspace.project.name, name, instance)]
    if not containers:
        state = "down, data kept" if volumes else "never created"
    elif not running:
        state = "stopped"
    else:
        finished = [one for one in containers if one.state == "exited" and not one.exit_code]
        state = "up" if len(running) + len(finished) == len(containers) else "partly up"
    starts = [one.started_at for one in running if one.started_at]
    return EnvironmentStatus(
        name=name,
        instance=instance,
        state=state,
        health=_health(running),
        services=tuple(sorted({one.service for one in containers})),
        since=max(starts) if starts else None,
        urls=tuple(url for one in running for url in published_urls(one)),
        chosen=chosen,
    )


def _labels_match(labels: Mapping[str, str], project: str, name: str, instance: str | None) -> bool:
    return (
        labels.get(f"{LABEL_PREFIX}project") == project
        and labels.get(f"{LABEL_PREFIX}environment") == name
        and labels.get(f"{LABEL_PREFIX}instance") == instance
    )


def _health(running: list[ContainerState]) -> str:
    if not running:
        return ""
    for state in ("unhealthy", "starting"):
        names = sorted({one.service for one in running if one.health == state})
        if names:
            return f"{state}: {', '.join(names)}"
    return "healthy" if any(one.health == "healthy" for one in running) else "running"


def published_urls(one: ContainerState) -> list[str]:
    """Return where a container's published TCP ports can be reached, each once."""
    hosts: dict[tuple[int, str], None] = {}
    for port in one.ports:
        if port.host_port and port.protocol == "tcp":
            host = port.host_ip if port.host_ip not in {"", "0.0.0.0", "::"} else "localhost"  # noqa: S104
            hosts[port.host_port, host] = None
    return [f"http://{f'[{host}]' if ':' in host else host}:{port}" for port, host in hosts]


def containers_of(workspace: Workspace, name: str, *, everything: bool) -> list[ContainerState]:
    """Return the containers of environment ``name`` in this checkout; running ones, or all with ``everything``."""
    from envman.engine.observe import observe

    instance = workspace.chosen_instance()
    compose_project = f"{workspace.project.name}-{name}" + (f"-{instance}" if instance else "")
    observed = observe(workspace.engine, [compose_project], details=everything)
    return [
        one
        for one in observed.containers
        if one.labels.get(f"{LABEL_PREFIX}checkout") == workspace.checkout.id
        and (everything or one.state in {"running", "restarting", "paused"})
    ]
