"""``envman switch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import Instance, Settings, Timeout
from envman.cli.run import up_data, up_text

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
    settings: Settings = None,
    instance: Instance = None,
    timeout: Timeout = 300.0,
) -> None:
    """Bring an environment up in the place of the one that runs; if that fails, all is as it was."""
    invocation = context.ensure_object(Invocation)
    if resume or abort:
        if environment is not None or source is not None or settings or instance or (resume and abort):
            raise typer.BadParameter("--resume and --abort stand alone: the switch is on record")
        _recover(invocation, resume=resume)
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
    with invocation.exclusive(workspace, f"envman switch {target.key}", progress):
        name = find_source(workspace, target.name, source)
        loaded = None if name is None or name == target.name else workspace.environment(name)
        done = switch_to(workspace, target, loaded, UpOptions(timeout=timeout), progress)
    _show(invocation, done)


def _recover(invocation: Invocation, *, resume: bool) -> None:
    from envman.operations import recovery

    workspace = invocation.workspace()
    progress = invocation.progress()
    option = "--resume" if resume else "--abort"
    with invocation.exclusive(workspace, f"envman switch {option}", progress, recovers=True):
        entry = recovery.pending_switch(workspace)
        if resume:
            _show(invocation, recovery.resume(workspace, entry, progress))
            return
        recovery.abort(workspace, entry, progress)
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
        **up_data(done.up),
        "from": done.source.name if done.source else None,
        "gap_seconds": round(done.gap, 2),
        "waited": list(done.waited),
        "reasons": list(done.reasons),
    }
    invocation.show(data, f"{came}\n{up_text(done.up)}")
