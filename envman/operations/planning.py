"""Everything that a plan needs to know, gathered; and what is kept of it for the next plan."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envman.diagnostics import EnvmanError
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.operations.externals import absent_externals
from envman.operations.former import with_former
from envman.operations.options import UpOptions
from envman.operations.prepare import Prepared
from envman.operations.workspace import Workspace
from envman.plan.causes import Cause
from envman.plan.defined import engine_name
from envman.plan.dependencies import sharing_services
from envman.plan.known import Known
from envman.plan.observed import LocalImage, Observed
from envman.plan.plan import Action, Plan, Step
from envman.plan.reconcile import reconcile
from envman.plan.resources import changed_resources
from envman.render.bake import Stamp
from envman.render.document import Document
from envman.state.builds import (
    BuildRecord,
    build_changes,
    read_build,
    read_hashes,
    remember_made,
    write_build,
    write_hashes,
)
from envman.state.definitions import Definitions, read_definitions, write_definitions

if TYPE_CHECKING:
    from envman.source.context import BuildInputs


def plan_up(workspace: Workspace, prepared: Prepared, options: UpOptions) -> Plan:
    """Return what ``up`` has to do.

    Raises:
        EnvmanError: EV507 where a network or volume exists with another definition, EV838 where it cannot be told which
            volume is to be copied.
    """
    from envman.engine.observe import with_details

    environment, document = prepared.environment, prepared.document
    observed = with_details(workspace.engine, prepared.observed, sharing_services(document.services))
    profiles = frozenset(options.profiles)
    services = wanted_services(environment, options.services or None, profiles, dependencies=options.dependencies)
    if environment.key in workspace.pins:
        from envman.operations.frozen import refuse_unheld

        refuse_unheld(workspace, environment, services)
    known = gather(workspace, environment, document, services)
    refused = list(changed_resources(environment, document, observed, known))
    if refused:
        raise EnvmanError(*refused)
    plan = reconcile(
        environment,
        document,
        observed,
        known,
        services=options.services or None,
        profiles=profiles,
        recreate=frozenset(options.services or services) if options.recreate else frozenset(),
        dependencies=options.dependencies,
    )
    plan = with_former(workspace, prepared, plan, options)
    made = absent_externals(workspace, prepared, plan) if options.create_external else []
    return Plan((*made, *_fetched(environment, document, services, options, plan), *plan.steps))


def _fetched(
    environment: Environment, document: Document, services: list[str], options: UpOptions, plan: Plan
) -> list[Step]:
    """Return a step for each image that is there and is built or pulled all the same.

    Compose pulls with `pull_policy: always` whenever it brings something up.
    """
    steps = []
    for name in services:
        service = environment.stack.services[name]
        policy = environment.span("services", name, "pull_policy")
        replaced = name in plan.services(Action.CREATE, Action.RECREATE)
        data = () if replaced else ("its containers are made anew if it is another image then",)
        if service.build is not None:
            if options.build and name not in plan.services(Action.BUILD):
                steps.append(Step(Action.BUILD, "service", name, (Cause("asked for with --build"),), data))
        elif service.image and name not in plan.services(Action.PULL):
            if options.pull:
                steps.append(Step(Action.PULL, "service", name, (Cause("asked for with --pull"),), data))
            elif plan and document.services[name].get("pull_policy") == "always":
                steps.append(Step(Action.PULL, "service", name, (Cause("pull_policy is always", policy),), data))
    return steps


def gather(workspace: Workspace, environment: Environment, document: Document, services: list[str]) -> Known:
    """Return the facts for a plan about ``services``; the engine is asked for their images.

    Raises:
        EnvmanError: EV4xx for the engine, EV008 where hashes of files cannot be kept.
    """
    from envman.engine.images import find_images

    references = {image for name in services if (image := document.image(name))}
    images = find_images(workspace.engine, references)
    recorded = read_definitions(workspace.checkout.state, environment.key)
    return Known(
        directory=str(workspace.project.root),
        images=images,
        builds=_outdated(workspace, environment, document, services, images),
        definitions=recorded.services,
        networks=recorded.networks,
        volumes=recorded.volumes,
    )


def _outdated(
    workspace: Workspace,
    environment: Environment,
    document: Document,
    services: list[str],
    images: Mapping[str, LocalImage],
) -> dict[str, tuple[str, ...]]:
    """Return why an image that is there would come out different if it were built now, by service."""
    kept = workspace.kept_images(environment)
    builds = [
        name
        for name in services
        if name not in kept and environment.stack.services[name].build is not None and document.image(name) in images
    ]
    if not builds:
        return {}
    outdated = {}
    for name, now in inputs_of(workspace, document, builds).items():
        image = images[document.image(name) or ""]
        record = read_build(Path(os.fspath(workspace.checkout.state)), image.reference)
        changes = build_changes(record, image.id, now.definition, now.files, now.pins)
        if changes:
            outdated[name] = changes
    return outdated


def inputs_of(workspace: Workspace, document: Document, services: Sequence[str]) -> dict[str, BuildInputs]:
    """Return what building ``services`` would send now, by service.

    Raises:
        EnvmanError: EV008 where hashes of files cannot be kept.
    """
    from envman.source.context import FileHashes, build_inputs

    # Looked at anew each time: no record is kept of these looks (`at_rest`), and one of so many would be none.
    state, root = (Path(os.fspath(one)) for one in (workspace.checkout.state, workspace.project.root))
    hashes = FileHashes(read_hashes(state))
    inputs = {
        name: build_inputs(document.services[name]["build"], root, hashes, document.pins.get(name, ()))
        for name in services
    }
    if not hashes.fresh.items() <= hashes.known.items():
        write_hashes(state, {**hashes.known, **hashes.fresh})
    return inputs


def remember_builds(
    workspace: Workspace, environment: Environment, inputs: Mapping[str, BuildInputs], stamps: Mapping[str, Stamp]
) -> None:
    """Keep what images were built from: ``inputs`` as they were before the build, so that no edit is missed.

    ``stamps`` are what was written on them.

    Raises:
        EnvmanError: EV4xx for the engine, EV008.
    """
    from envman.engine.images import find_images

    images = find_images(workspace.engine, {image for name in inputs if (image := environment.image(name))})
    for name, made in inputs.items():
        built = images.get(environment.image(name) or "")
        if built is not None:
            stamp = asdict(stamps[name]) if name in stamps else {}
            record = BuildRecord(built.reference, built.id, made.definition, made.files, made.pins, stamp)
            write_build(workspace.checkout.state, record)
    remember_made(workspace.checkout.state, (one.id for one in images.values()))


def remember_definitions(
    workspace: Workspace, environment: Environment, document: Document, observed: Observed
) -> None:
    """Keep what the stack is about to be made from, beside what its containers were made from until now.

    Raises:
        EnvmanError: EV008; then nothing is to be created.
    """
    state = workspace.checkout.state
    before = read_definitions(state, environment.key)
    borne = {one.digest for one in observed.containers}
    services = {digest: one for digest, one in before.services.items() if digest in borne}
    resources: dict[str, dict[str, Mapping[str, Any]]] = {}
    for kind in ("networks", "volumes"):
        entries = {
            engine_name(document, kind, key): entry or {}
            for key, entry in document.data.get(kind, {}).items()
            if not key.startswith("x-") and not (entry or {}).get("external")
        }
        present = {one.name for one in (observed.networks if kind == "networks" else observed.volumes)}
        kept = {name: one for name, one in getattr(before, kind).items() if name in present}
        resources[kind] = {**kept, **entries}
    retain = {
        engine_name(document, "volumes", key): one.retain
        for key, one in environment.stack.volumes.items()
        if one is not None and one.retain != "keep"
    }
    definitions = Definitions(
        {**services, **document.definitions}, resources["networks"], resources["volumes"], environment.protected, retain
    )
    write_definitions(state, environment.key, definitions)
