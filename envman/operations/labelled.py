"""An environment that only its labels on the engine tell of: its blueprint is gone, renamed, or does not load."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic, EnvmanError, Note, Report, Severity, Source
from envman.diagnostics.diagnostic import fail
from envman.language.normalise import normalise
from envman.model.binding import bind
from envman.model.environment import Environment
from envman.model.header import ENVIRONMENT_NAME, PROJECT_NAME, ProjectFile
from envman.model.stack import Stack
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed
from envman.plan.order import dependencies
from envman.source.reader import read_tree
from envman.source.writer import write_yaml
from envman.state.checkout import Checkout
from envman.state.definitions import Definitions, read_definitions

_COMPOSE = "com.docker.compose."
# As many of a blueprint's errors as one warning quotes.
_FEW = 3


def find_present(workspace: Workspace, name: str | None) -> tuple[Workspace, Environment]:
    """Return environment ``name`` (default: the chosen one), for commands on what is there already.

    Where its blueprint is gone or does not load, it is made from the labels on the engine, and the report has a
    warning EV014. ``PROJECT/NAME`` is one that this checkout has under an older name of its project; the workspace is
    that project's then.

    Raises:
        EnvmanError: as ``Workspace.environment`` where the engine has nothing of it either.
    """
    chosen = workspace.chosen(name)
    project, slash, short = chosen.rpartition("/")
    if slash:
        workspace = under_project(workspace, project)
        found = labelled(workspace, short, workspace.chosen_instance())
        if found is None:
            raise fail("EV003", f'this checkout has no environment "{short}" of a project "{project}"', help=_STATUS)
        return workspace, found
    try:
        return workspace, workspace.environment(chosen)
    except EnvmanError as error:
        try:
            found = labelled(workspace, chosen, workspace.chosen_instance())
        except EnvmanError:
            raise error from None
        if found is None:
            raise
        workspace.report = Report()
        workspace.report.add(_by_labels(workspace, found, error.diagnostics))
    return workspace, found


_STATUS = "`envman status` lists what there is"


def _by_labels(workspace: Workspace, found: Environment, errors: Iterable[Diagnostic]) -> Diagnostic:
    exists = found.name in workspace.project.blueprints
    why = "its blueprint does not load" if exists else "it has no blueprint"
    known = "" if _recorded_protection(workspace, found.key) is not None else "; its data counts as protected"
    notes = tuple(Note(f"{one.code}: {one.message}", one.span) for one in list(errors)[:_FEW]) if exists else ()
    return Diagnostic(
        "EV014",
        f"{found.name} is taken from the labels on the engine: {why}{known}",
        notes=notes,
        help=f"`envman down {found.name}` removes it and keeps its data"
        + ("" if exists else f"; `envman rename {found.name} NEW` carries it over to another blueprint"),
        severity=Severity.WARNING,
    )


def under_project(workspace: Workspace, project: str) -> Workspace:
    """Return ``workspace`` as it was when its project was called ``project``: with that name's state folder.

    Raises:
        EnvmanError: EV003 where that is no name for a project.
    """
    if not re.fullmatch(PROJECT_NAME, project):
        raise fail("EV003", f'there is no project "{project}"', help=_STATUS)
    checkout = workspace.checkout
    given = {name: value for name, value in vars(workspace.project.file).items() if value is not None}
    file = ProjectFile(**{**given, "name": project})
    other = replace(workspace, project=replace(workspace.project, file=file), report=Report())
    state = checkout.state.parent / f"{project}-{checkout.id}"
    other.__dict__["checkout"] = Checkout(checkout.id, checkout.root, state if state.is_dir() else checkout.state)
    return other


def labelled(workspace: Workspace, name: str, instance: str | None) -> Environment | None:
    """Return environment ``name`` (of ``instance``) made from the engine; None where nothing bears its labels.

    It has the services, networks and volumes that are there, the order of the services, and what is recorded of how
    its data is to be kept.

    Raises:
        EnvmanError: EV4xx for the engine.
    """
    if not re.fullmatch(ENVIRONMENT_NAME, name):
        return None
    from envman.engine.observe import observe

    project = workspace.project.name
    key = f"{name}-{instance}" if instance else name
    wanted = {
        f"{LABEL_PREFIX}checkout": workspace.checkout.id,
        f"{LABEL_PREFIX}project": project,
        f"{LABEL_PREFIX}environment": name,
        f"{LABEL_PREFIX}instance": instance,
    }
    seen = observe(workspace.engine, [f"{project}-{key}"], details=False)

    def ours(labels: Mapping[str, str]) -> bool:
        return all(labels.get(label) == value for label, value in wanted.items())

    observed = Observed(
        tuple(one for one in seen.containers if ours(one.labels)),
        tuple(one for one in seen.volumes if ours(one.labels)),
        tuple(one for one in seen.networks if ours(one.labels)),
    )
    if not (observed.containers or observed.volumes or observed.networks):
        return None
    recorded = read_definitions(workspace.checkout.state, key)
    protected = _recorded_protection(workspace, key)
    return _environment(project, name, instance, _data(observed, recorded), protected=protected is not False)


def _recorded_protection(workspace: Workspace, key: str) -> bool | None:
    """Return whether an environment is protected; None where neither the last `up` nor a blueprint says so."""
    recorded = read_definitions(workspace.checkout.state, key).protected
    name = key.partition("-")[0]
    layer = workspace.project.layer(name, Report()) if name in workspace.project.blueprints else None
    if layer is not None and layer.header.protected:
        return True
    return recorded


def _environment(
    project: str, name: str, instance: str | None, data: dict[str, Any], *, protected: bool
) -> Environment:
    report = Report()
    tree = read_tree(Source(f"{project}/{name} on the engine", write_yaml(data)), report)
    report.raise_errors()
    assert tree is not None  # there was no error
    tree = normalise(tree, report)
    stack, plain = bind(tree, Stack, report, what="a stack on the engine")
    report.raise_errors()
    assert stack is not None
    return Environment(
        project=project,
        name=name,
        instance=instance,
        description="",
        protected=protected,
        layers=(name,),
        files=("labels on the engine",),
        stack=stack,
        data=plain,
        tree=tree,
        by_labels=True,
    )


def _data(observed: Observed, recorded: Definitions) -> dict[str, Any]:
    volumes = {one.labels.get(f"{_COMPOSE}volume") or one.name: one.name for one in observed.volumes}
    networks = {one.labels.get(f"{_COMPOSE}network") or one.name: one.name for one in observed.networks}
    by_service: dict[str, list[ContainerState]] = {}
    for one in sorted(observed.containers, key=lambda one: (one.oneoff, one.number)):
        by_service.setdefault(one.service, []).append(one)
    services = {name: _service(mine, by_service, volumes, networks, recorded) for name, mine in by_service.items()}
    return {
        "services": services,
        "networks": {key: {"name": name} for key, name in networks.items()},
        "volumes": {
            key: {"name": name, **({"retain": kept} if (kept := recorded.retain.get(name)) else {})}
            for key, name in volumes.items()
        },
    }


def _service(
    containers: list[ContainerState],
    present: Mapping[str, object],
    volumes: Mapping[str, str],
    networks: Mapping[str, str],
    recorded: Definitions,
) -> dict[str, Any]:
    first = containers[0]
    keys = {name: key for key, name in volumes.items()}
    attached = [key for key, name in networks.items() if name in first.networks]
    service: dict[str, Any] = {
        "image": first.image,
        "scale": sum(not one.oneoff for one in containers),
        "depends_on": {
            one.service: {"condition": one.condition, "required": False}
            for one in dependencies(first)
            if one.service in present and one.service != first.service
        },
        "volumes": [
            {"type": "volume", "source": keys[mount.name], "target": mount.target}
            for mount in first.mounts
            if mount.name in keys
        ],
    }
    # Only Compose runs this, and only where the file that it is given has it.
    definition = recorded.services.get(first.digest or "", {})
    if definition.get("pre_stop"):
        service["pre_stop"] = definition["pre_stop"]
    return {**service, **({"networks": attached} if attached else {"network_mode": "none"})}
