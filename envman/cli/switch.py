"""``envman switch``."""

from __future__ import annotations

from typing import Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import CreateExternal, FailIfBusy, Frozen, Instance, NoSnapshot, Settings, Timeout
from envman.cli.switching import recover_switch, switch_environment


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
    create_external: CreateExternal = False,
    settings: Settings = None,
    instance: Instance = None,
    frozen: Frozen = False,
    timeout: Timeout = 300.0,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Bring an environment up in the place of the one that runs; if that fails, all is as it was."""
    invocation = context.ensure_object(Invocation)
    if resume or abort:
        if (
            environment is not None
            or source is not None
            or snapshot
            or no_snapshot
            or create_external
            or settings
            or instance
            or frozen
            or (resume and abort)
        ):
            raise typer.BadParameter("--resume and --abort stand alone: the switch is on record")
        recover_switch(invocation, resume=resume, wait=not fail_if_busy)
        return
    if environment is None:
        raise typer.BadParameter("name the environment to switch to, or give --resume or --abort")
    switch_environment(
        invocation,
        environment,
        source=source,
        snapshot=snapshot,
        no_snapshot=no_snapshot,
        create_external=create_external,
        settings=settings or (),
        instance=instance,
        frozen=frozen,
        timeout=timeout,
        wait=not fail_if_busy,
    )
