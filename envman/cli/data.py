"""What outlives containers: volumes, networks, secrets."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import Env, EnvName, Instance, Settings
from envman.cli.target import open_present
from envman.diagnostics.diagnostic import fail, near_match

secrets_app = typer.Typer(help="An environment's secrets.", no_args_is_help=True, rich_markup_mode=None)
SecretName = Annotated[str, typer.Argument(metavar="NAME", help="The secret.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(volumes)
    app.command()(networks)
    app.add_typer(secrets_app, name="secrets")


def volumes(
    context: typer.Context, environment: Env = None, instance: Instance = None, settings: Settings = None
) -> None:
    """List an environment's volumes: whether they exist, who mounts them, how hard they are to delete."""
    from envman.operations.resources import list_volumes
    from envman.output.tables import table

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    workspace, loaded, _ = open_present(invocation, workspace, environment)
    found = list_volumes(workspace, loaded)
    rows = [
        [one.key, one.name, "yes" if one.exists else "not yet", one.retain, ", ".join(one.services)] for one in found
    ]
    data = [
        {"volume": one.key, "name": one.name, "exists": one.exists, "retain": one.retain, "services": one.services}
        for one in found
    ]
    invocation.show(data, table(["VOLUME", "NAME", "EXISTS", "RETAIN", "MOUNTED BY"], rows))


def networks(
    context: typer.Context, environment: Env = None, instance: Instance = None, settings: Settings = None
) -> None:
    """List an environment's networks and who is attached to them."""
    from envman.operations.resources import list_networks
    from envman.output.tables import table

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    workspace, loaded, _ = open_present(invocation, workspace, environment)
    found = list_networks(workspace, loaded)
    rows = [
        [one.key, one.name, "yes" if one.exists else "not yet", "yes" if one.internal else "", ", ".join(one.services)]
        for one in found
    ]
    data = [
        {"network": one.key, "name": one.name, "exists": one.exists, "internal": one.internal, "services": one.services}
        for one in found
    ]
    invocation.show(data, table(["NETWORK", "NAME", "EXISTS", "INTERNAL", "SERVICES"], rows))


@secrets_app.command("list")
def list_secrets(context: typer.Context, environment: Env = None, instance: Instance = None) -> None:
    """List an environment's secrets and whether they have a value. No value is shown."""
    from envman.output.tables import table

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    loaded = workspace.environment(environment)
    store = workspace.store(loaded)
    rows = []
    for name, secret in loaded.stack.secrets.items():
        source = secret.source or ("external" if secret.external else "Compose")
        rows.append([name, source, "yes" if store.has(name) else "" if secret.source is None else "not yet"])
    data = [{"secret": name, "source": source, "stored": stored == "yes"} for name, source, stored in rows]
    invocation.show(data, table(["SECRET", "SOURCE", "STORED"], rows))


@secrets_app.command("set")
def set_secret(context: typer.Context, environment: EnvName, name: SecretName, instance: Instance = None) -> None:
    """Store a secret's value, read from standard input (or asked for, unseen)."""
    import getpass

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    loaded = workspace.environment(environment)
    _known(name, list(loaded.stack.secrets), loaded.name)
    value = getpass.getpass(f"value of {name}: ") if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")
    if not value:
        raise fail("EV504", f'no value for "{name}" was given', help="write it to standard input")
    changed = workspace.store(loaded).write(name, value)
    text = (
        f"{name} is stored; `envman up {loaded.name}` recreates what uses it"
        if changed
        else f"{name} has that value already"
    )
    invocation.show({"environment": loaded.name, "secret": name, "changed": changed}, text)


@secrets_app.command("show")
def show_secret(context: typer.Context, environment: EnvName, name: SecretName, instance: Instance = None) -> None:
    """Write a secret's value to standard output."""
    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    loaded = workspace.environment(environment)
    _known(name, list(loaded.stack.secrets), loaded.name)
    value = workspace.store(loaded).read(name)
    if value is None:
        raise fail(
            "EV504", f'secret "{name}" of {loaded.name} has no value yet', help=f"`envman up {loaded.name}` makes it"
        )
    invocation.show({"environment": loaded.name, "secret": name, "value": value}, value)


def _known(name: str, known: list[str], environment: str) -> None:
    if name not in known:
        raise fail(
            "EV511",
            f'{environment} has no secret "{name}"',
            expected=near_match(name, known) or f"one of {', '.join(known) or 'none'}",
        )
