"""How the environments of a project are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from envman import LABEL_PREFIX
from envman.operations.overview import Overview, overview
from envman.plan.observed import ContainerState, Observed
from envman.plan.published import Url, running_urls
from envman.plan.sketch import ServiceSketch, Sketch, listed_drift
from envman.state.journal import interrupted_switch
from envman.state.lock import is_alive, is_held
from envman.state.renaming import read_renaming

if TYPE_CHECKING:
    from envman.diagnostics import Diagnostic
    from envman.engine.connection import Engine
    from envman.operations.workspace import Workspace

SNAPSHOTS = "snapshots"


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One environment at a glance.

    ``state`` is up, partly up, stopped, down (data kept) or never created; ``since`` is when, in Unix seconds, the
    youngest of its running containers started; ``drift`` says in words, a service each, what differs from the
    blueprint, and is None where that cannot be read. ``locked`` is locked, differs (the blueprint says, or what runs is
    something else than the lock) or no. ``blueprint`` is whether there is one.
    """

    name: str
    instance: str | None
    state: str
    health: str
    services: tuple[str, ...]
    since: float | None
    urls: tuple[Url, ...]
    chosen: bool
    drift: tuple[str, ...] | None = ()
    snapshots: int = 0
    locked: str = "no"
    blueprint: bool = True


def unfinished_switch(state: Path) -> list[Diagnostic]:
    """Return a warning for a switch or rename that was neither finished nor taken back, unless it is under way."""
    from envman.diagnostics import EnvmanError, Severity

    try:
        entry, renaming = interrupted_switch(state), read_renaming(state)
    except EnvmanError as error:
        return [replace(one, severity=Severity.WARNING) for one in error.diagnostics]
    if entry is None and renaming is None:
        return []
    from envman.operations.unfinished import unfinished, unfinished_rename

    found = []
    if entry is not None and not (is_held(state) and is_alive(entry.pid)):
        found.append(unfinished(entry))
    if renaming is not None and not is_held(state):
        found.append(unfinished_rename(renaming[0]))
    return [replace(one, severity=Severity.WARNING) for one in found]


class Statuses:
    """The environments of a project in this checkout, to be looked at once or again and again.

    Raises:
        EnvmanError: where there is no project or state folder, or the context is unknown.
    """

    def __init__(
        self, directory: Path, environ: Mapping[str, str], *, context: str | None = None, instance: str | None = None
    ) -> None:
        from envman.engine.connection import connect
        from envman.engine.endpoint import resolve_endpoint
        from envman.source.root import find_root

        self.root, self.environ, self.context, self.instance = find_root(directory), environ, context, instance
        self.endpoint = resolve_endpoint(environ, context=context)
        self.engine: Engine = connect(self.endpoint)
        self.state: Path | None = None

    def workspace(self) -> Workspace:
        """Return the workspace, read anew, on the same engine."""
        from envman.operations.workspace import Workspace

        made = Workspace.at(self.root, self.environ, context=self.context, instance=self.instance)
        made.__dict__.update(endpoint=self.endpoint, engine=self.engine)
        return made

    def overview(self) -> Overview:
        """Return what the blueprints say now."""
        return overview(self.root, self.instance, self.environ, self.engine, self.workspace)

    def look(self) -> list[EnvironmentStatus]:
        """Return every environment, and every instance that exists.

        Raises:
            EnvmanError: EV4xx for the engine.
        """
        from envman.engine.images import image_ids
        from envman.engine.observe import observe

        seen = self.overview()
        self.state = seen.checkout.state
        observed = observe(self.engine, None, checkout=seen.checkout.id)
        used = {one.image for made in seen.sketches.values() for one in made.services.values() if one.image}
        images = image_ids(self.engine, used) if observed.containers else {}
        keys = {(seen.project, name, seen.chosen[1]): None for name in seen.environments}
        # Also what has no blueprint any more, and what is under an older name of the project.
        found = [*(one.labels for one in observed.containers), *(one.labels for one in observed.volumes)]
        for labels in found:
            project, name = labels.get(f"{LABEL_PREFIX}project"), labels.get(f"{LABEL_PREFIX}environment")
            if project and name:
                keys[project, name, labels.get(f"{LABEL_PREFIX}instance")] = None
        return [_status(seen, key, observed, self._sketch(seen, *key), images) for key in keys]

    def unfinished(self) -> list[Diagnostic]:
        """Return a warning where a switch was neither finished nor taken back, once this has looked."""
        return [] if self.state is None else unfinished_switch(self.state)

    def _sketch(self, seen: Overview, project: str, name: str, instance: str | None) -> Sketch | None:
        if project != seen.project:
            return None
        if instance == seen.chosen[1]:
            return seen.sketches.get(name)
        if name not in seen.environments:
            return None
        other = Statuses(self.root, self.environ, context=self.context, instance=instance or "")
        return other.overview().sketches.get(name) if instance is not None else None


def _status(
    seen: Overview,
    identity: tuple[str, str, str | None],
    observed: Observed,
    made: Sketch | None,
    images: Mapping[str, str],
) -> EnvironmentStatus:
    project, name, instance = identity
    containers = [
        one for one in observed.containers if _labels_match(one.labels, project, name, instance) and not one.oneoff
    ]
    running = [one for one in containers if one.state == "running"]
    volumes = [one for one in observed.volumes if _labels_match(one.labels, project, name, instance)]
    starts = [one.started_at for one in running if one.started_at]
    key = name if instance is None else f"{name}-{instance}"
    current = project == seen.project
    state = seen.checkout.state if current else seen.checkout.state.parent / f"{project}-{seen.checkout.id}"
    declared = {} if made is None else {service: one.ports for service, one in made.services.items()}
    drift: tuple[str, ...] | None = ()
    if containers:
        lock = seen.locks.get(name) if current else None
        locked = lock.images if lock is not None else {}
        drift = None if made is None else tuple(listed_drift(made, containers, images, locked))
    return EnvironmentStatus(
        name=name if current else f"{project}/{name}",
        instance=instance,
        state=_state(made, containers, has_data=bool(volumes)),
        health=_health(running),
        services=tuple(sorted({one.service for one in containers})),
        since=max(starts) if starts else None,
        urls=tuple(running_urls(running, declared)),
        chosen=current and (name, instance) == seen.chosen,
        drift=drift,
        snapshots=count_snapshots(state, key),
        locked=_locked(seen, name, containers) if current else "no",
        blueprint=current and name in seen.environments,
    )


def _locked(seen: Overview, name: str, containers: list[ContainerState]) -> str:
    found = seen.locks.get(name)
    return "no" if found is None else "locked" if found.holds(containers) else "differs"


def _state(made: Sketch | None, containers: list[ContainerState], *, has_data: bool) -> str:
    if not containers:
        return "down, data kept" if has_data else "never created"
    if not any(one.state == "running" for one in containers):
        return "stopped"
    down = [one for one in containers if one.state != "running" and (one.state != "exited" or one.exit_code)]
    present = {one.service for one in containers}
    services = {} if made is None else made.services
    lacking = [name for name, one in services.items() if one.wanted and one.replicas and name not in present]
    ended = [one for one in containers if one.state == "exited" and not _may_end(services, one.service)]
    return "partly up" if down or lacking or ended else "up"


def _may_end(services: Mapping[str, ServiceSketch], name: str) -> bool:
    """Whether a service may have ended well; where the blueprint cannot be read, any may."""
    return name not in services or services[name].one_shot


def count_snapshots(state: Path, key: str) -> int:
    """Return how many snapshots the environment with ``key`` has: each is a folder."""
    try:
        return sum(1 for one in (state / SNAPSHOTS / key).iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError:
        return 0


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


def containers_of(
    workspace: Workspace, name: str, *, everything: bool, services: Collection[str] = ()
) -> list[ContainerState]:
    """Return the containers of environment ``name`` in this checkout: of ``services``, or of all where none is named.

    These are the running ones, or all with ``everything``.
    """
    from envman.engine.observe import observe

    instance = workspace.chosen_instance()
    compose_project = f"{workspace.project.name}-{name}" + (f"-{instance}" if instance else "")
    observed = observe(workspace.engine, [compose_project], details=everything)
    return [
        one
        for one in observed.containers
        if one.labels.get(f"{LABEL_PREFIX}checkout") == workspace.checkout.id
        and (not services or one.service in services)
        and (everything or one.state in {"running", "restarting", "paused"})
    ]
