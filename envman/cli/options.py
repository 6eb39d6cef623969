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
Build = Annotated[bool, typer.Option("--build", help="Build images anew first.")]
Pull = Annotated[bool, typer.Option("--pull", help="Pull newer images first.")]
Recreate = Annotated[
    bool, typer.Option("--recreate", "--force-recreate", help="Make containers anew, also unchanged ones.")
]
NoDeps = Annotated[bool, typer.Option("--no-deps", help="Leave out what the services named depend on.")]
RemoveOrphans = Annotated[
    bool, typer.Option("--remove-orphans", hidden=True, help="Has no effect: containers of no service always go.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show container IDs only.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
FailIfBusy = Annotated[
    bool, typer.Option("--fail-if-busy", help="Fail at once, rather than wait, where another envman is at work here.")
]
AdoptVolumes = Annotated[
    bool, typer.Option("--adopt-volumes", help="Let new volumes be copies of those of the stack that ran before.")
]
AdoptFrom = Annotated[
    str | None, typer.Option("--adopt-from", metavar="PROJECT", help="The same, of the Compose project PROJECT.")
]
CreateExternal = Annotated[
    bool,
    typer.Option(
        "--create-external", help="Create external networks and volumes that are absent. `down` never removes them."
    ),
]
Frozen = Annotated[
    bool, typer.Option("--frozen", help="Use exactly what is locked; refuse whatever the lock lacks or has otherwise.")
]
PASS_ON = {"allow_interspersed_args": False}
