"""Reaching into a stack: logs, exec, run, cp, port, compose."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from envman.cli.everywhere import Inside
from envman.cli.invocation import Invocation
from envman.cli.options import PASS_ON, EnvName, FailIfBusy, Frozen, Instance, Names, Settings
from envman.cli.target import open_present, open_target, split_target, under_lock
from envman.diagnostics.diagnostic import fail

Words = Annotated[list[str], typer.Argument(metavar="[ENV] SERVICE [COMMAND]...", help="What to run, and where.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(logs)
    app.command("exec", cls=Inside, context_settings=PASS_ON)(execute)
    app.command("run", cls=Inside, context_settings=PASS_ON)(run)
    app.command()(cp)
    app.command()(port)
    app.command(context_settings=PASS_ON)(compose)


Interactive = Annotated[
    bool, typer.Option("--interactive", "-i", hidden=True, help="Has no effect: standard input is passed on.")
]
Tty = Annotated[
    bool, typer.Option("--tty", "-t", hidden=True, help="Has no effect: there is a terminal where this one is one.")
]
NoTty = Annotated[bool, typer.Option("--no-tty", "--no-TTY", "-T", help="Without a terminal.")]
User = Annotated[str | None, typer.Option("--user", "-u", help="Run as this user.")]
Folder = Annotated[str | None, typer.Option("--workdir", "-w", metavar="DIR", help="Run in this folder.")]
Variables = Annotated[
    list[str] | None, typer.Option("--env", "-e", metavar="NAME=VALUE", help="Set a variable. Repeatable.")
]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Leave it in the background.")]


def _flags(*, no_tty: bool, **values: str | list[str] | bool | None) -> list[str]:
    """Return Compose's options for ``values``; it gets no terminal where standard input or output is none."""
    flags = ["--no-TTY"] if no_tty or not (sys.stdin.isatty() and sys.stdout.isatty()) else []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            flags.append(option)
        elif value:
            flags += [part for one in (value if isinstance(value, list) else [value]) for part in (option, str(one))]
    return flags


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
    tail: Annotated[
        str, typer.Option("--tail", "-n", metavar="LINES", help="How many last lines of each container, or all.")
    ] = "all",
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Show when each line was written.")] = False,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Only what is newer, such as 10m.")] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Only what is older.")] = None,
    no_log_prefix: Annotated[bool, typer.Option("--no-log-prefix", help="Without the names of containers.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colours.")] = False,
) -> int:
    """Show what services have written."""
    from envman.operations.inside import check_moment
    from envman.operations.inside import logs as show_logs

    if tail != "all" and not tail.isdecimal():
        raise fail("EV903", f'--tail "{tail}" is no number of lines', expected="a number, or all")
    flags = ["--tail", tail]
    for option, when in (("--since", since), ("--until", until)):
        if when:
            check_moment(option, when)
            flags += [option, when]
    switches = {
        "--follow": follow,
        "--timestamps": timestamps,
        "--no-log-prefix": no_log_prefix,
        "--no-color": no_color,
    }
    flags += [option for option, wanted in switches.items() if wanted]
    invocation = context.ensure_object(Invocation)
    target = open_target(invocation, names, settings=settings, instance=instance, quiet=True)
    invocation.hand_over()
    return show_logs(target.workspace, target.environment, target.services, flags)


def execute(
    context: typer.Context,
    words: Words,
    instance: Instance = None,
    user: User = None,
    workdir: Folder = None,
    env: Variables = None,
    detach: Detach = False,
    index: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="In this one of the service's containers.")
    ] = None,
    privileged: Annotated[bool, typer.Option("--privileged", help="Give it all privileges of the host.")] = False,
    no_tty: NoTty = False,
    interactive: Interactive = False,  # noqa: ARG001
    tty: Tty = False,  # noqa: ARG001
) -> int:
    """Run a command in a running container."""
    from envman.operations.inside import execute as execute_in

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    workspace, environment, rest = open_present(invocation, workspace, *split_target(workspace, words))
    service, command = _service(rest, "envman exec [ENV] SERVICE COMMAND...")
    if not command:
        raise fail("EV607", "no command is given", expected="envman exec [ENV] SERVICE COMMAND...")
    flags = _flags(
        no_tty=no_tty, user=user, workdir=workdir, env=env, detach=detach, privileged=privileged,
        index=str(index) if index else None,
    )  # fmt: skip
    invocation.hand_over()
    return execute_in(workspace, environment, service, flags, command)


def run(
    context: typer.Context,
    words: Words,
    instance: Instance = None,
    settings: Settings = None,
    build: Annotated[bool, typer.Option("--build", help="Build its image anew first.")] = False,
    user: User = None,
    workdir: Folder = None,
    env: Variables = None,
    entrypoint: Annotated[
        str | None, typer.Option(metavar="PROGRAM", help="Run this in place of its entrypoint.")
    ] = None,
    volume: Annotated[
        list[str] | None, typer.Option("--volume", "-v", metavar="SOURCE:TARGET", help="Mount this too. Repeatable.")
    ] = None,
    container_name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its container's name.")] = None,
    no_deps: Annotated[bool, typer.Option("--no-deps", help="Do not bring up what it depends on.")] = False,
    service_ports: Annotated[
        bool, typer.Option("--service-ports", "-P", help="Publish the ports of the service.")
    ] = False,
    detach: Detach = False,
    no_tty: NoTty = False,
    interactive: Interactive = False,  # noqa: ARG001
    tty: Tty = False,  # noqa: ARG001
    remove: Annotated[  # noqa: ARG001
        bool, typer.Option("--rm", hidden=True, help="Has no effect: the container is always removed.")
    ] = False,
    frozen: Frozen = False,
    fail_if_busy: FailIfBusy = False,
) -> int:
    """Run a job once: its output is shown, its exit status passed on, its container removed."""
    from envman.operations.inside import ready_job

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    name, rest = split_target(workspace, words)
    service, command = _service(rest, "envman run [ENV] SERVICE [COMMAND]...")
    environment = workspace.environment(name, services=[service])
    invocation.warn(workspace.report)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman run {environment.key} {service}", progress, wait=not fail_if_busy):
        if frozen:
            environment = under_lock(invocation, workspace, environment, progress, building=() if build else None)
        arguments, compose = ready_job(workspace, environment, service, progress, build=build, dependencies=not no_deps)
    # The lock is free again: a training run may take hours.
    flags = _flags(
        no_tty=no_tty, user=user, workdir=workdir, env=env, entrypoint=entrypoint, volume=volume, name=container_name,
        service_ports=service_ports, detach=detach,
    )  # fmt: skip
    invocation.hand_over()
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
        workspace, environment, _ = open_present(invocation, workspace, name)
        return copy(workspace, environment, paths[0], paths[1])
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
    workspace, environment, rest = open_present(invocation, workspace, *split_target(workspace, words))
    service, targets = _service(rest, "envman port [ENV] SERVICE [PORT]")
    target = targets[0] if targets else None
    found = ports_of(workspace, environment, service, target)
    text = "\n".join(address if target else f"{container} -> {address}" for container, address in found)
    invocation.show([{"container": container, "host": address} for container, address in found], text)


def compose(
    context: typer.Context,
    environment: EnvName,
    arguments: Annotated[list[str], typer.Argument(metavar="-- ARGUMENT...", help="What Compose is to do.")],
    instance: Instance = None,
    settings: Settings = None,
    fail_if_busy: FailIfBusy = False,
) -> int:
    """Run Docker Compose itself on an environment, with the arguments that envman would give it."""
    from envman.operations.prepare import prepare

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    loaded = workspace.environment(environment)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman compose {loaded.key}", progress, wait=not fail_if_busy):
        prepared = prepare(workspace, loaded, progress)
    words = arguments[1:] if arguments[:1] == ["--"] else arguments
    invocation.hand_over()
    return prepared.compose.attach(*words)
