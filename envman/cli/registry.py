"""Registries: login, logout, promote."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from envman.cli.ask import can_ask, question
from envman.cli.invocation import Invocation
from envman.diagnostics import EnvmanError

Registry = Annotated[
    str | None, typer.Argument(metavar="[REGISTRY]", help="Its name, as images' names begin. Default: Docker Hub.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(login)
    app.command()(logout)


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
        ask=(lambda name, refused: _prompt(invocation, host, name, refused)) if can_ask(invocation) else None,
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


def _prompt(invocation: Invocation, host: str, username: str | None, refused: EnvmanError | None) -> tuple[str, str]:
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
