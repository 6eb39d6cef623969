"""Where values come from and how environments differ: explain, diff.

Warnings are left to `check`: they are not what was asked for here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from envman.cli.invocation import Format, Invocation
from envman.cli.options import Instance, Settings

if TYPE_CHECKING:
    from envman.difference.environments import Difference
    from envman.operations.workspace import Workspace

DIFFERENT: Final = 5
# The word for what is on the engine, unless an environment has that name.
RUNNING: Final = "running"


class DiffFormat(StrEnum):
    """How a difference is written: as everything else, or as a table for a pull request."""

    HUMAN = "human"
    CONCISE = "concise"
    JSON = "json"
    MARKDOWN = "markdown"


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(explain)
    app.command()(diff)


def explain(
    context: typer.Context,
    subject: Annotated[
        str | None,
        typer.Argument(metavar="[ENV | CODE]", help="An environment (default: the chosen one), or a code: EV103."),
    ] = None,
    path: Annotated[
        str | None, typer.Argument(metavar="[PATH]", help="What to explain: services.api.ports, api.image.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Explain every value of the environment.")] = False,
    settings: Settings = None,
    instance: Instance = None,
) -> None:
    """Say where a value comes from, or what a diagnostic code means."""
    from envman.diagnostics.pages import looks_like_code

    invocation = context.ensure_object(Invocation)
    if subject is not None and path is None and looks_like_code(subject):
        _explain_code(invocation, subject)
        return
    from envman.explanation import explain as explain_path
    from envman.output.explanation import explanation_data, explanation_lines, explanation_text
    from envman.project import without_unset

    workspace = invocation.workspace(settings=settings or (), instance=instance)
    if path is None and subject is not None and subject not in workspace.project.blueprints and not everything:
        # One word that is no environment: a path into the chosen one.
        subject, path = (None, subject) if workspace.has_choice() else (subject, None)
    if path is None and not everything and subject is None:
        raise typer.BadParameter("name a PATH, or say --all", ctx=context, param_hint="PATH")
    loaded = workspace.environment(subject, unset=True)
    document = workspace.offline_document(without_unset(loaded))
    explanation = explain_path(loaded, document, "" if everything else path or "")
    if invocation.format is Format.CONCISE:
        text = explanation_lines(explanation)
    else:
        text = explanation_text(explanation, invocation.style())
    invocation.show(explanation_data(explanation), text)


def _explain_code(invocation: Invocation, code: str) -> None:
    from envman.diagnostics.codes import CODES
    from envman.diagnostics.pages import read_page
    from envman.output.pages import page_text

    page = read_page(code)
    data = {"code": code.upper(), "title": CODES[code.upper()].title, "page": page}
    invocation.show(data, page_text(page, invocation.style()))


def diff(
    context: typer.Context,
    left: Annotated[str, typer.Argument(metavar="ENV", help="An environment.")],
    right: Annotated[str, typer.Argument(metavar="ENV", help="The one to compare it with; `running`: what runs.")],
    path: Annotated[
        str | None, typer.Argument(metavar="[PATH]", help="Compare this part alone: services.api, api.environment.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        DiffFormat | None, typer.Option("--format", help="How the difference is written.")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with status 5 where they differ.")] = False,
    instance: Instance = None,
) -> int:
    """Show how two environments, or an environment and what runs of it, differ, and where each value comes from."""
    from envman.output.difference import difference_data, difference_lines, difference_markdown, difference_text

    invocation = context.ensure_object(Invocation)
    if format is not None and format is not DiffFormat.MARKDOWN:
        invocation.format = Format(format.value)
    workspace = invocation.workspace(instance=instance)
    differences, names = _differences(workspace, left, right, path)
    if format is DiffFormat.MARKDOWN:
        text = difference_markdown(differences, names)
    elif invocation.format is Format.CONCISE:
        text = difference_lines(differences)
    else:
        text = difference_text(differences, names, invocation.style())
    invocation.show(difference_data(differences, names), text)
    return DIFFERENT if differences and exit_code else 0


def _differences(
    workspace: Workspace, left: str, right: str, path: str | None
) -> tuple[tuple[Difference, ...], tuple[str, str]]:
    if right == RUNNING and right not in workspace.project.blueprints:
        from envman.operations.running import running_differences

        environment = workspace.environment(left)
        return running_differences(workspace, environment, path), (environment.name, RUNNING)
    from envman.difference.environments import compare

    one, other = (workspace.environment(name, unset=True) for name in (left, right))
    return compare(one, other, path), (one.name, other.name)
