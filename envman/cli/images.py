"""Images: build, pull, images."""

from __future__ import annotations

from typing import Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import Env, Frozen, Instance, Names, NoWait, Settings
from envman.cli.target import split_target, under_lock


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    for command in (build, pull, images):
        app.command()(command)


def build(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every step anew.")] = False,
    pull_bases: Annotated[bool, typer.Option("--pull", help="Pull newer base images first.")] = False,
    frozen: Frozen = False,
    no_wait: NoWait = False,
) -> None:
    """Build the images of an environment's services (all that have a build, jobs too)."""
    from envman.operations.images import build_images

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    name, services = split_target(workspace, names or [])
    environment = workspace.environment(name)
    invocation.warn(workspace.report)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman build {environment.key}", progress, wait=not no_wait):
        if frozen:
            environment = under_lock(invocation, workspace, environment, progress, building=services)
        built = build_images(workspace, environment, services, progress, no_cache=no_cache, pull_bases=pull_bases)
    text = f"built: {', '.join(built)}" if built else f"{environment.name} builds nothing"
    invocation.show({"environment": environment.name, "built": built}, text)


def pull(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    no_wait: NoWait = False,
) -> None:
    """Pull the images that an environment does not build."""
    from envman.operations.images import pull_images

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    name, services = split_target(workspace, names or [])
    environment = workspace.environment(name)
    invocation.warn(workspace.report)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman pull {environment.key}", progress, wait=not no_wait):
        pulled = pull_images(workspace, environment, services, progress)
    text = f"pulled: {', '.join(pulled)}" if pulled else f"{environment.name} pulls nothing"
    invocation.show({"environment": environment.name, "pulled": pulled}, text)


def images(
    context: typer.Context, environment: Env = None, instance: Instance = None, settings: Settings = None
) -> None:
    """List the images of an environment's services, and which of them the engine has."""
    from envman.operations.images import list_images
    from envman.output.images import image_data, image_table

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    found = list_images(workspace, workspace.environment(environment))
    invocation.show([image_data(one) for one in found], image_table(found))
