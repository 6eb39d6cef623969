"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ENV] [SERVICE]...", help="The environment (default: the chosen one), then services."),
]
Env = Annotated[
    str | None, typer.Argument(metavar="[ENV]", help="The environment; default: the one `envman use` chose.")
]
EnvName = Annotated[str, typer.Argument(metavar="ENV", help="The environment.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Give a variable a value. Repeatable.")
]
Instance = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A second stack of this environment beside the first. Also $ENVMAN_INSTANCE."),
]
Timeout = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long the stack may take to be ready.")]
Profiles = Annotated[
    list[str] | None, typer.Option("--profile", metavar="NAME", help="Activate a profile. Repeatable.")
]
NoSnapshot = Annotated[
    bool,
    typer.Option("--no-snapshot", help="Take no snapshot of anonymous volumes before they are left behind."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Fail at once, rather than wait, where another envman is at work here.")
]
Frozen = Annotated[
    bool, typer.Option("--frozen", help="Use exactly what is locked; refuse whatever the lock lacks or has otherwise.")
]
PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}
