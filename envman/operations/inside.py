"""Commands that reach into a stack: logs, exec, run, cp, port, and Compose itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from envman.diagnostics.diagnostic import fail, near_match
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.operations.obstacles import refuse_obstacles
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up
from envman.operations.prepare import existing, prepare
from envman.operations.progress import Progress
from envman.operations.up import check_services, fetch_images
from envman.operations.workspace import Workspace
from envman.plan.plan import Action, Plan

if TYPE_CHECKING:
    from envman.engine.compose import Compose


def attach(workspace: Workspace, environment: Environment, arguments: Sequence[str]) -> int:
    """Run a Compose command on the terminal and return its exit status.

    Raises:
        EnvmanError: EV501 and EV502 for a stack that is not this checkout's, EV4xx for the engine.
    """
    return existing(workspace, environment).compose.attach("--profile", "*", *arguments)


# What an engine takes: https://docs.docker.com/reference/cli/docker/container/logs/
_MOMENT: Final = re.compile(
    r"\d+(\.\d+)?|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+"
    r"|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?(Z|[+-]\d\d:\d\d)?"
)


def check_moment(option: str, text: str) -> None:
    """Raise EV903 unless ``text``, the value of ``option``, is a moment as an engine takes it."""
    if _MOMENT.fullmatch(text) is None:
        raise fail(
            "EV903",
            f'{option} "{text}" is not a point in time',
            expected="how long ago (90s, 10m, 1h30m), or a date (2024-05-31, 2024-05-31T13:30:00Z)",
        )


def logs(workspace: Workspace, environment: Environment, services: Sequence[str], flags: Sequence[str]) -> int:
    """Show the output of services (all if none).

    Raises:
        EnvmanError: EV607 for an unknown service; as ``attach``.
    """
    check_services(environment, services)
    return attach(workspace, environment, ["logs", *flags, *services])


def execute(
    workspace: Workspace, environment: Environment, service: str, flags: Sequence[str], command: Sequence[str]
) -> int:
    """Run ``command`` in a running container of ``service`` and return its exit status.

    Raises:
        EnvmanError: EV608 where none of its containers runs.
    """
    check_services(environment, [service])
    prepared = existing(workspace, environment)
    if not any(
        one.service == service and one.state == "running" and not one.oneoff for one in prepared.observed.containers
    ):
        raise fail(
            "EV608",
            f"{service} does not run in {environment.name}",
            help=f"`envman up {environment.name}` brings it up; "
            f"`envman run {environment.name} {service} COMMAND` needs no running one",
        )
    return prepared.compose.attach("--profile", "*", "exec", *flags, service, *command)


def ready_job(
    workspace: Workspace,
    environment: Environment,
    service: str,
    progress: Progress,
    *,
    build: bool,
    dependencies: bool = True,
) -> tuple[Sequence[str], Compose]:
    """Make everything ready to run ``service`` once; return the Compose arguments before its name, and Compose.

    Raises:
        EnvmanError: EV607 for an unknown service; as ``prepare``, ``plan_up``, ``refuse_obstacles`` and
            ``fetch_images``.
    """
    check_services(environment, [service])
    services = wanted_services(environment, [service], dependencies=dependencies)
    prepared = prepare(workspace, environment, progress, services)
    options = UpOptions(services=(service,), build=build, dependencies=dependencies)
    plan = plan_up(workspace, prepared, options)
    refuse_obstacles(workspace, prepared, _around(plan, service))
    fetch_images(workspace, prepared, _images_only(plan), options, progress)
    # Compose would make anew what it takes for changed, such as another name of the same image.
    alone = ["--no-deps"] if not dependencies or not _around(plan, service) else []
    return ["--progress", "quiet", "run", "--rm", "--quiet-pull", *alone], prepared.compose


def _around(plan: Plan, job: str) -> Plan:
    """Return ``plan`` without the job itself: its one container has a name of its own and publishes nothing."""
    return Plan(tuple(step for step in plan.steps if (step.kind, step.name) != ("service", job)))


def _images_only(plan: Plan) -> Plan:
    return Plan(tuple(step for step in plan.steps if step.action in {Action.BUILD, Action.PULL}))


def copy(workspace: Workspace, environment: Environment, source: str, target: str) -> int:
    """Copy between this machine and a container; one of the two is written SERVICE:PATH.

    Raises:
        EnvmanError: EV607 where neither or both name a service, EV608 where it has no container.
    """
    services = environment.stack.services
    named = [one for one in (source, target) if one.partition(":")[0] in services and ":" in one]
    if len(named) != 1:
        raise fail(
            "EV607",
            "one of the two must name a service, the other a path on this machine",
            expected="SERVICE:PATH, or ENV:VOLUME/PATH, on one side",
            help=f"the services are: {', '.join(services)}; a file with a colon in its name is written ./NAME",
        )
    service, prepared = named[0].partition(":")[0], existing(workspace, environment)
    if not any(one.service == service and not one.oneoff for one in prepared.observed.containers):
        raise fail(
            "EV608",
            f"{service} has no container in {environment.name}",
            help=f"`envman up {environment.name} {service}`",
        )
    return prepared.compose.attach("--profile", "*", "cp", source, target)


def port(workspace: Workspace, environment: Environment, service: str, target: str | None) -> list[tuple[str, str]]:
    """Return (port in the container, address on the host) of what ``service`` publishes now.

    Raises:
        EnvmanError: EV616 where the service has no port ``target`` (a number, or a port's name), EV608 where it is not
            published now.
    """
    check_services(environment, [service])
    wanted = target
    declared = environment.stack.services[service].ports or ()
    for port_of_service in declared:
        if target is not None and port_of_service.name == target:
            wanted = str(port_of_service.target)
    if target is not None and not _is_port(wanted):
        known = [str(one.name or one.target) for one in declared]
        listed = f"one of {', '.join(known)}" if known else "no port: it publishes none"
        raise fail(
            "EV616",
            f'{service} has no port "{target}" in {environment.name}',
            environment.key_span("services", service, "ports"),
            expected=near_match(target, known) or listed,
        )
    found = []
    for container in existing(workspace, environment).observed.containers:
        if container.service != service or container.oneoff:
            continue
        for published in container.ports:
            inside = f"{published.container_port}/{published.protocol}"
            if published.host_port and wanted in {None, str(published.container_port), inside}:
                host = f"[{published.host_ip}]" if ":" in published.host_ip else published.host_ip
                found.append((inside, f"{host}:{published.host_port}"))
    if not found:
        what = f"port {target} of {service}" if target else service
        raise fail(
            "EV608", f"{what} is not published in {environment.name} now", help=f"`envman up {environment.name}`"
        )
    return list(dict.fromkeys(found))


def _is_port(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"\d{1,5}(/(tcp|udp|sctp))?", text) is not None
