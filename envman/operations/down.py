"""Stopping and removing, without ever deleting what was not asked for."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.operations.carry_out import run, wake
from envman.operations.leaving import save_orphaned
from envman.operations.prepare import Prepared, existing, refuse_unfinished_restore
from envman.operations.progress import Progress
from envman.operations.up import check_services
from envman.operations.wait import StackWatch
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, VolumeState
from envman.plan.ownership import owned
from envman.state.copying import forget_copying
from envman.state.journal import Entry, journalled
from envman.state.ports import write_ports
from envman.state.reproductions import forget_reproduced


@dataclass(frozen=True, slots=True)
class Loss:
    """What ``down --volumes`` would delete: volumes by name; whether the environment's name must be typed.

    ``ephemeral`` are those of them that nobody needs to be asked about.
    """

    volumes: tuple[str, ...]
    typed: bool
    ephemeral: frozenset[str] = frozenset()

    @property
    def data(self) -> tuple[str, ...]:
        """The volumes whose data somebody may miss."""
        return tuple(name for name in self.volumes if name not in self.ephemeral)


def volume_loss(workspace: Workspace, environment: Environment, prepared: Prepared) -> Loss:
    """Return which volumes of ``environment`` exist, are this checkout's, and would be deleted."""
    ours = [one for one in prepared.observed.volumes if owned(environment, workspace.checkout.id, one.labels)]
    protected = environment.protected or any(_retention(environment, one) == "protected" for one in ours)
    ephemeral = frozenset(one.name for one in ours if _retention(environment, one) == "ephemeral")
    return Loss(tuple(sorted(one.name for one in ours)), protected, ephemeral)


def running_jobs(prepared: Prepared) -> list[ContainerState]:
    """Return the one-off runs that are under way: ``down`` would end them."""
    return [one for one in prepared.observed.containers if one.oneoff and one.state in {"running", "paused"}]


def _retention(environment: Environment, volume: VolumeState) -> str:
    key = volume.labels.get("com.docker.compose.volume", "")
    # A volume that no blueprint names any more may be the one that somebody still needs.
    definition = environment.stack.volumes.get(key)
    if definition is None:
        return "keep"
    return definition.retain


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, by name, and the snapshot that was taken of data first: its name, if there is one."""

    names: tuple[str, ...]
    snapshot: str | None = None


def down(
    workspace: Workspace,
    environment: Environment,
    prepared: Prepared,
    progress: Progress,
    *,
    volumes: bool,
    snapshot: bool = True,
) -> Removed:
    """Stop and remove the environment's containers and networks; with ``volumes`` its volumes too.

    With ``snapshot`` what is deleted, and what nothing leads to any more, is copied first. Returns the names of the
    volumes that were deleted. Whether they may be was asked before.

    Raises:
        EnvmanError: EV640 to EV653 where nothing was removed because there is no copy of it; EV610.
    """
    saved = None
    if snapshot:
        going = prepared.observed.containers
        saved = save_orphaned(workspace, environment, going, (), "down", progress, named=volumes)
    loss = volume_loss(workspace, environment, prepared)
    with journalled(workspace.checkout.state, Entry("down", environment.key)):
        progress.step(f"taking {environment.name} down")
        if volumes:
            # Containers with their anonymous volumes. `down --volumes` would delete every volume that the file names,
            # also one that another environment made: named ones go below, by their labels.
            run(prepared, "--profile", "*", "rm", "--stop", "--force", "--volumes")
        run(prepared, "--profile", "*", "down", "--remove-orphans")
        _remove_rest(workspace, environment, loss.volumes if volumes else (), progress)
        if volumes:
            write_ports(workspace.checkout.state, environment.key, {})
            forget_copying(workspace.checkout.state, environment.key)
            forget_reproduced(workspace.checkout.state, environment.key)
    return Removed(loss.volumes if volumes else (), saved)


def _remove_rest(workspace: Workspace, environment: Environment, volumes: Collection[str], progress: Progress) -> None:
    """Remove ``volumes``, and networks that no service in the Compose file uses, by this environment's labels."""
    from envman.engine.observe import observe
    from envman.engine.removal import remove_network, remove_volume

    left = observe(workspace.engine, [environment.compose_project], details=False)
    for network in left.networks:
        if owned(environment, workspace.checkout.id, network.labels):
            gone = remove_network(workspace.engine, network.id, expected=dict(network.labels))
            if not gone:
                progress.warning(f"network {network.name} stays: containers of others are attached to it")
    for volume in left.volumes:
        if volume.name in volumes and owned(environment, workspace.checkout.id, volume.labels):
            remove_volume(workspace.engine, volume.name, expected=dict(volume.labels))


def stop(workspace: Workspace, environment: Environment, services: Sequence[str], progress: Progress) -> None:
    """Stop containers of ``environment``; they and their data stay."""
    check_services(environment, services)
    prepared = existing(workspace, environment)
    progress.step(f"stopping {', '.join(services) or environment.name}")
    run(prepared, "--profile", "*", "stop", *services)


def start_again(workspace: Workspace, environment: Environment, progress: Progress, *, timeout: float) -> None:
    """Start the stopped containers of ``environment``, the same ones, and wait until they are healthy."""
    refuse_unfinished_restore(workspace, environment)
    prepared = existing(workspace, environment)
    services = sorted({one.service for one in prepared.observed.containers if not one.oneoff})
    known = [name for name in environment.stack.services if name in services]
    progress.step(f"starting {environment.name} again")
    wake(workspace, prepared.observed, known)
    began = workspace.engine.now()
    run(prepared, "--profile", "*", "start", *known)
    StackWatch(workspace, environment, known, progress, began).follow(time.monotonic() + timeout)


def restart(
    workspace: Workspace, environment: Environment, services: Sequence[str], progress: Progress, *, timeout: float
) -> None:
    """Restart containers of ``environment`` and wait until they are healthy again."""
    check_services(environment, services)
    refuse_unfinished_restore(workspace, environment)
    prepared = existing(workspace, environment)
    present = {one.service for one in prepared.observed.containers if not one.oneoff and one.state != "created"}
    targets = list(services) or [name for name in environment.stack.services if name in present]
    if not targets:
        raise fail("EV608", f"nothing of {environment.name} is there", help=f"`envman up {environment.name}`")
    progress.step(f"restarting {', '.join(services) or environment.name}")
    wake(workspace, prepared.observed, targets)
    began = workspace.engine.now()
    run(prepared, "--profile", "*", "restart", *targets)
    StackWatch(workspace, environment, targets, progress, began).follow(time.monotonic() + timeout)


def rm(
    workspace: Workspace,
    environment: Environment,
    services: Sequence[str],
    progress: Progress,
    *,
    running: bool,
    snapshot: bool = True,
) -> Removed:
    """Remove containers of ``environment`` that are stopped (with ``running`` stop them first); return their names.

    With ``snapshot`` the anonymous volumes that nothing leads to any more are copied first.

    Raises:
        EnvmanError: EV640 to EV653 where nothing was removed because there is no copy of those; EV610.
    """
    check_services(environment, services)
    prepared = existing(workspace, environment)
    going = [
        one
        for one in prepared.observed.containers
        if (not services or one.service in services) and (running or one.state in {"exited", "created", "dead"})
    ]
    saved = None
    if snapshot:
        staying = [one for one in prepared.observed.containers if one not in going]
        saved = save_orphaned(workspace, environment, going, staying, "rm", progress)
    if going:
        progress.step(f"removing {len(going)} container{'s' if len(going) != 1 else ''} of {environment.name}")
        run(prepared, "--profile", "*", "rm", "--force", *(["--stop"] if running else []), *services)
    return Removed(tuple(one.name for one in going), saved)
