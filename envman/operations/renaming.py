"""What a rename of an environment or of the project has to do. Nothing is changed here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic, EnvmanError, Report, Severity
from envman.diagnostics.diagnostic import fail, near_match
from envman.engine.observe import COMPOSE
from envman.lock.lock import lock_path
from envman.model.environment import Environment
from envman.model.header import PROJECT_NAME
from envman.operations.labelled import labelled, under_project
from envman.operations.shelves import environments_with_snapshots
from envman.operations.volumes import data_volumes, images_for
from envman.operations.workspace import Workspace
from envman.plan.observed import Observed, VolumeState
from envman.plan.order import UP
from envman.project import BLUEPRINTS, check_environment_name
from envman.source.root import PROJECT_FILE
from envman.state.copying import read_copying
from envman.state.journal import interrupted_switch
from envman.state.ports import read_ports
from envman.state.renaming import CarriedVolume, Renaming
from envman.state.reproductions import read_reproduced
from envman.state.selection import read_selection


class Place(NamedTuple):
    """A stack: of which project, environment and instance (empty: none)."""

    project: str
    environment: str
    instance: str

    @property
    def key(self) -> str:
        """The environment's key."""
        return f"{self.environment}-{self.instance}" if self.instance else self.environment


def place_of(labels: Mapping[str, str]) -> Place | None:
    """Return which stack a thing with ``labels`` is of."""
    project, environment = labels.get(f"{LABEL_PREFIX}project"), labels.get(f"{LABEL_PREFIX}environment")
    if not project or not environment:
        return None
    return Place(project, environment, labels.get(f"{LABEL_PREFIX}instance", ""))


def places(observed: Observed) -> set[Place]:
    """Return the stacks that something is there of."""
    labels = [
        *(one.labels for one in observed.containers),
        *(one.labels for one in observed.volumes),
        *(one.labels for one in observed.networks),
    ]
    return {found for one in labels if (found := place_of(one)) is not None}


def rename_environment(workspace: Workspace, old: str, new: str, *, remove: bool) -> Renaming:
    """Return what renaming environment ``old`` to ``new`` has to do, its instances included.

    Its blueprint may have been renamed already; else that is part of it.

    Raises:
        EnvmanError: EV003 and EV004 for the names, EV016 with what keeps it from being renamed, EV4xx for the engine.
    """
    for name in (old, new):
        check_environment_name(name)
    observed = _everything(workspace)
    project, blueprints, state = workspace.project.name, workspace.project.blueprints, workspace.checkout.state
    there = [one for one in places(observed) if one.project == project]
    known = {old, *(one.environment for one in there)} & {*blueprints, *(one.environment for one in there)}
    kept = [key for key in environments_with_snapshots(workspace) if _environment_of(key) == old]
    if old not in known and not kept:
        raise fail("EV003", f'there is no environment "{old}"', expected=near_match(old, blueprints))
    if old not in blueprints and new not in blueprints:
        raise fail("EV003", f'there is no blueprint "{new}"', help=f"write {BLUEPRINTS}/{new}.yaml first")
    keys = sorted({old, *kept, *(one.key for one in there if one.environment == old)})
    pairs = tuple((key, new + key.removeprefix(old)) for key in keys)
    problems = list(_taken(workspace, observed, pairs, new))
    if old in blueprints:
        problems += _blueprint_problems(workspace, old, new)
    moves = [(lock_path(old), lock_path(new)), (f".env.{old}", f".env.{new}")]
    moves.insert(0, (f"{BLUEPRINTS}/{old}.yaml", f"{BLUEPRINTS}/{new}.yaml"))
    root = workspace.project.root
    files = tuple((a, b) for a, b in moves if (root / a).is_file() and not (root / b).exists())
    moves_of = {Place(project, old, ""): Place(project, new, "")}
    shared = _shared(workspace, old if old in blueprints else new)
    carried, wrong = _volumes(workspace, observed, moves_of, shared)
    _raise([*problems, *wrong, *_unfinished(workspace, keys)])
    chosen = read_selection(state).environment == old
    return Renaming(old, new, False, project, project, pairs, tuple(carried), files, chosen=chosen, remove=remove)


def rename_project(workspace: Workspace, new: str, old: str | None, *, remove: bool) -> Renaming:
    """Return what renaming the project to ``new`` has to do, from ``old`` or what it was called before.

    ``envman.yaml`` may say ``new`` already; else that is part of it.

    Raises:
        EnvmanError: EV003 where no other name is known, EV016 with what keeps it from being renamed, EV4xx.
    """
    if not re.fullmatch(PROJECT_NAME, new):
        raise fail(
            "EV004",
            f'"{new}" is not a name for a project',
            expected="up to 40 lower-case letters, digits and -, a letter first",
        )
    current = workspace.project.name
    observed = _everything(workspace)
    there = places(observed)
    others = sorted({one.project for one in there} - {new})
    if old is None:
        old = current if current != new else others[0] if len(others) == 1 else None
    if old is None or old == new or (old != current and old not in others):
        raise fail(
            "EV003",
            f"this checkout has no stack of a project with another name than {new}"
            if not others
            else "more than one project's stacks are this checkout's",
            help=f"name it with `--from {others[0]}`" if others else "`envman status` lists what there is",
        )
    if current not in {old, new}:
        raise fail(
            "EV016", f"the project is called {current}", help=f"`envman rename --project {current} --from {old}`"
        )
    before = under_project(workspace, old)
    mine = {one for one in there if one.project == old}
    keys = {one.key for one in mine} | set(environments_with_snapshots(before))
    pairs = tuple((key, key) for key in sorted(keys))
    problems = [
        _problem(f"{one.key} of project {new} is there already", f"`envman down {one.key} --volumes` first")
        for one in sorted(there)
        if one.project == new
    ]
    after = under_project(workspace, new)
    if after.checkout.state.name == f"{new}-{workspace.checkout.id}":
        problems += [
            _problem(f"{key} of project {new} has {name} already", "choose another name")
            for key in sorted({*keys, *environments_with_snapshots(after)})
            for name, there in _records(after, key)
            if there and (new != current or workspace.project.file.snapshots is None or name == "secrets")
        ]
    moves = {Place(old, one.environment, ""): Place(new, one.environment, "") for one in mine}
    carried, wrong = _volumes(before, observed, moves)
    _raise([*problems, *wrong, *_unfinished(before, sorted(keys))])
    files = ((PROJECT_FILE, PROJECT_FILE),) if current == old else ()
    return Renaming(old, new, True, old, new, pairs, tuple(carried), files, remove=remove)


def _everything(workspace: Workspace) -> Observed:
    from envman.engine.observe import observe

    return observe(workspace.engine, None, checkout=workspace.checkout.id)


def _environment_of(key: str) -> str:
    return key.partition("-")[0]


def _raise(problems: Iterable[Diagnostic]) -> None:
    found = list(problems)
    if found:
        raise EnvmanError(*found)


def _problem(message: str, advice: str) -> Diagnostic:
    return Diagnostic("EV016", message, help=f"{advice}; nothing was changed")


def _taken(
    workspace: Workspace, observed: Observed, pairs: Iterable[tuple[str, str]], new: str
) -> Iterator[Diagnostic]:
    """Yield what is there under the new name already."""
    project, state = workspace.project.name, workspace.checkout.state
    if any(one.project == project and one.environment == new for one in places(observed)):
        yield _problem(f"{new} has containers, volumes or networks", f"`envman down {new} --volumes` first")
    for _, key in pairs:
        kept = [name for name, there in _records(workspace, key) if there]
        if kept or key in read_ports(state):
            what = " and ".join(kept) or "ports"
            yield _problem(f"{key} has {what} already", "choose another name")


def _records(workspace: Workspace, key: str) -> Iterator[tuple[str, bool]]:
    folder = workspace.checkout.state / "secrets" / key
    yield "secrets", folder.is_dir() and any(folder.iterdir())
    yield "snapshots", key in environments_with_snapshots(workspace)


def _blueprint_problems(workspace: Workspace, old: str, new: str) -> Iterator[Diagnostic]:
    project = workspace.project
    if new in project.blueprints:
        yield _problem(
            f"both {BLUEPRINTS}/{old}.yaml and {BLUEPRINTS}/{new}.yaml are there",
            "remove the one that is not wanted any more",
        )
    for name in project.blueprints:
        layer = project.layer(name, Report())
        if layer is not None and old in layer.header.parents:
            yield Diagnostic(
                "EV016",
                f"{name} extends {old}",
                layer.tree_key("extends"),
                help=f"rename the file {BLUEPRINTS}/{old}.yaml and its uses, then run this again; nothing was changed",
            )


def _unfinished(workspace: Workspace, keys: Iterable[str]) -> Iterator[Diagnostic]:
    state = workspace.checkout.state
    if interrupted_switch(state) is not None:
        yield _problem("a switch was interrupted", "`envman switch --resume` or `--abort` first")
    for key in keys:
        copying, copy = read_copying(state, key), read_reproduced(state, key)
        if copying is not None and copying.refilling:
            yield _problem(f"a restore of {key} was interrupted", f"finish it: `envman snapshot restore {key}`")
        if copy is not None and copy.unclean:
            yield _problem(f"{key} holds data that no hook has cleaned", "finish `envman reproduce` first")


def _shared(workspace: Workspace, name: str) -> frozenset[str]:
    """Return the names of the volumes that environment ``name`` shares with others of the project."""
    try:
        stack = workspace.environment(name, to_run=False).stack
    except EnvmanError:
        workspace.report = Report()
        return frozenset()
    return frozenset(one.name for one in stack.volumes.values() if one is not None and one.shared and one.name)


def _volumes(
    workspace: Workspace, observed: Observed, moves: Mapping[Place, Place], staying: frozenset[str] = frozenset()
) -> tuple[list[CarriedVolume], list[Diagnostic]]:
    """Return the volumes that get new names, and why some cannot; those that are ``staying`` keep theirs."""
    from envman.engine.observe import find_resources
    from envman.engine.usage import volume_sizes

    carried: list[CarriedVolume] = []
    problems: list[Diagnostic] = []
    stacks: dict[Place, Environment | None] = {}
    for one in sorted(observed.volumes, key=lambda one: one.name):
        place = place_of(one.labels)
        target = moves.get(place._replace(instance="")) if place is not None else None
        if place is None or target is None or one.name in staying:
            continue
        target = target._replace(instance=place.instance)
        prefix = f"{place.project}-{place.key}_"
        if not one.name.startswith(prefix):
            problems.append(
                _problem(
                    f"volume {one.name} of {place.key} has a name of its own, and its labels cannot change",
                    "take a snapshot, rename, and restore it `--into` the new one; or `external: true`",
                )
            )
            continue
        alike = bool(one.options.get("device"))
        if one.options and not alike:
            problems.append(
                _problem(
                    f"nobody knows where driver {one.driver} would put volume {one.name} under another name",
                    "copy it with the driver's own means",
                )
            )
            continue
        if place not in stacks:
            stacks[place] = _stack(workspace, place)
        made = _carried(workspace, stacks[place], one, target, prefix)
        carried.append(replace(made, alike=alike))
    names = {one.new for one in carried}
    present, _ = find_resources(workspace.engine, names, (), {})
    problems += [_problem(f"volume {one.name} is there already", "remove or rename it") for one in present]
    sizes = volume_sizes(workspace.engine, {one.old for one in carried})
    return [replace(one, size=sizes.get(one.old, -1)) for one in carried], problems


def _stack(workspace: Workspace, place: Place) -> Environment | None:
    """Return the environment at ``place``: by its blueprint, which knows more images, or else by its labels."""
    instance = place.instance or None
    if place.environment in workspace.project.blueprints and workspace.chosen_instance() == instance:
        try:
            return workspace.environment(place.environment, to_run=False)
        except EnvmanError:
            workspace.report = Report()
    return labelled(workspace, place.environment, instance)


def _carried(
    workspace: Workspace, stack: Environment | None, one: VolumeState, target: Place, prefix: str
) -> CarriedVolume:
    labels = {
        **one.labels,
        f"{LABEL_PREFIX}project": target.project,
        f"{LABEL_PREFIX}environment": target.environment,
        f"{COMPOSE}project": f"{target.project}-{target.key}",
    }
    # It is of the name too; Compose takes a volume without it for its own.
    labels.pop(f"{COMPOSE}config-hash", None)
    assert stack is not None  # this volume bears its labels
    known = {volume.name: volume for volume in data_volumes(workspace, stack, Observed(volumes=(one,)))}
    image = images_for(workspace, stack, known[one.name])[0]
    new = f"{target.project}-{target.key}_{one.name.removeprefix(prefix)}"
    return CarriedVolume(one.name, new, one.driver, one.options, labels, one.labels, image)


def running_names(workspace: Workspace, entry: Renaming) -> list[str]:
    """Return the names of the containers that run under the old name."""
    keys = {old for old, _ in entry.keys}
    found = _everything(workspace).containers
    return sorted(
        one.name
        for one in found
        if one.state in UP
        and (place := place_of(one.labels)) is not None
        and place.project == entry.project
        and place.key in keys
    )


def warn_of_older(workspace: Workspace, environment: Environment, observed: Observed) -> list[Diagnostic]:
    """Return a warning EV015 where ``environment`` is about to be made new, and may be one under another name.

    That is a stack of this checkout under an older name of the project, or of an environment without a blueprint.
    ``observed`` is what there is under its name; where that is anything, nobody is asked.
    """
    if observed.containers or observed.volumes:
        return []
    project, blueprints = workspace.project.name, workspace.project.blueprints
    found = []
    for one in sorted(places(_everything(workspace))):
        if one.project != project and one.environment == environment.name:
            command = f"envman rename --project {project} --from {one.project}"
            found.append(_older(f"{one.project}/{one.environment}", f"an older name of {environment.name}", command))
        elif one.project == project and one.environment not in blueprints:
            command = f"envman rename {one.environment} {environment.name}"
            found.append(_older(one.environment, "an environment without a blueprint", command))
    return list(dict.fromkeys(found))


def _older(name: str, what: str, command: str) -> Diagnostic:
    return Diagnostic(
        "EV015",
        f"this checkout has a stack {name}, {what}: it is left as it is",
        help=f"`{command}` carries its data over; `envman down {name}` removes its containers and keeps its data",
        severity=Severity.WARNING,
    )
