"""Reaching into a stack: logs, exec, run, cp, port, compose."""

from __future__ import annotations

from typing import Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import PASS_ON, EnvName, Frozen, Instance, Names, NoWait, Settings
from envman.cli.target import open_target, split_target, under_lock
from envman.diagnostics.diagnostic import fail

Words = Annotated[list[str], typer.Argument(metavar="[ENV] SERVICE [COMMAND]...", help="What to run, and where.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(logs)
    app.command("exec", context_settings=PASS_ON)(execute)
    app.command("run", context_settings=PASS_ON)(run)
    app.command()(cp)
    app.command()(port)
    app.command(context_settings=PASS_ON)(compose)


def _service(words: list[str], usage: str) -> tuple[str, list[str]]:
    if not words:
        raise fail("EV607", "no service is named", expected=usage)
    # `kubectl exec` wants it there; no command is called so.
    return words[0], words[2:] if words[1:2] == ["--"] else words[1:]


def logs(
    context: typer.Context,
    names: Names = None,
    instance: Instance = None,
    settings: Settings = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written.")] = False,
    tail: Annotated[str, typer.Option(metavar="LINES", help="How many last lines of each container, or all.")] = "all",
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Show when each line was written.")] = False,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Only what is newer, such as 10m.")] = None,
) -> int:
    """Show what services have written."""
    from envman.operations.inside import logs as show_logs

    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance, quiet=True)
    flags = ["--tail", tail, *(["--follow"] if follow else []), *(["--timestamps"] if timestamps else [])]
    if since:
        flags += ["--since", since]
    return show_logs(target.workspace, target.environment, target.services, flags)


def execute(
    context: typer.Context,
    words: Words,
    instance: Instance = None,
    user: Annotated[str | None, typer.Option("--user", "-u", help="Run as this user.")] = None,
    no_tty: Annotated[bool, typer.Option("--no-tty", "-T", help="Without a terminal.")] = False,
) -> int:
    """Run a command in a running container."""
    from envman.operations.inside import execute as execute_in

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    name, rest = split_target(workspace, words)
    service, command = _service(rest, "envman exec [ENV] SERVICE COMMAND...")
    if not command:
        raise fail("EV607", "no command is given", expected="envman exec [ENV] SERVICE COMMAND...")
    flags = [*(["--no-TTY"] if no_tty else []), *(["--user", user] if user else [])]
    return execute_in(workspace, workspace.environment(name), service, flags, command)


def run(
    context: typer.Context,
    words: Words,
    instance: Instance = None,
    settings: Settings = None,
    build: Annotated[bool, typer.Option("--build", help="Build its image anew first.")] = False,
    no_tty: Annotated[bool, typer.Option("--no-tty", "-T", help="Without a terminal.")] = False,
    env: Annotated[list[str] | None, typer.Option("--env", "-e", metavar="NAME=VALUE", help="Set a variable.")] = None,
    frozen: Frozen = False,
    no_wait: NoWait = False,
) -> int:
    """Run a job once: its output is shown, its exit status passed on, its container removed."""
    from envman.operations.inside import ready_job

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    name, rest = split_target(workspace, words)
    service, command = _service(rest, "envman run [ENV] SERVICE [COMMAND]...")
    environment = workspace.environment(name)
    invocation.warn(workspace.report)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman run {environment.key} {service}", progress, wait=not no_wait):
        if frozen:
            environment = under_lock(invocation, workspace, environment, progress, building=() if build else None)
        arguments, compose = ready_job(workspace, environment, service, progress, build=build)
    # The lock is free again: a training run may take hours.
    flags = [*(["--no-TTY"] if no_tty else []), *(part for one in env or () for part in ("--env", one))]
    return compose.attach("--profile", "*", *arguments, *flags, service, *command)


def cp(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[ENV] SOURCE TARGET",
            help="One of the two is SERVICE:PATH in a container or ENV:VOLUME/PATH in a volume; - is a tar stream.",
        ),
    ],
    instance: Instance = None,
) -> int:
    """Copy files between this machine and a container or a volume."""
    from envman.operations.inside import copy
    from envman.operations.volume_files import VolumePath, copy_in, copy_out

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    name, paths = (None, words) if len(words) == 2 else split_target(workspace, words)
    if len(paths) != 2:
        raise fail("EV607", f"{len(paths)} paths are given", expected="envman cp [ENV] SOURCE TARGET")
    source, target = (VolumePath.parse(path, workspace.project.blueprints) for path in paths)
    volume = source or target
    if volume is None:
        return copy(workspace, workspace.environment(name), paths[0], paths[1])
    if (source and target) or name not in {None, volume.environment}:
        raise fail(
            "EV607",
            "a volume is copied to or from this machine",
            expected="ENV:VOLUME/PATH on one side, of one environment, and a path on this machine on the other",
        )
    environment = workspace.environment(volume.environment)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman cp {environment.key}", progress):
        if target:
            return copy_in(workspace, environment, paths[0], target, progress)
        return copy_out(workspace, environment, volume, paths[1])


def port(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="[ENV] SERVICE [PORT]", help="A port's number or name.")],
    instance: Instance = None,
) -> None:
    """Show where a service's ports can be reached on this machine."""
    from envman.operations.inside import port as ports_of

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    name, rest = split_target(workspace, words)
    service, targets = _service(rest, "envman port [ENV] SERVICE [PORT]")
    target = targets[0] if targets else None
    found = ports_of(workspace, workspace.environment(name), service, target)
    text = "\n".join(address if target else f"{container} -> {address}" for container, address in found)
    invocation.show([{"container": container, "host": address} for container, address in found], text)


def compose(
    context: typer.Context,
    environment: EnvName,
    arguments: Annotated[list[str], typer.Argument(metavar="-- ARGUMENT...", help="What Compose is to do.")],
    instance: Instance = None,
    settings: Settings = None,
    no_wait: NoWait = False,
) -> int:
    """Run Docker Compose itself on an environment, with the arguments that envman would give it."""
    from envman.operations.prepare import prepare

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    loaded = workspace.environment(environment)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman compose {loaded.key}", progress, wait=not no_wait):
        prepared = prepare(workspace, loaded, progress)
    words = arguments[1:] if arguments[:1] == ["--"] else arguments
    return prepared.compose.attach(*words)
