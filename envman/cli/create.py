"""New projects: new, init."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.ask import can_ask, question
from envman.cli.invocation import Invocation

if TYPE_CHECKING:
    from envman.scaffold import Question


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
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Answer several questions at once. minimal: API and jobs only, models on a volume."
        ),
    ] = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Take the defaults; ask nothing.")] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Do not make a git repository.")] = False,
) -> None:
    """Start a machine-learning project from the template."""
    from envman.cli.invocation import parse_settings
    from envman.scaffold import new_project

    invocation = context.ensure_object(Invocation)

    asking = _ask if not no_input and can_ask(invocation) else None
    answers = parse_settings(settings or ())
    made = new_project(name, invocation.directory, answers=answers, ask=asking, git=not no_git, preset=preset)
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


def _ask(one: Question) -> str:
    """Return the answer to a question of the template; a wrong one is asked again."""
    from envman.diagnostics import EnvmanError
    from envman.scaffold import check_answer

    heading = f"{one.help} ({one.name})" if one.help else one.name
    lines = [f"  {number}. {one.labels.get(choice, choice)}" for number, choice in enumerate(one.choices, start=1)]
    default = str(one.choices.index(one.default) + 1) if one.choices else one.default
    prompt = f"  1 to {len(one.choices)} [{default}]: " if one.choices else f"{heading} [{default}]: "
    sys.stderr.writelines(f"{line}\n" for line in ([heading, *lines] if one.choices else []))
    while True:
        typed = question(prompt) or default
        answer = one.choices[int(typed) - 1] if typed in map(str, range(1, len(one.choices) + 1)) else typed
        try:
            check_answer(one, answer)
        except EnvmanError as error:
            wrong = error.diagnostics[0]
            expected = f"a number from 1 to {len(one.choices)}" if one.choices else wrong.expected
            sys.stderr.write(f"  {wrong.message}; expected {expected}\n")
        else:
            return answer


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def init(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The project's name; default: the folder's.")] = None,
    environments: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="The environments to begin with; default: local,dev,staging,prod."),
    ] = None,
    beside_compose: Annotated[
        bool, typer.Option("--beside-compose", help="Begin anew although there are Compose files to import.")
    ] = False,
) -> None:
    """Add blueprints to this folder: for its Dockerfile, or an example. No file that is there is touched."""
    from envman.operations.initialise import initialise

    invocation = context.ensure_object(Invocation)
    names = [one.strip() for one in environments.split(",")] if environments is not None else None
    done = initialise(invocation.directory, name, names, beside_compose=beside_compose)
    ports = ", ".join(f"{port}/{protocol}" for port, protocol in done.found.ports)
    what = f"for {done.found.dockerfile}" + (f", port {ports}" if ports else "") if done.found.dockerfile else ""
    text = "\n".join(
        [
            f"{done.name} {what}".rstrip() + ":",
            *[f"  {path}" for path in done.written],
            *([""] if done.advice else []),
            *done.advice,
            "",
            "Next: envman check",
        ]
    )
    result = {
        "project": done.name,
        "folder": str(done.root),
        "files": [str(path) for path in done.written],
        "dockerfile": done.found.dockerfile,
        "ports": [f"{port}/{protocol}" for port, protocol in done.found.ports],
        "advice": list(done.advice),
    }
    invocation.show(result, text)
