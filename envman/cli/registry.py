"""Registries: login, logout, promote."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.ask import can_ask, question
from envman.cli.invocation import Invocation
from envman.cli.options import Yes
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail

if TYPE_CHECKING:
    from envman.operations.promotion import Promotion

Registry = Annotated[
    str | None, typer.Argument(metavar="[REGISTRY]", help="Its name, as images' names begin. Default: Docker Hub.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(login)
    app.command()(logout)
    app.command()(promote)


def login(
    context: typer.Context,
    registry: Registry = None,
    username: Annotated[str | None, typer.Option("--username", "-u", metavar="NAME", help="Who logs in.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password or token from standard input.")
    ] = False,
) -> None:
    """Log in to a registry; without options, check the login that Docker has, and ask where it is not enough."""
    from envman.engine.endpoint import resolve_endpoint
    from envman.operations.login import log_in, registry_host

    invocation = context.ensure_object(Invocation)
    if password_stdin and username is None:
        raise typer.BadParameter("needs --username", ctx=context, param_hint="--password-stdin")
    host = registry_host(registry)
    found = log_in(
        resolve_endpoint(invocation.environ, context=invocation.context),
        invocation.environ,
        host,
        username=username,
        password=_standard_input if password_stdin else None,
        ask=(lambda name, refused: _prompt(host, name, refused)) if can_ask(invocation) else None,
    )
    if found.username is None:
        text = f"{host} lets everybody in: no login is needed, and none was kept"
    else:
        whose = f" as {found.username}" if found.username else ""
        text = f"logged in to {host}{whose}" + (f", by {found.origin}" if found.origin else "")
    if found.plain:
        text += "\nDocker keeps it as plain text in its config.json; a credential helper (`credsStore`) would be safer"
    data = {"registry": host, "username": found.username, "origin": found.origin, "plain_text": found.plain}
    invocation.show(data, text)


def _standard_input() -> str:
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def _prompt(host: str, username: str | None, refused: EnvmanError | None) -> tuple[str, str]:
    import getpass

    if refused is not None:
        sys.stderr.write(f"{refused.diagnostics[0].message}\n")
    name = username or question(f"username for {host}: ")
    return name, getpass.getpass(f"password or token of {name}: ", stream=sys.stderr)


def logout(context: typer.Context, registry: Registry = None) -> None:
    """Have Docker forget its login to a registry."""
    from envman.engine.endpoint import resolve_endpoint
    from envman.engine.login import forget_login
    from envman.operations.login import registry_host

    invocation = context.ensure_object(Invocation)
    host = registry_host(registry)
    forget_login(resolve_endpoint(invocation.environ, context=invocation.context), invocation.environ, host)
    invocation.show({"registry": host}, f"logged out of {host}")


def promote(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The environment whose running images are taken.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The environment that gets them.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    yes: Yes = False,
    confirm: Annotated[
        str | None, typer.Option(metavar="NAME", help="TO's name, where it is protected and there is nobody to ask.")
    ] = None,
) -> None:
    """Give TO the images that FROM runs, by digest: tags in the registry and TO's lock. Nothing is built or pulled."""
    from envman.operations.promotion import own_registries, plan_promotion
    from envman.operations.promotion import promote as carry_out
    from envman.output.promotion import promotion_data, promotion_text

    invocation = context.ensure_object(Invocation)
    if source == target:
        raise typer.BadParameter("is FROM itself", ctx=context, param_hint="TO")
    workspace = invocation.workspace()
    progress = invocation.progress()
    with own_registries(workspace) as registries:
        found = plan_promotion(workspace, (source, target), registries)
        invocation.warn(workspace.report)
        changes = any(one.moves for one in found.images) or bool(found.locking.changes)
        if dry_run or not changes:
            invocation.show(promotion_data(found, done=False), promotion_text(found, done=False))
            return
        _confirm_promotion(invocation, found, yes=yes, typed=confirm)
        with invocation.exclusive(workspace, f"envman promote {source} {target}", progress):
            carry_out(workspace, found, registries, progress)
    invocation.show(promotion_data(found, done=True), promotion_text(found, done=True))


def _confirm_promotion(invocation: Invocation, found: Promotion, *, yes: bool, typed: str | None) -> None:
    """Return if the promotion is wanted; raises EV606 otherwise."""
    from envman.output.promotion import promotion_text

    target = found.target
    if typed == target.name or (yes and not target.protected):
        return
    if typed is None and can_ask(invocation):
        sys.stderr.write(promotion_text(found, done=False) + "\n")
        if target.protected:
            if question(f"{target.name} is protected. Type its name to promote: ") == target.name:
                return
        elif question("Promote? [y/N] ").lower() in {"y", "yes"}:
            return
        raise fail("EV606", "not confirmed", help="nothing was changed")
    option = f"--confirm {target.name}" if target.protected else "--yes"
    raise fail(
        "EV606",
        f"`promote` changes what {target.name} is, and there is no terminal to ask at",
        help=f"look at it with `--dry-run`; add `{option}` if that is what you want; nothing was changed",
    )
