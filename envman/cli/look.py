"""Looking without an engine: check, render."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.invocation import Format, Invocation
from envman.cli.options import Env, Frozen, Instance, Settings

if TYPE_CHECKING:
    from envman.model.environment import Environment


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(check)
    app.command()(render)


def check(
    context: typer.Context,
    environments: Annotated[
        list[str] | None, typer.Argument(metavar="[ENV]...", help="The environments; default: all of the project.")
    ] = None,
    settings: Settings = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count as errors.")] = False,
) -> int:
    """Say everything that is wrong with the blueprints, in one run."""
    from envman.checks import advise, check_environment, check_together
    from envman.diagnostics import EnvmanError
    from envman.language.variables import unused_setting
    from envman.project import load_environment
    from envman.state.editor import provide_schema

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or ())
    report, project = workspace.report, workspace.project
    good: list[Environment] = []
    names = list(dict.fromkeys(environments or project.environments(report)))
    for name in names:
        try:
            environment = load_environment(
                project,
                name,
                report,
                settings=workspace.settings,
                process=invocation.environ,
                instance=workspace.chosen_instance(),
                partial=not environments,
            )
        except EnvmanError as error:
            report.extend(error.diagnostics)
            continue
        if environment is not None:
            try:
                check_environment(environment, project.root, report)
                advise(environment, project.root, report)
            except EnvmanError as error:
                report.extend(error.diagnostics)
            good.append(environment)
    if not environments:
        declared = project.variables()
        report.extend(unused_setting(name, declared) for name in workspace.settings if name not in declared)
    check_together(good, report, whole=not environments and not report.errors)
    provide_schema(project.root)
    invocation.warn(report)
    failed = bool(report.errors) or (strict and bool(report.warnings))
    counts = {"errors": len(report.errors), "warnings": len(report.warnings)}
    plural = "" if len(names) == 1 else "s"
    verdict = ", ".join(f"{count} {kind[: -1 if count == 1 else None]}" for kind, count in counts.items() if count)
    text = f"{len(names)} environment{plural} checked: {verdict or 'nothing to complain about'}"
    invocation.show({"environments": names, **counts}, text if invocation.format is Format.HUMAN else "")
    return 1 if failed else 0


def render(
    context: typer.Context,
    environment: Env = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead; - is standard output.")
    ] = None,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Write behind each line, as a comment, where its value comes from.")
    ] = False,
    settings: Settings = None,
    instance: Instance = None,
    frozen: Frozen = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Render anew, whatever is known from before. Also $ENVMAN_NO_CACHE.")
    ] = False,
) -> None:
    """Write the environment's complete Compose file."""
    from envman.cli.rendering import render_environment

    render_environment(
        context.ensure_object(Invocation),
        environment,
        output=output,
        settings=settings or (),
        instance=instance,
        cache=not no_cache,
        annotate=annotate,
        frozen=frozen,
    )
