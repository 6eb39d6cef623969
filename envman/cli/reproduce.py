"""Production's stack on this machine: reproduce."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.invocation import Format, Invocation
from envman.cli.options import Env, FailIfBusy, Timeout

if TYPE_CHECKING:
    from envman.operations.production import Origin
    from envman.operations.progress import Progress
    from envman.operations.workspace import Workspace
    from envman.reproduction.report import Fidelity


class ReportFormat(StrEnum):
    """How the report is written."""

    HUMAN = "human"
    JSON = "json"
    MARKDOWN = "markdown"


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(reproduce)


def reproduce(
    context: typer.Context,
    environment: Env = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="What the copy is called; default: ENV_copy.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="LOCK|BUNDLE|ENV", help="A lock, a bundle, or a captured environment; default: its lock."
        ),
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Scale replicas and memory to this machine, where they are too much for it.")
    ] = False,
    with_data: Annotated[
        str | None,
        typer.Option(
            "--with-data", metavar="SNAPSHOT", help="Fill the volumes from a snapshot: NAME, or ENV/NAME of another."
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Only compare the copy that is there; change nothing.")
    ] = False,
    written: Annotated[ReportFormat, typer.Option("--format", help="How the report is written.")] = ReportFormat.HUMAN,
    timeout: Timeout = 300.0,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Bring up a copy of an environment as it is locked, and say what of it is not the same."""
    from envman.operations.reproduce import ReproduceOptions, compare_again
    from envman.operations.reproduce import reproduce as bring_up

    invocation = context.ensure_object(Invocation)
    if written is ReportFormat.JSON:
        invocation.format = Format.JSON
    workspace = invocation.workspace()
    chosen = workspace.chosen(environment)
    progress = invocation.progress()
    with ExitStack() as stack:
        origin = _origin(stack, workspace, chosen, source, progress)
        copy = name or f"{origin.name}_copy"
        if report:
            found = compare_again(workspace, origin, copy, fit=fit)
            invocation.warn(workspace.report)
            _show(invocation, found, written, "")
            return
        stack.enter_context(
            invocation.exclusive(workspace, f"envman reproduce {copy}", progress, wait=not fail_if_busy)
        )
        done = bring_up(workspace, origin, ReproduceOptions(copy, fit, with_data, timeout), progress)
    invocation.warn(workspace.report)
    from envman.output.up import up_text

    above = f"{up_text(copy, done.up.urls, done.up.seconds)}\nits blueprint is {done.blueprint}"
    _show(invocation, done.fidelity, written, above)


def _origin(stack: ExitStack, workspace: Workspace, name: str, source: str | None, progress: Progress) -> Origin:
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from envman.operations.production import origin_of

    folder = Path(stack.enter_context(TemporaryDirectory(prefix="envman-"))) / "project"
    return origin_of(workspace, name, source, progress, folder)


def _show(invocation: Invocation, report: Fidelity, written: ReportFormat, above: str) -> None:
    from envman.output.reproduction import fidelity_data, fidelity_markdown, fidelity_text

    if written is ReportFormat.MARKDOWN and invocation.format is not Format.JSON:
        invocation.show(None, fidelity_markdown(report))
        return
    text = fidelity_text(report)
    invocation.show(fidelity_data(report), f"{above}\n\n{text}" if above else text)
