"""For editors: schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from envman.cli.invocation import Invocation
from envman.diagnostics.diagnostic import fail, near_match


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(schema)


def schema(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND]...", help="Of this command's result with --format json: `status`."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here; default: standard output.")
    ] = None,
) -> None:
    """Print the JSON Schema of a blueprint, with which editors complete and check it, or of a command's result."""
    from envman.state.editor import schema_text
    from envman.state.output import write_output

    invocation = context.ensure_object(Invocation)
    text = _of_result(" ".join(command)) if command else schema_text()
    if output is None or str(output) == "-":
        invocation.show(json.loads(text), text)
        return
    in_file = write_output(output, text)
    invocation.show({"file": str(output)}, str(output) if in_file else "")


def _of_result(command: str) -> str:
    from envman.output.results import RESULTS, result_schema

    if command not in RESULTS:
        expected = near_match(command, RESULTS) or "a command that is one of `envman --help`, and not run, exec or logs"
        raise fail("EV903", f"no result of `{command}` is described", expected=expected)
    return json.dumps(result_schema(command), indent=1, ensure_ascii=False) + "\n"
