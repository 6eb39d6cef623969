"""Stacks that run and that envman did not make: capture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.ask import can_ask, question
from envman.cli.invocation import Invocation
from envman.cli.options import Yes

if TYPE_CHECKING:
    from envman.capture.suspects import Suspect


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(capture)


def capture(
    context: typer.Context,
    containers: Annotated[
        list[str] | None, typer.Argument(metavar="[CONTAINER]...", help="Containers or Swarm services by their names.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", "-p", metavar="NAME", help="A Compose project or a Swarm stack.")
    ] = None,
    environment: Annotated[
        str, typer.Option("--environment", "-e", metavar="NAME", help="The environment that they become.")
    ] = "captured",
    engine_context: Annotated[
        str | None, typer.Option("--context", metavar="CTX", help="Read from the engine of this Docker context.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="URL", help="Read from the engine at this address.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a blueprint and lock that are there.")] = False,
    yes: Yes = False,
) -> None:
    """Make an environment of a stack that runs: its blueprint, and a lock of it. Nothing there is changed."""
    from envman.capture.suspects import find_suspects
    from envman.engine.endpoint import resolve_endpoint
    from envman.operations.capture import Wish, read_stack, write_captured
    from envman.operations.importing import project_root
    from envman.output.capture import capture_data, capture_text

    if engine_context is not None and host is not None:
        raise typer.BadParameter("--context and --host both name an engine")
    if project is not None and containers:
        raise typer.BadParameter("--project names a whole stack; name containers without it")
    invocation = context.ensure_object(Invocation)
    root = project_root(invocation.directory, given=invocation.directory != Path.cwd())
    wish = Wish(root, environment, project, tuple(containers or ()), replace)
    endpoint = resolve_endpoint(invocation.environ, context=engine_context or invocation.context, host=host)
    reading = read_stack(endpoint, wish)
    suspects = find_suspects(reading.captured.data)
    secrets = _chosen(invocation, suspects, yes=yes)
    written = write_captured(wish, reading, secrets, [one for one in suspects if one not in secrets])
    invocation.warn(written.report)
    invocation.show(
        capture_data(wish, reading.captured, secrets, written), capture_text(wish, reading.captured, written)
    )


def _chosen(invocation: Invocation, suspects: Sequence[Suspect], *, yes: bool) -> list[Suspect]:
    """Return those of ``suspects`` that are secrets.

    Raises:
        EnvmanError: EV606 where that has to be asked and nobody is there.
    """
    if yes or not suspects:
        return list(suspects)
    if not can_ask(invocation):
        from envman.diagnostics import Note
        from envman.diagnostics.diagnostic import fail

        raise fail(
            "EV606",
            "some values look secret, and there is no terminal to ask at",
            notes=tuple(Note(f"{one.where} = {one.shown}: {one.why}") for one in suspects),
            help="add `--yes` to take all of them as secrets; nothing was written",
        )
    sys.stderr.write("These values look secret. Of a secret only a reference is written; its value stays behind.\n")
    chosen: list[Suspect] = []
    for index, one in enumerate(suspects):
        answer = question(f"  {one.where} = {one.shown}: {one.why}. A secret? [Y/n/all] ").lower()
        if answer in {"a", "all"}:
            return [*chosen, *suspects[index:]]
        if answer not in {"n", "no"}:
            chosen.append(one)
    return chosen
