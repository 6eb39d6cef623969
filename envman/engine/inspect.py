"""A stack that runs, read for a capture: everything that the engine says of it. Nothing on the engine is changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from envman.capture.running import Running
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail, near_match
from envman.engine.connection import Engine
from envman.engine.wire import Question

_COMPOSE: Final = "com.docker.compose."
_STACK: Final = "com.docker.stack.namespace"
_TASK_OF: Final = "com.docker.swarm.service.id"
# Kinds of change that the engine tells of a container's own layer.
_ADDED: Final = 1


class Stacks(NamedTuple):
    """What could be captured: Compose projects, Swarm stacks, and containers that belong to neither."""

    projects: tuple[str, ...]
    stacks: tuple[str, ...]
    containers: tuple[str, ...]

    def words(self) -> str:
        """Return what there is, in words."""
        found = [
            f"{kind} {', '.join(names)}"
            for kind, names in (("projects", self.projects), ("stacks", self.stacks), ("containers", self.containers))
            if names
        ]
        return "; ".join(found) or "no container"


def read_running(engine: Engine, project: str | None, names: Sequence[str]) -> Running:
    """Return what the engine says of Compose project or Swarm stack ``project``, or of the containers ``names``.

    Raises:
        EnvmanError: EV820 where neither is named and it is not clear which is meant, EV821 where it is not there, EV4xx
            for the engine.
    """
    [info] = engine.ask(Question("/info"))
    if names:
        containers, services = _by_name(engine, info, names)
        return _complete(engine, info, "", containers, services)
    if project is None:
        project = _the_only_one(stacks_on(engine))
    containers, services = _of_project(engine, info, project)
    if not containers and not services:
        there = stacks_on(engine)
        raise fail(
            "EV821",
            f'there is no Compose project or Swarm stack "{project}" on {engine.endpoint.shown}',
            expected=near_match(project, (*there.projects, *there.stacks)) or there.words(),
            help="name single containers by their names: `envman capture NAME...`",
        )
    return _complete(engine, info, project, containers, services)


def stacks_on(engine: Engine) -> Stacks:
    """Return what could be captured."""
    [info] = engine.ask(Question("/info"))
    [listed] = engine.ask(Question("/containers/json", {"all": 1}))
    services = engine.ask(Question("/services"))[0] if _is_manager(info) else ()
    projects: set[str] = set()
    alone: list[str] = []
    for one in listed or ():
        labels = one.get("Labels") or {}
        if labels.get(f"{_COMPOSE}project"):
            projects.add(labels[f"{_COMPOSE}project"])
        elif _TASK_OF not in labels:
            alone.append(next(iter(one.get("Names") or (one["Id"][:12],))).lstrip("/"))
    stacks = {(one["Spec"].get("Labels") or {}).get(_STACK) for one in services or ()} - {None}
    return Stacks(tuple(sorted(projects)), tuple(sorted(map(str, stacks))), tuple(sorted(alone)))


def _the_only_one(there: Stacks) -> str:
    found = (*there.projects, *there.stacks)
    if len(found) == 1:
        return found[0]
    raise fail(
        "EV820",
        "which stack to capture is not said, and there is more than one" if found else "there is no stack to capture",
        expected=there.words(),
        help="name a project with `--project NAME`, or containers by their names",
    )


def _is_manager(info: dict[str, Any]) -> bool:
    swarm = info.get("Swarm") or {}
    return swarm.get("LocalNodeState") == "active" and bool(swarm.get("ControlAvailable"))


def _of_project(engine: Engine, info: dict[str, Any], project: str) -> tuple[list[Any], list[Any]]:
    [listed] = engine.ask(
        Question("/containers/json", {"all": 1, "filters": {"label": f"{_COMPOSE}project={project}"}})
    )
    ours = [
        one["Id"]
        for one in listed or ()
        # What `compose run` made is no service.
        if (one.get("Labels") or {}).get(f"{_COMPOSE}oneoff", "").lower() != "true"
    ]
    services: list[Any] = []
    if _is_manager(info):
        services = engine.ask(Question("/services", {"filters": {"label": f"{_STACK}={project}"}}))[0] or []
    return _inspected(engine, ours), services


def _by_name(engine: Engine, info: dict[str, Any], names: Sequence[str]) -> tuple[list[Any], list[Any]]:
    found = engine.ask(*(Question(f"/containers/{name}/json") for name in names))
    containers: dict[str, Any] = {}
    services: dict[str, Any] = {}
    for name, one in zip(names, found, strict=True):
        wanted = name
        if one is not None:
            task_of = ((one.get("Config") or {}).get("Labels") or {}).get(_TASK_OF)
            if not (task_of and _is_manager(info)):
                containers[one["Id"]] = one
                continue
            wanted = task_of
        service = engine.ask(Question(f"/services/{wanted}"))[0] if _is_manager(info) else None
        if service is None:
            there = stacks_on(engine)
            raise fail(
                "EV821",
                f'there is no container "{name}" on {engine.endpoint.shown}',
                expected=near_match(name, there.containers) or there.words(),
            )
        services[service["ID"]] = service
    return list(containers.values()), list(services.values())


def _inspected(engine: Engine, identities: Iterable[str]) -> list[Any]:
    questions = [Question(f"/containers/{one}/json") for one in identities]
    # What has gone since it was listed is left out.
    return [one for one in (engine.ask(*questions) if questions else []) if one is not None]


def _complete(engine: Engine, info: dict[str, Any], name: str, containers: list[Any], services: list[Any]) -> Running:
    images = {str(one["Image"]) for one in containers}
    networks: set[str] = set()
    volumes: set[str] = set()
    for one in containers:
        networks |= set((one.get("NetworkSettings") or {}).get("Networks") or {}) | {
            str(one["HostConfig"].get("NetworkMode") or "")
        }
        volumes |= {str(mount["Name"]) for mount in one.get("Mounts") or () if mount.get("Type") == "volume"}
    for mount in (mount for one in containers for mount in one["HostConfig"].get("Mounts") or ()):
        (images if mount.get("Type") == "image" else volumes).add(str(mount.get("Source") or ""))
    for service in services:
        task = service["Spec"]["TaskTemplate"]
        container = task.get("ContainerSpec") or {}
        images.add(str(container.get("Image")))
        networks |= {str(one["Target"]) for one in task.get("Networks") or service["Spec"].get("Networks") or ()}
        volumes |= {str(one.get("Source")) for one in container.get("Mounts") or () if one.get("Type") == "volume"}
    found_networks = _described(engine, "networks", {one for one in networks if not one.startswith("container:")})
    found_networks |= {str(one["Id"]): one for one in found_networks.values()}
    found_networks |= {str(one["Name"]): one for one in found_networks.values()}
    return Running(
        name=name,
        engine=info,
        containers=tuple(containers),
        services=tuple(services),
        images=_described(engine, "images", images, "/json"),
        networks=found_networks,
        volumes=_described(engine, "volumes", {one for one in volumes if not one.startswith("/")}),
        added=_added(engine, [str(one["Id"]) for one in containers]),
    )


def _described(engine: Engine, kind: str, names: Iterable[str], ending: str = "") -> dict[str, Any]:
    wanted = sorted(one for one in names if one)
    if not wanted:
        return {}
    answers = engine.ask(*(Question(f"/{kind}/{one}{ending}") for one in wanted))
    return {name: one for name, one in zip(wanted, answers, strict=True) if one is not None}


def _added(engine: Engine, identities: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the paths that were written into the containers' own layers."""
    if not identities:
        return {}
    try:
        answers = engine.ask(*(Question(f"/containers/{one}/changes") for one in identities))
    except EnvmanError as error:
        if any(one.code != "EV410" for one in error.diagnostics):
            raise
        return {}  # an engine or a storage driver that cannot tell (Windows)
    return {
        identity: tuple(str(one["Path"]) for one in changes or () if one.get("Kind") == _ADDED)
        for identity, changes in zip(identities, answers, strict=True)
    }
