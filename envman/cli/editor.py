"""For editors: schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from envman.cli.invocation import Invocation


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(schema)


def schema(
    context: typer.Context,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here; default: standard output.")
    ] = None,
) -> None:
    """Print the JSON Schema of a blueprint, with which editors complete and check it."""
    from envman.state.editor import schema_text
    from envman.state.output import write_output

    invocation = context.ensure_object(Invocation)
    text = schema_text()
    if output is None or str(output) == "-":
        invocation.show(json.loads(text), text)
        return
    in_file = write_output(output, text)
    invocation.show({"file": str(output)}, str(output) if in_file else "")
