"""New projects: new, init."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from envman.cli.ask import can_ask, question
from envman.cli.invocation import Invocation


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(new)
    app.command()(init)


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project's name, and its folder's.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="Answer a question beforehand. Repeatable."),
    ] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Take the defaults; ask nothing.")] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Do not make a git repository.")] = False,
) -> None:
    """Start a machine-learning project from the template."""
    from envman.cli.invocation import parse_settings
    from envman.scaffold import Question, new_project

    invocation = context.ensure_object(Invocation)

    def ask(one: Question) -> str:
        hint = f" ({one.help})" if one.help else ""
        answer = question(f"{one.name}{hint} [{one.default}]: ")
        return answer or one.default

    asking = ask if not no_input and can_ask(invocation) else None
    made = new_project(name, invocation.directory, answers=parse_settings(settings or ()), ask=asking, git=not no_git)
    first = f"cd {_shown(made)}"
    text = "\n".join(
        [
            f"{name} is in {made}",
            "",
            "Next:",
            f"  {first}",
            "  envman up local             bring it up",
            "  envman run local train      train a model",
            "  envman status               see what runs, and where",
        ]
    )
    invocation.show({"project": name, "folder": str(made)}, text)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def init(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The project's name; default: the folder's.")] = None,
) -> None:
    """Make an envman project of this folder, with the shipped blueprints to begin from."""
    from envman.scaffold import init_project

    invocation = context.ensure_object(Invocation)
    written = init_project(invocation.directory, name)
    text = "\n".join(["wrote:", *[f"  {path}" for path in written], "", "Next: envman check"])
    invocation.show({"folder": str(invocation.directory), "files": [str(path) for path in written]}, text)
    sys.stdout.flush()
