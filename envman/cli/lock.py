"""What exactly an environment is: lock, verify."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envman.cli.invocation import Format, Invocation
from envman.cli.options import Env, Instance, Profiles, Settings

if TYPE_CHECKING:
    from envman.operations.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(lock)
    app.command()(verify)


def lock(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ENV]... [SERVICE]...",
            help="The environments (default: the chosen one); with --upgrade, then the services.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with status 5 where the lock and what there is part.")
    ] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Ask the registries for newer images of the same names, and lock those.")
    ] = False,
    registry: Annotated[
        bool, typer.Option("--registry", help="With --check: ask the registries too, for tags that moved.")
    ] = False,
    settings: Settings = None,
    profiles: Profiles = None,
) -> int:
    """Lock environments: write down by digest what exactly they are made of."""
    invocation = context.ensure_object(Invocation)
    if registry and (not check or upgrade):
        raise typer.BadParameter("is for --check alone", ctx=context, param_hint="--registry")
    workspace = invocation.workspace(settings=settings or ())
    environments, services = _split(workspace, names or [], upgrade=upgrade)
    if check and not upgrade:
        return _check(invocation, workspace, environments, registry=registry)
    return _lock(invocation, workspace, environments, services, check=check, upgrade=upgrade, profiles=profiles or ())


def _split(workspace: Workspace, words: Sequence[str], *, upgrade: bool) -> tuple[list[str], list[str]]:
    """Return the environments and the services that ``words`` name."""
    if not upgrade:
        return list(words) or [workspace.chosen(None)], []
    environments: list[str] = []
    rest = list(words)
    while rest and rest[0] in workspace.project.blueprints:
        environments.append(rest.pop(0))
    return environments or [workspace.chosen(None)], rest


def _lock(
    invocation: Invocation,
    workspace: Workspace,
    names: Sequence[str],
    services: Sequence[str],
    *,
    check: bool,
    upgrade: bool,
    profiles: Sequence[str],
) -> int:
    from envman.operations.locking import make_lock, resolver_of, write_lock
    from envman.operations.up import check_profiles, check_services
    from envman.output.lock import locking_data, locking_text

    resolver = resolver_of(workspace)
    made = []
    for name in names:
        environment = workspace.environment(name, to_run=False)
        check_services(environment, services)
        check_profiles(environment, profiles)
        made.append(make_lock(workspace, environment, resolver, upgrade=upgrade, services=services, profiles=profiles))
    invocation.warn(workspace.report)
    data: list[dict[str, Any]] = []
    texts: list[str] = []
    # Only when all could be made: of several locks, none is older than the others.
    for one in made:
        written = not check and write_lock(workspace, one)
        data.append(locking_data(one, written=written))
        texts.append(locking_text(one, written=written, checked=check))
    invocation.show(data, "\n".join(texts))
    return 5 if check and any(one.moves for one in made) else 0


def _check(invocation: Invocation, workspace: Workspace, names: Sequence[str], *, registry: bool) -> int:
    from envman.operations.frozen import advice
    from envman.operations.verify import check_lock
    from envman.output.lock import check_text, difference_data

    data: list[dict[str, Any]] = []
    texts: list[str] = []
    differ = False
    for name in names:
        environment = workspace.environment(name, to_run=False)
        file, found, unknown = check_lock(workspace, environment)
        invocation.warn(one.diagnostic(advice(environment)) for one in found)
        gone = False
        if registry:
            from envman.operations.locking import resolver_of
            from envman.operations.moved import look_up

            problems = look_up(workspace, environment, file, resolver_of(workspace))
            invocation.warn(problems)
            gone = any(one.severity == "error" for one in problems)
        differ = differ or bool(found) or gone
        data.append({"environment": name, "differences": [difference_data(one) for one in found], "unknown": unknown})
        texts.append(check_text(environment.name, found, unknown))
    invocation.warn(workspace.report)
    invocation.show(data, "\n".join(texts) if invocation.format is Format.HUMAN else "")
    return 5 if differ else 0


def verify(
    context: typer.Context, environment: Env = None, instance: Instance = None, settings: Settings = None
) -> int:
    """Compare an environment's lock, its blueprint and what runs; end with status 5 where they part."""
    from envman.operations.verify import verify as compare
    from envman.output.lock import verification_data, verification_text

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    loaded = workspace.environment(environment)
    invocation.warn(workspace.report)
    found = compare(workspace, loaded)
    invocation.show(verification_data(found), verification_text(found))
    return 5 if found else 0
