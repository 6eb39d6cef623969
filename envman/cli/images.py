"""Images: build, pull, push, tag, images, rmi."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import EnvName, FailIfBusy, Frozen, Instance, Names, Settings, Yes
from envman.cli.target import open_target, under_lock
from envman.diagnostics import Diagnostic, Severity


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    for command in (build, pull, push, tag, images, rmi):
        app.command()(command)


def build(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every step anew.")] = False,
    pull_bases: Annotated[bool, typer.Option("--pull", help="Pull newer base images first.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the output of builds.")] = False,
    frozen: Frozen = False,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Build the images of an environment's services (all that have a build, jobs too)."""
    from envman.operations.images import build_images
    from envman.operations.progress import Silent

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance)
    workspace, environment, services = target.workspace, target.environment, target.services
    with target.turn("build", wait=not fail_if_busy) as progress:
        if frozen:
            environment = under_lock(invocation, workspace, environment, progress, building=services)
        shown = Silent() if quiet else progress
        built = build_images(workspace, environment, services, shown, no_cache=no_cache, pull_bases=pull_bases)
    text = f"built: {', '.join(built)}" if built else f"{environment.name} builds nothing"
    invocation.show({"environment": environment.name, "built": built}, text)


def pull(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    ignore_buildable: Annotated[  # noqa: ARG001
        bool, typer.Option("--ignore-buildable", hidden=True, help="Has no effect: what is built is never pulled.")
    ] = False,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Pull the images that an environment does not build."""
    from envman.operations.images import pull_images

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance)
    workspace, environment, services = target.workspace, target.environment, target.services
    with target.turn("pull", wait=not fail_if_busy) as progress:
        pulled = pull_images(workspace, environment, services, progress)
    text = f"pulled: {', '.join(pulled)}" if pulled else f"{environment.name} pulls nothing"
    invocation.show({"environment": environment.name, "pulled": pulled}, text)


def push(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Push the images that an environment builds, and remember which digests they got."""
    from envman.operations.pushing import push_images
    from envman.output.images import pushed_text

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance)
    workspace, environment, services = target.workspace, target.environment, target.services
    with target.turn("push", wait=not fail_if_busy) as progress:
        pushed = push_images(workspace, environment, services, progress)
    data = {"environment": environment.name, "pushed": [asdict(one) for one in pushed]}
    invocation.show(data, pushed_text(pushed) if pushed else f"{environment.name} builds nothing to push")


def tag(
    context: typer.Context,
    environment: EnvName,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="The service whose image it is.")],
    tag: Annotated[str, typer.Argument(metavar="TAG", help="The tag, or a whole name: REPOSITORY:TAG.")],
    instance: Instance = None,
    settings: Settings = None,
) -> None:
    """Give the image of a service one more tag. Its own stays."""
    from envman.operations.pushing import tag_image

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    loaded = workspace.environment(environment)
    invocation.warn(workspace.report)
    source = loaded.image(service) if service in loaded.stack.services else None
    name = tag_image(workspace, loaded, service, tag)
    invocation.show({"image": source, "tag": name}, f"{source} is {name} too")


def images(
    context: typer.Context,
    environment: Annotated[
        str | None, typer.Argument(metavar="[ENV]", help="Only of its services; default: all of the project.")
    ] = None,
    instance: Instance = None,
    settings: Settings = None,
) -> None:
    """List images: age, size, digest in a registry, and who needs them."""
    from envman.operations.images import list_images
    from envman.operations.project_images import image_uses
    from envman.output.images import image_data, image_table, uses_table

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    if environment is not None:
        found = list_images(workspace, workspace.environment(environment))
        invocation.show([image_data(one) for one in found], image_table(found))
        return
    problems: list[Diagnostic] = []
    uses = image_uses(workspace, problems)
    # What one environment needs is not known then; all else is.
    invocation.warn(replace(one, severity=Severity.WARNING) for one in problems)
    invocation.show([image_data(one) for one in uses], uses_table(uses))


def rmi(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[IMAGE]...", help="Only these; default: all that nobody needs.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Yes = False,
    settings: Settings = None,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Remove images that this checkout built and no environment, lock, snapshot or container needs. Asks first."""
    from envman.cli.ask import confirm_removal
    from envman.operations.project_images import remove_spare, spare_of_project
    from envman.output.images import removal_data, removal_lines, removal_text

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or ())
    removal = spare_of_project(workspace, names or [])
    if removal.spare and not dry_run:
        confirm_removal(invocation, removal_lines(removal), yes=yes)
        progress = invocation.progress()
        with invocation.exclusive(workspace, "envman rmi", progress, wait=not fail_if_busy):
            # Looked at again, now that no other envman of this checkout starts anything.
            removal = spare_of_project(workspace, names or [])
            remove_spare(workspace, removal, progress)
    done = bool(removal.spare) and not dry_run
    invocation.show(removal_data(removal, done=done), removal_text(removal, done=done))
