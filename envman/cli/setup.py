"""The machine and the choice of environment: doctor, use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import Instance

if TYPE_CHECKING:
    from envman.state.selection import Selection


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(doctor)
    app.command()(use)


def doctor(context: typer.Context) -> int:
    """Check everything that envman needs on this machine, and say what to do about what is missing."""
    from envman.engine.doctor import examine
    from envman.output.tables import table

    invocation = context.ensure_object(Invocation)
    checks = examine(invocation.environ, context=invocation.context, directory=invocation.directory)
    signs = {"ok": "✓", "warn": "!", "fail": "✗", "skip": "-"}
    rows = [[signs[one.status], one.name, one.detail] for one in checks]
    advice = [f"  {one.name}: {one.help}" for one in checks if one.help and one.status in {"warn", "fail"}]
    text = table(["", "CHECK", "FOUND"], rows) + ("\n\nWhat to do:\n" + "\n".join(advice) if advice else "")
    data = [{"check": one.name, "status": one.status, "detail": one.detail, "help": one.help} for one in checks]
    invocation.show(data, text)
    return 3 if any(one.status == "fail" for one in checks) else 0


def use(
    context: typer.Context,
    environment: Annotated[
        str | None, typer.Argument(metavar="[ENV]", help="The environment; without it, show the chosen one.")
    ] = None,
    instance: Instance = None,
) -> None:
    """Choose the environment that commands mean when none is named, for this checkout."""
    from envman.state.selection import Selection, read_selection, write_selection

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    state = workspace.checkout.state
    if environment is None:
        chosen = read_selection(state)
        text = _shown(chosen) if chosen.environment is not None else "none is chosen"
    else:
        loaded = workspace.environment(environment)
        chosen = Selection(loaded.name, instance)
        write_selection(state, chosen)
        text = f"using {_shown(chosen)}"
    invocation.show({"environment": chosen.environment, "instance": chosen.instance}, text)


def _shown(chosen: Selection) -> str:
    return f"{chosen.environment}" + (f", instance {chosen.instance}" if chosen.instance else "")
