"""Compose files that are already there: import."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from envman.cli.ask import can_ask, question
from envman.cli.invocation import Invocation
from envman.diagnostics import EnvmanError, Report


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command("import")(import_files)


def import_files(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Compose files; later ones override, as with `-f`. Default: those that `docker compose` would read.",
        ),
    ] = None,
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
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="DIR", help="The project's folder; default: here, or above where files lie above."
        ),
    ] = None,
    env_files: Annotated[
        list[Path] | None,
        typer.Option("--env-file", metavar="FILE", help="Read variables from here, not from .env. Repeatable."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a blueprint that is there.")] = False,
) -> None:
    """Make an environment of Compose files."""
    from envman.adopt.adoption import Wish
    from envman.adopt.choice import choose
    from envman.operations.importing import import_compose, project_root, wider_root
    from envman.source.root import PROJECT_FILE

    invocation = context.ensure_object(Invocation)
    chosen = choose(invocation.directory, files or [], env_files or [], invocation.environ)
    given = root is not None or invocation.directory != Path.cwd()
    folder = project_root(root or invocation.directory, given=given)
    wider = wider_root(chosen.files, folder, Path(invocation.environ.get("HOME") or "/"))
    # A project that is there stays where it is, and so does one that is to be beside its Compose files.
    is_new = not given and not (folder / PROJECT_FILE).is_file()
    if wider is not None and is_new and all(file.resolve().is_relative_to(folder.resolve()) for file in chosen.files):
        folder = _with_all_files(invocation, folder, *wider)
    wish = Wish(chosen.files, folder, environment, tuple(profiles or ()), adapt, chosen.env_files)
    try:
        done = import_compose(wish, invocation.environ, overwrite=overwrite)
    except EnvmanError as error:
        raise error if wider is None else _with_way_out(error, folder, wider[0]) from None
    invocation.warn(done.report)
    text = "\n".join(
        [
            f"in {done.root}:" if done.written else f"{environment} is there already, unchanged",
            *[f"  {path}" for path in done.written],
            *([f"taken as Compose would: {', '.join(chosen.taken)}"] if chosen.taken else []),
            "",
            f"Next: envman check {environment}",
        ]
    )
    result = {"environment": environment, "folder": str(done.root), "files": [str(path) for path in done.written]}
    invocation.show(result, text)


def _with_all_files(invocation: Invocation, folder: Path, root: Path, path: Path) -> Path:
    """Return ``root``, which holds ``path`` too, or ``folder``: asked on a terminal, else said (EV835)."""
    if can_ask(invocation):
        answer = question(f"{path} lies outside of {folder}. Make {root} the project's folder? [Y/n] ")
        return folder if answer.lower() in {"n", "no"} else root
    report = Report()
    report.warning(
        "EV835",
        f"the project's folder is {root}, because {path} lies outside of {folder}",
        help="`envman import --root DIR` chooses another",
    )
    invocation.warn(report)
    return root


def _with_way_out(error: EnvmanError, folder: Path, root: Path) -> EnvmanError:
    """Return ``error`` with what lets a project in ``folder`` have files that only ``root`` holds."""
    way = (
        f"move envman.yaml, blueprints/ and .env files from {folder} to {root}, or copy the file into the project"
        if (folder / "envman.yaml").is_file()
        else f"`envman import --root {root}` makes a project of the folder that holds all files"
    )
    return EnvmanError(*(replace(one, help=way) if one.code == "EV007" else one for one in error.diagnostics))
