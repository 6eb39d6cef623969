"""Holding what writes to volumes while they are copied, and letting it go on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.operations.progress import Progress
from envman.operations.workspace import Workspace
from envman.state.copying import Copying, write_copying


@dataclass(frozen=True, slots=True)
class Held:
    """Containers that are paused or stopped: their IDs, and what was done to the services, in words.

    ``stopping`` says that one of them was stopped.
    """

    ids: tuple[str, ...]
    words: str
    stopping: bool


def foreign_writers(workspace: Workspace, volumes: Iterable[str], *, paused: bool = False) -> list[str]:
    """Return the names of running containers of others, with ``paused`` those too, that mount one of ``volumes``."""
    from envman.engine.hold import users_of

    users = [one for volume in volumes for one in users_of(workspace.engine, volume)]
    others = [one for one in users if not one.belongs_to(workspace.checkout.id)]
    return sorted({one.name for one in others if one.is_running or (paused and one.is_up)})


def refuse_foreign_writers(workspace: Workspace, volumes: Sequence[str]) -> None:
    """Raise EV653 where a running container of others mounts one of ``volumes``, or one that somebody paused."""
    others = foreign_writers(workspace, volumes, paused=True)
    if others:
        raise fail(
            "EV653",
            f"{', '.join(others)} mounts {', '.join(volumes)} too, and is not this checkout's",
            help="stop it first; nothing was changed",
        )


def hold(workspace: Workspace, copying: Copying, volumes: Iterable[str], *, stopping: bool = False) -> Held:
    """Pause what writes to ``volumes``, or stop it where it cannot be paused.

    With ``stopping`` stop it, and what somebody has paused too: what that has in memory is about the data as they were.

    It is on record (beside what ``copying`` names) before it is done, so that a kill leaves nothing paused for good.

    Raises:
        EnvmanError: EV4xx for the engine; EV008 where the record cannot be kept, and then nothing is held.
    """
    from envman.engine.hold import pause, stop, users_of

    writers = {
        one.id: one
        for volume in volumes
        for one in users_of(workspace.engine, volume)
        if (one.is_up if stopping else one.is_running) and one.belongs_to(workspace.checkout.id)
    }
    held = tuple(dict.fromkeys((*copying.held, *writers)))
    copying = replace(copying, held=held, stopping=copying.stopping or stopping)
    write_copying(workspace.checkout.state, copying)
    paused, stopped = set(), set()
    for one in writers.values():
        if not stopping and pause(workspace.engine, one.id):
            paused.add(one.service or one.name)
            continue
        if not copying.stopping:
            copying = replace(copying, stopping=True)
            write_copying(workspace.checkout.state, copying)
        stop(workspace.engine, one.id)
        stopped.add(one.service or one.name)
    done = (("paused", paused), ("stopped", stopped))
    words = " and ".join(f"{', '.join(sorted(names))} {word}" for word, names in done if names)
    return Held(held, words or "nothing was running", copying.stopping)


def let_go(
    workspace: Workspace, environment: Environment | None, containers: Iterable[str], *, stopping: bool
) -> list[str]:
    """Let ``containers`` go on: unpause those that are paused, start those that are stopped; return the latter.

    ``environment`` is theirs, where it can be read: a container whose secrets are not files is started by Compose. With
    ``stopping`` one that still runs may be about to end, because a stop was broken off here and not in the engine: it
    is stopped to the end first.

    Raises:
        EnvmanError: EV4xx for the engine; what Compose says where it is to start one and does not.
    """
    from envman.engine.hold import start, state_of, stop, unpause

    started = []
    for container in containers:
        state = state_of(workspace.engine, container)
        if stopping and state in {"running", "restarting"}:
            stop(workspace.engine, container)
            state = state_of(workspace.engine, container)
        if state == "paused":
            unpause(workspace.engine, container)
        elif state in {"exited", "created"}:
            if environment is not None and not workspace.endpoint.is_local:
                _start_with_secrets(workspace, environment, container)
            else:
                start(workspace.engine, container)
            started.append(container)
    return started


def _start_with_secrets(workspace: Workspace, environment: Environment, container: str) -> None:
    from envman.engine.hold import start
    from envman.operations.carry_out import run
    from envman.operations.prepare import existing

    prepared = existing(workspace, environment)
    service = next((one.service for one in prepared.observed.containers if one.id == container), None)
    definition = environment.stack.services.get(service or "")
    if service is None or definition is None or not definition.secrets:
        start(workspace.engine, container)
    else:
        run(prepared, "--profile", "*", "start", service)


def await_services(
    workspace: Workspace, environment: Environment, containers: Sequence[str], progress: Progress, *, timeout: float
) -> None:
    """Wait until the services of ``containers`` are what they should be.

    Raises:
        EnvmanError: EV60x with the failing service's last words.
    """
    from envman.operations.prepare import look
    from envman.operations.wait import StackWatch

    if not containers:
        return
    observed = look(workspace, environment)
    services = sorted({one.service for one in observed.containers if one.id in containers and not one.oneoff})
    known = [name for name in services if name in environment.stack.services]
    StackWatch(workspace, environment, known, progress, time.time()).follow(time.monotonic() + timeout)
