"""The command tree. Command modules import what they need only when they run: `--help` has to feel instant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envman.cli import (
    adopt,
    bundle,
    capture,
    create,
    data,
    editor,
    images,
    inside,
    lock,
    look,
    origins,
    registry,
    rename,
    reproduce,
    run,
    setup,
    snapshots,
    status,
    switch,
    update,
)
from envman.cli.invocation import Format, Invocation

app = typer.Typer(
    name="envman",
    help="Typed environments for machine-learning projects: render Compose files, drive the stacks.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(value: bool) -> None:
    if value:
        from envman.version import installed_version

        typer.echo(f"envman {installed_version()}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Option("--directory", "-C", metavar="DIR", help="Work on the project that DIR lies in.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How results are written.")] = Format.HUMAN,  # noqa: A002
    docker_context: Annotated[
        str | None, typer.Option("--context", metavar="NAME", help="Use this Docker context.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", "-H", metavar="URL", help="Use the engine at this address.")
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback has done it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Typed environments for machine-learning projects: render Compose files, drive the stacks."""
    invocation = context.ensure_object(Invocation)
    invocation.format = format
    for name, value in (("directory", directory), ("context", docker_context), ("host", host)):
        if value is not None:
            invocation.choose(name, value)


for module in (
    create,
    adopt,
    capture,
    update,
    look,
    origins,
    editor,
    run,
    switch,
    status,
    rename,
    lock,
    reproduce,
    inside,
    images,
    registry,
    data,
    snapshots,
    bundle,
    setup,
):
    module.register(app)
