"""Stacks as a whole: plan, up, down, rm, stop, restart, ps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from envman.cli.ask import confirm_interruption, confirm_loss, confirm_takeover
from envman.cli.invocation import Invocation
from envman.cli.options import (
    AdoptFrom,
    AdoptVolumes,
    Build,
    CreateExternal,
    Env,
    FailIfBusy,
    Frozen,
    Instance,
    Names,
    NoDeps,
    NoSnapshot,
    Profiles,
    Pull,
    Quiet,
    Recreate,
    RemoveOrphans,
    Settings,
    Timeout,
    Yes,
)
from envman.cli.target import open_present, open_target, split_target, under_lock
from envman.output.up import left_text, up_data, up_text

if TYPE_CHECKING:
    from envman.operations.up import Up


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    for command in (plan, up, down, rm, stop, restart, ps):
        app.command()(command)


def plan(
    context: typer.Context,
    names: Names = None,
    settings: Settings = None,
    instance: Instance = None,
    profiles: Profiles = None,
    build: Build = False,
    pull: Pull = False,
    recreate: Recreate = False,
    no_deps: NoDeps = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with status 5 if there is something to do.")
    ] = False,
    frozen: Frozen = False,
    adopt_volumes: AdoptVolumes = False,
    adopt_from: AdoptFrom = None,
    create_external: CreateExternal = False,
) -> int:
    """Show what `up` would do, and why. Nothing is changed."""
    from envman.operations.options import UpOptions
    from envman.operations.plan import preview
    from envman.output.plan import plan_data

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance, profiles=profiles)
    workspace, environment, services = target.workspace, target.environment, target.services
    if frozen:
        environment = under_lock(invocation, workspace, environment)
    options = UpOptions(
        tuple(services),
        build,
        pull,
        profiles=tuple(profiles or ()),
        recreate=recreate,
        dependencies=not no_deps,
        adopt=adopt_from or ("" if adopt_volumes else None),
        create_external=create_external,
    )
    made = preview(workspace, environment, options)
    invocation.warn(workspace.report)
    steps = plan_data(made)
    text = "\n".join(map(str, made.steps)) or f"{environment.name} is as it should be: nothing to do"
    invocation.show({"environment": environment.name, "steps": steps}, text)
    return 5 if exit_code and made else 0


def up(
    context: typer.Context,
    names: Names = None,
    settings: Settings = None,
    instance: Instance = None,
    profiles: Profiles = None,
    build: Build = False,
    pull: Pull = False,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", "--wait-timeout", min=1, metavar="SECONDS", help="How long the stack may take to be ready."
        ),
    ] = 300.0,
    recreate: Recreate = False,
    no_deps: NoDeps = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the stack is healthy, or only start it.")
    ] = True,
    detach: Annotated[  # noqa: ARG001 - accepted for those who are used to it
        bool, typer.Option("--detach", "-d", help="Leave it in the background: `up` always does, and waits.")
    ] = False,
    remove_orphans: RemoveOrphans = False,  # noqa: ARG001
    frozen: Frozen = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over a stack whose checkout ID was lost.")] = False,
    adopt_volumes: AdoptVolumes = False,
    adopt_from: AdoptFrom = None,
    create_external: CreateExternal = False,
    no_snapshot: NoSnapshot = False,
    yes: Yes = False,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Bring an environment up and wait until it is healthy."""
    from envman.operations.adopt import take_over
    from envman.operations.at_rest import keep_at_rest
    from envman.operations.options import UpOptions
    from envman.operations.request import Request
    from envman.operations.up import up as bring_up

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance, profiles=profiles)
    workspace, environment, services = target.workspace, target.environment, target.services
    with target.turn("up", wait=not fail_if_busy) as progress:
        if adopt:
            confirm_takeover(invocation, environment, yes=yes)
            take_over(workspace, environment, progress)
        if frozen:
            environment = under_lock(invocation, workspace, environment, progress, building=() if build else None)
        options = UpOptions(
            tuple(services), build, pull, timeout, tuple(profiles or ()), recreate, not no_snapshot, not no_deps, wait,
            adopt_from or ("" if adopt_volumes else None), create_external,
        )  # fmt: skip
        done = bring_up(workspace, environment, options, progress)
        if not done.plan and not adopt and options == UpOptions(timeout=timeout, snapshot=options.snapshot):
            root = workspace.project.root
            request = Request(root, target.named or "", instance or "", settings or (), workspace.context, frozen)
            keep_at_rest(request, workspace)
    invocation.warn(workspace.report)
    invocation.show({**_up_data(done), "ready": wait or None}, _up_text(done, waited=wait))


def _up_data(done: Up) -> dict[str, Any]:
    data = up_data(done.environment.name, done.environment.compose_project, done.plan.steps, done.urls, done.seconds)
    return {**data, "snapshot": done.snapshot}


def _up_text(done: Up, *, waited: bool) -> str:
    text = up_text(done.environment.name, done.urls, done.seconds if done.plan else None, waited=waited)
    return text + left_text(done.environment.name, done.snapshot)


def down(
    context: typer.Context,
    environment: Env = None,
    instance: Instance = None,
    settings: Settings = None,
    volumes: Annotated[bool, typer.Option("--volumes", "-v", help="Delete its volumes too. Asks first.")] = False,
    no_snapshot: Annotated[
        bool,
        typer.Option(
            "--no-snapshot", help="Take no snapshot of what is deleted, or of anonymous volumes that are left behind."
        ),
    ] = False,
    yes: Yes = False,
    confirm: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment's name, where it has to be typed.")
    ] = None,
    remove_orphans: RemoveOrphans = False,  # noqa: ARG001
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Remove an environment's containers and networks. Its volumes stay."""
    from envman.operations.down import down as take_down
    from envman.operations.down import running_jobs, volume_loss
    from envman.operations.prepare import existing

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    workspace, loaded, _ = open_present(invocation, workspace, environment)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman down {loaded.key}", progress, wait=not fail_if_busy):
        prepared = existing(workspace, loaded)
        if volumes:
            confirm_loss(invocation, loaded, volume_loss(workspace, loaded, prepared), yes=yes, typed=confirm)
        confirm_interruption(invocation, loaded, running_jobs(prepared), yes=yes or confirm == loaded.name)
        done = take_down(workspace, loaded, prepared, progress, volumes=volumes, snapshot=not no_snapshot)
        kept = [] if volumes else list(volume_loss(workspace, loaded, prepared).volumes)
    deleted, saved = list(done.names), done.snapshot
    text = f"{loaded.name} is down"
    if deleted:
        text += f"; deleted: {', '.join(deleted)}"
    elif kept:
        text += f"; its data is kept: {', '.join(kept)}"
    into = " --into ENV" if loaded.by_labels else ""
    if saved is not None and volumes:
        text += f"\nsnapshot {saved} has their data: `envman snapshot restore {loaded.name} {saved}{into}`"
    else:
        text += left_text(loaded.name, saved)
    data = {"environment": loaded.name, "deleted_volumes": deleted, "kept_volumes": kept, "snapshot": saved}
    invocation.show(data, text)


def rm(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    stop_first: Annotated[bool, typer.Option("--stop", "-s", help="Stop running containers first.")] = False,
    force: Annotated[  # noqa: ARG001
        bool, typer.Option("--force", "-f", hidden=True, help="Has no effect: nothing is asked.")
    ] = False,
    no_snapshot: NoSnapshot = False,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Remove an environment's stopped containers. Volumes and networks stay."""
    from envman.operations.down import rm as remove

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    workspace, environment, services = open_present(invocation, workspace, *split_target(workspace, names or []))
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman rm {environment.key}", progress, wait=not fail_if_busy):
        done = remove(workspace, environment, services, progress, running=stop_first, snapshot=not no_snapshot)
    text = f"removed: {', '.join(done.names)}" if done.names else "no stopped container to remove"
    data = {"environment": environment.name, "removed": list(done.names), "snapshot": done.snapshot}
    invocation.show(data, text + left_text(environment.name, done.snapshot))


def stop(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Stop an environment's containers. They and their data stay."""
    from envman.operations.down import stop as stop_stack

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance, quiet=True)
    environment, services = target.environment, target.services
    with target.turn("stop", wait=not fail_if_busy) as progress:
        stop_stack(target.workspace, environment, services, progress)
    invocation.show(
        {"environment": environment.name, "services": services}, f"{', '.join(services) or environment.name} stopped"
    )


def restart(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    timeout: Timeout = 300.0,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Restart an environment's containers and wait until they are healthy."""
    from envman.operations.down import restart as restart_stack

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance, quiet=True)
    environment, services = target.environment, target.services
    with target.turn("restart", wait=not fail_if_busy) as progress:
        restart_stack(target.workspace, environment, services, progress, timeout=timeout)
    text = f"{', '.join(services) or environment.name} restarted"
    invocation.show({"environment": environment.name, "services": services}, text)


def ps(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    all_containers: Annotated[bool, typer.Option("--all", "-a", help="Show stopped containers and jobs too.")] = False,
    quiet: Quiet = False,
) -> None:
    """List an environment's containers."""
    from envman.operations.status import containers_of
    from envman.output.status import container_data, container_table

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    workspace, loaded, services = open_present(invocation, workspace, *split_target(workspace, names or ()))
    name = loaded.name
    containers = containers_of(workspace, name, everything=all_containers, services=services)
    if quiet:
        text = "\n".join(one.id for one in containers)
    else:
        text = container_table(containers) if containers else f"{name} has no containers"
    invocation.show([container_data(one) for one in containers], text)
