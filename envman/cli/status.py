"""How the project's environments, and one environment's services, are: status."""

from __future__ import annotations

from typing import Annotated

import typer

from envman.cli.invocation import Format, Invocation
from envman.cli.options import Instance


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(status)


def status(
    context: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENV]", help="Go into this one's services.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it anew after every event on the engine, until Ctrl-C.")
    ] = False,
    instance: Instance = None,
) -> None:
    """Show all environments of the project; with a name, its services."""
    from envman.cli.looking import show_services, show_statuses, watch_services, watch_statuses

    invocation = context.ensure_object(Invocation)
    if watch and invocation.format is Format.JSON:
        raise typer.BadParameter("has no end, so it is no JSON document", ctx=context, param_hint="--watch")
    if environment is None:
        (watch_statuses if watch else show_statuses)(invocation, instance=instance)
    else:
        (watch_services if watch else show_services)(invocation, environment, instance=instance)
