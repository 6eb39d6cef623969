"""Compose files that are already there: import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envman.cli.invocation import Invocation


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command("import")(import_files)


def import_files(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Compose files; later ones override, as with `-f`.")
    ],
    environment: Annotated[
        str, typer.Option("--environment", "-e", metavar="NAME", help="The environment that they become.")
    ] = "local",
    adapt: Annotated[
        bool, typer.Option("--adapt", help="Free what only one environment can have: host ports, fixed names.")
    ] = False,
    profiles: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="NAME", help="Let the environment activate a profile. Repeatable."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a blueprint that is there.")] = False,
) -> None:
    """Make an environment of Compose files."""
    from envman.adopt.adoption import Wish
    from envman.operations.importing import import_compose, project_root

    invocation = context.ensure_object(Invocation)
    root = project_root(invocation.directory, given=invocation.directory != Path.cwd())
    wish = Wish(tuple(files), root, environment, tuple(profiles or ()), adapt)
    done = import_compose(wish, invocation.environ, overwrite=overwrite)
    invocation.warn(done.report)
    text = "\n".join(
        [
            f"in {done.root}:" if done.written else f"{environment} is there already, unchanged",
            *[f"  {path}" for path in done.written],
            "",
            f"Next: envman check {environment}",
        ]
    )
    result = {"environment": environment, "folder": str(done.root), "files": [str(path) for path in done.written]}
    invocation.show(result, text)
