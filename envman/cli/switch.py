"""``envman switch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import Frozen, Instance, NoSnapshot, NoWait, Settings, Timeout
from envman.cli.target import under_lock
from envman.output.up import left_text, up_data, up_text

if TYPE_CHECKING:
    from envman.operations.switch import Switched


def register(app: typer.Typer) -> None:
    """Add this module's command to ``app``."""
    app.command()(switch)


def switch(
    context: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENV]", help="The environment to bring up.")] = None,
    source: Annotated[str | None, typer.Option("--from", metavar="ENV", help="The environment to stop.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish the switch that was interrupted.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Take the switch back that was interrupted.")] = False,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Take a snapshot of the volumes of the one that runs first.")
    ] = False,
    no_snapshot: NoSnapshot = False,
    settings: Settings = None,
    instance: Instance = None,
    frozen: Frozen = False,
    timeout: Timeout = 300.0,
    no_wait: NoWait = False,
) -> None:
    """Bring an environment up in the place of the one that runs; if that fails, all is as it was."""
    invocation = context.ensure_object(Invocation)
    if resume or abort:
        if (
            environment is not None
            or source is not None
            or snapshot
            or no_snapshot
            or settings
            or instance
            or frozen
            or (resume and abort)
        ):
            raise typer.BadParameter("--resume and --abort stand alone: the switch is on record")
        _recover(invocation, resume=resume, wait=not no_wait)
        return
    if environment is None:
        raise typer.BadParameter("name the environment to switch to, or give --resume or --abort")
    from envman.operations.options import UpOptions
    from envman.operations.switch import find_source
    from envman.operations.switch import switch as switch_to

    workspace = invocation.workspace(settings=settings or (), instance=instance)
    target = workspace.environment(environment)
    invocation.warn(workspace.report)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman switch {target.key}", progress, wait=not no_wait):
        if frozen:
            target = under_lock(invocation, workspace, target, progress)
        name = find_source(workspace, target.name, source)
        loaded = None if name is None or name == target.name else workspace.environment(name)
        options = UpOptions(timeout=timeout, snapshot=not no_snapshot)
        done = switch_to(workspace, target, loaded, options, progress, snapshot=snapshot)
    _show(invocation, done)


def _recover(invocation: Invocation, *, resume: bool, wait: bool) -> None:
    from envman.operations import resumption

    workspace = invocation.workspace()
    progress = invocation.progress()
    option = "--resume" if resume else "--abort"
    with invocation.exclusive(workspace, f"envman switch {option}", progress, wait=wait, recovers=True):
        entry = resumption.pending_switch(workspace)
        if resume:
            _show(invocation, resumption.resume(workspace, entry, progress))
            return
        resumption.abort(workspace, entry, progress)
    text = f"{entry.other} runs as before; {entry.environment} is stopped, its data is kept"
    if not entry.other:
        text = f"{entry.environment} is stopped, its data is kept; nothing ran before it"
    invocation.show({"environment": entry.other or None, "aborted": entry.environment}, text)


def _show(invocation: Invocation, done: Switched) -> None:
    target = done.up.environment.name
    if done.source is None:
        came = f"nothing ran before {target}"
    else:
        came = f"{done.source.name} -> {target}; neither served for {done.gap:.1f} s"
    data = {
        **up_data(target, done.up.environment.compose_project, done.up.plan.steps, done.up.urls, done.up.seconds),
        "from": done.source.name if done.source else None,
        "gap_seconds": round(done.gap, 2),
        "waited": list(done.waited),
        "reasons": list(done.reasons),
        "snapshot": done.snapshot,
        "target_snapshot": done.up.snapshot,
    }
    if done.snapshot is not None and done.source is not None:
        restore = f"envman snapshot restore {done.source.name} {done.snapshot}"
        came += f"\nsnapshot {done.snapshot} has the data of {done.source.name}: `{restore}`"
    text = up_text(target, done.up.urls, done.up.seconds if done.up.plan else None)
    invocation.show(data, f"{came}\n{text}{left_text(target, done.up.snapshot)}")
