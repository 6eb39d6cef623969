"""An environment under its lock: nothing is rendered, built or started but what is locked, or nothing at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from envman.diagnostics import Diagnostic, EnvmanError, Note, Report
from envman.diagnostics.diagnostic import fail
from envman.language.layers import HEADER_KEYS
from envman.lock.compare import concerns_only, differences, unheld
from envman.lock.current import Current
from envman.lock.lock import lock_path
from envman.lock.pins import Local, Names, Pins, kept_builds, names_to_look_for, pins
from envman.lock.text import LockFile, read_lock_file
from envman.lock.uses import workloads
from envman.model.binding import bind
from envman.model.environment import Environment
from envman.model.stack import Stack
from envman.operations.described import described
from envman.operations.progress import Progress, Silent
from envman.operations.resolving import engine_platform, same_platform
from envman.operations.workspace import Workspace
from envman.source.tree import Mapping as TreeMapping
from envman.source.tree import Node, replace_entries


def required_lock(workspace: Workspace, environment: Environment) -> LockFile:
    """Return the lock of ``environment``.

    Raises:
        EnvmanError: EV532 where there is none, EV530, EV531 and EV542 where it does not count.
    """
    found = read_lock_file(workspace.project.root, environment.name)
    if found is None:
        raise fail(
            "EV532",
            f"{environment.name} has no lock",
            expected=lock_path(environment.name),
            help=f"`envman lock {environment.name}` writes one",
        )
    return found


def freeze(
    workspace: Workspace,
    environment: Environment,
    *,
    online: bool = True,
    building: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Environment:
    """Hold ``environment`` to its lock and return it as it is under it; its renders use what is locked from here on.

    ``online`` asks the engine what it has. ``building`` are services (or all, where it is empty) that are to be built
    in any case.

    Raises:
        EnvmanError: EV532 without a lock, EV533 to EV535 for all in which lock and blueprint part, EV540 where the
            lock is for another platform; EV530, EV531 and EV542 for the lock.
    """
    file = required_lock(workspace, environment)
    current = described(workspace, environment)
    names = names_of(workspace, environment)
    local = local_images(workspace, environment, file, current, names) if online else None
    kept = kept_builds(file.lock, current, names, local)
    if building is not None:
        kept -= frozenset(building or current.uses.builds)
    found = differences(file, current)
    refused = [one for one in found if not concerns_only(one, kept, file, current)]
    if refused:
        raise EnvmanError(*(one.diagnostic(advice(environment)) for one in refused))
    if local is not None:
        other = list(_other_platforms(file, current, local, kept))
        if other:
            raise EnvmanError(*other)
    for one in found:
        if one.kind == "context":
            (progress or Silent()).warning(f"{one.message}; the image that was locked is used as it is")
    made = replace(pins(file.lock, current, kept, names, local), unheld=unheld(file, current))
    workspace.pins[environment.key] = made
    # The others have the name that the blueprint gives them, and Compose would take a missing build for a change.
    return without_builds(environment, renamed_builds(made, names))


def advice(environment: Environment) -> str:
    """Return what to do about a difference between a lock and its blueprint."""
    return f"`envman lock {environment.name}` locks what the blueprint says now, and shows what that changes"


def names_of(workspace: Workspace, environment: Environment) -> Names:
    """Return how ``environment`` calls what is locked."""
    built = {
        name: environment.data[section][name].get("image") or f"{environment.compose_project}-{name}"
        for section, name, one in workloads(environment)
        if one.build is not None
    }
    return Names(built, workspace.places)


def local_images(
    workspace: Workspace, environment: Environment, file: LockFile, current: Current, names: Names
) -> Local:
    """Return what the engine has of what is locked."""
    from envman.engine.images import find_images
    from envman.engine.observe import observe

    engine = workspace.engine
    observed = observe(engine, [environment.compose_project])
    images = find_images(engine, names_to_look_for(file.lock, current, names))
    return Local(engine_platform(engine.facts()), images, frozenset(one.image for one in observed.containers))


def _other_platforms(file: LockFile, current: Current, local: Local, kept: frozenset[str]) -> list[Diagnostic]:
    """Return EV540 for each image that the lock does not hold for the platform that it would run on."""
    environment, found = current.environment, []
    for section, name, workload in workloads(environment):
        wanted = workload.platform or local.platform
        entries: Mapping[str, object] = {}
        if name in current.uses.builds:
            if name in kept:
                entries = file.lock.builds[name].platforms
            span = current.uses.builds[name].span
            place = ("builds", name)
        else:
            image = next((one for one, named in current.uses.images.items()
                          if any(place.what == f"{section}.{name}" for place in named.places)), None)  # fmt: skip
            if image is None or image not in file.lock.images:
                continue
            entries = file.lock.images[image].platforms
            span = environment.span(section, name, "image")
            place = ("images", image)
        if entries and not any(same_platform(wanted, one) for one in entries):
            found.append(
                Diagnostic(
                    "EV540",
                    f"{name} is locked for {', '.join(sorted(entries))}, and would run on {wanted}",
                    span,
                    f"an image for {wanted}",
                    (Note("the lock has it here", file.span(*place)),),
                    "lock an image that is there for both, or say under `platform:` what the service is to run as",
                )
            )
    return found


def renamed_builds(made: Pins, names: Names) -> frozenset[str]:
    """Return the services and jobs that use an image under another name than the one that they would build."""
    built = {name: names.built[name] for name in made.kept}
    return frozenset(name for name, written in built.items() if made.images.get(written, written) != written)


def without_builds(environment: Environment, names: frozenset[str]) -> Environment:
    """Return ``environment`` without the builds of the services and jobs ``names``.

    Raises:
        EnvmanError: with what is wrong with the rest, as for ``Workspace.environment``.
    """
    if not names:
        return environment
    tree = environment.tree
    for section in ("services", "jobs"):
        entries = tree.entries.get(section)
        if isinstance(entries, TreeMapping):
            changed: dict[str, Node | None] = {
                name: replace_entries(entry, {"build": None})
                for name, entry in entries.entries.items()
                if name in names and isinstance(entry, TreeMapping)
            }
            tree = replace_entries(tree, {section: replace_entries(entries, changed)}) if changed else tree
    report = Report()
    stack, data = bind(tree, Stack, report, what="a blueprint", also=HEADER_KEYS)
    report.raise_errors()
    assert stack is not None  # it was bound before, with more in it
    return replace(environment, tree=tree, stack=stack, data=data)


def refuse_unheld(workspace: Workspace, environment: Environment, services: Collection[str]) -> None:
    """Refuse to start, under a lock, services that it lacks an image of.

    Raises:
        EnvmanError: EV533 for each.
    """
    pins_of = workspace.pins.get(environment.key)
    lacking = [] if pins_of is None else [name for name in services if name in pins_of.unheld]
    if lacking:
        raise EnvmanError(
            *(
                Diagnostic(
                    "EV533",
                    f"an image of {name} is not in the lock: its profile was not active when that was made",
                    environment.key_span("services", name),
                    help=f"`envman lock {environment.name} --profile NAME` locks what the profile starts",
                )
                for name in lacking
            )
        )
