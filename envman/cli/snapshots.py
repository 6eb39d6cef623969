"""Snapshots of an environment's data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.ask import confirm_change
from envman.cli.invocation import Invocation
from envman.cli.options import Env, EnvName, Instance, Settings, Timeout, Yes
from envman.diagnostics import Diagnostic, EnvmanError
from envman.diagnostics.diagnostic import fail, near_match

if TYPE_CHECKING:
    from envman.operations.workspace import Workspace

snapshot_app = typer.Typer(help="Snapshots of an environment's data.", no_args_is_help=True, rich_markup_mode=None)
SnapshotName = Annotated[str, typer.Argument(metavar="NAME", help="The snapshot.")]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", metavar="NAME", help="The environment's name, where it has to be typed."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.add_typer(snapshot_app, name="snapshot")


@snapshot_app.command("create")
def create_snapshot(
    context: typer.Context,
    environment: Env = None,
    volumes: Annotated[
        list[str] | None, typer.Option("--volume", metavar="VOLUME", help="Only this volume. Repeatable.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Its name; default: the time.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Do not pause the services that write.")] = False,
    instance: Instance = None,
    settings: Settings = None,
) -> None:
    """Take a snapshot of an environment's volumes. Services that write them are paused meanwhile."""
    from envman.cli.snapshotting import take_snapshot

    take_snapshot(
        context.ensure_object(Invocation),
        environment,
        volumes=volumes or (),
        name=name,
        live=live,
        settings=settings or (),
        instance=instance,
    )


@snapshot_app.command("list")
def list_snapshots(
    context: typer.Context,
    environment: Annotated[str | None, typer.Argument(metavar="[ENV]", help="Only of this environment.")] = None,
    instance: Instance = None,
) -> None:
    """List snapshots, the oldest first. The exit status is 1 where one is damaged."""
    from envman.operations.shelves import catalogue, environments_with_snapshots
    from envman.output.snapshots import snapshot_row, snapshot_table

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    keys = [_key(workspace, environment)] if environment else environments_with_snapshots(workspace)
    rows = [(key, name, manifest) for key in keys for name, manifest in catalogue(workspace, key)]
    invocation.show([snapshot_row(*row) for row in rows], snapshot_table(rows))
    damaged = [
        Diagnostic(
            "EV643",
            f"snapshot {name} of {key} is damaged",
            help=f"`envman snapshot show {key} {name} --verify` says what is wrong; `snapshot delete` removes it",
        )
        for key, name, manifest in rows
        if manifest is None
    ]
    if damaged:
        raise EnvmanError(*damaged)


@snapshot_app.command("show")
def show_snapshot(
    context: typer.Context,
    environment: EnvName,
    name: SnapshotName,
    check: Annotated[bool, typer.Option("--verify", help="Compare all of it with its checksums.")] = False,
    instance: Instance = None,
) -> None:
    """Show what is in a snapshot, how it was made and what it could not carry."""
    from envman.operations.restore import verify
    from envman.operations.shelves import shelf_of
    from envman.output.snapshots import snapshot_data, snapshot_text

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    shelf = shelf_of(workspace, _key(workspace, environment))
    manifest = shelf.read(name)
    if check:
        verify(shelf, manifest)
    folder = str(shelf.path(name))
    text = snapshot_text(manifest, folder) + ("\n\n  verified: all of it is as it was written" if check else "")
    invocation.show(snapshot_data(manifest, folder), text)


@snapshot_app.command("restore")
def restore_snapshot(
    context: typer.Context,
    environment: EnvName,
    name: SnapshotName,
    into: Annotated[
        str | None, typer.Option("--into", metavar="ENV", help="Put it into this environment's volumes.")
    ] = None,
    no_snapshot: Annotated[
        bool, typer.Option("--no-snapshot", help="Take no snapshot of what is there before. It is lost then.")
    ] = False,
    timeout: Timeout = 300.0,
    instance: Instance = None,
    settings: Settings = None,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Put a snapshot in the place of what an environment's volumes hold. Asks first."""
    from envman.operations.restore import restore
    from envman.operations.shelves import shelf_of

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    shelf = shelf_of(workspace, _key(workspace, environment))
    manifest = shelf.read(name)
    target = workspace.environment(into or environment)
    kept = "kept in a snapshot" if not no_snapshot else "lost"
    protected = target.protected or _protects(workspace, target.name, [one.key for one in manifest.volumes])
    confirm_change(
        invocation,
        target.name,
        f"replacing the data of {target.name}",
        [f"volume {one.key} would be replaced, and what it holds now {kept}" for one in manifest.volumes],
        protected=protected,
        yes=yes,
        typed=confirm,
        command=f"snapshot restore {environment} {name}",
    )
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman snapshot restore {target.key}", progress):
        done = restore(workspace, shelf, manifest, target, progress, safety=not no_snapshot, timeout=timeout)
    what = ", ".join((*done.volumes, *(f"what {service} wrote" for service in done.dumps)))
    text = f"restored into {target.name}: {what}"
    if done.safety:
        text += f"\nsnapshot {done.safety} has what was there: `envman snapshot restore {target.name} {done.safety}`"
    data = {
        "environment": target.name,
        "snapshot": manifest.name,
        "volumes": done.volumes,
        "hooks": done.dumps,
        "safety_snapshot": done.safety or None,
        "started": done.started,
    }
    invocation.show(data, text)


@snapshot_app.command("delete")
def delete_snapshot(
    context: typer.Context,
    environment: EnvName,
    name: SnapshotName,
    instance: Instance = None,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Delete a snapshot. Asks first."""
    _delete(context, environment, lambda _: [name], instance=instance, yes=yes, confirm=confirm)


@snapshot_app.command("prune")
def prune_snapshots(
    context: typer.Context,
    environment: EnvName,
    keep: Annotated[int, typer.Option("--keep", min=0, metavar="N", help="How many of the newest stay.")],
    instance: Instance = None,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Delete all but the newest snapshots of an environment. Asks first."""
    from envman.operations.shelves import outdated

    _delete(context, environment, lambda workspace: outdated(workspace, _key(workspace, environment), keep),
            instance=instance, yes=yes, confirm=confirm)  # fmt: skip


def _delete(
    context: typer.Context,
    environment: str,
    choose: Callable[[Workspace], list[str]],
    *,
    instance: str | None,
    yes: bool,
    confirm: str | None,
) -> None:
    from envman.operations.shelves import check_deletable, delete, shelf_of

    invocation = context.ensure_object(Invocation)
    workspace = invocation.workspace(instance=instance)
    key = _key(workspace, environment)
    shelf = shelf_of(workspace, key)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman snapshot delete {key}", progress):
        names = choose(workspace)
        check_deletable(workspace, shelf, names)
        if names:
            confirm_change(
                invocation,
                environment,
                f"deleting snapshots of {environment}",
                [f"snapshot {name} would be deleted" for name in names],
                protected=_protects(workspace, environment, None),
                yes=yes,
                typed=confirm,
                command=f"snapshot delete {environment}",
            )
        delete(shelf, names)
    text = f"deleted: {', '.join(names)}" if names else f"{environment} has no snapshot to delete"
    invocation.show({"environment": environment, "deleted": names}, text)


def _key(workspace: Workspace, environment: str) -> str:
    """Return the key of an environment, which need not have a blueprint any more."""
    from envman.operations.shelves import environments_with_snapshots

    instance = workspace.chosen_instance()
    key = f"{environment}-{instance}" if instance else environment
    if environment not in workspace.project.blueprints and key not in environments_with_snapshots(workspace):
        known = workspace.project.blueprints
        expected = near_match(environment, known) or f"one of {', '.join(known)}"
        raise fail("EV003", f'there is no environment "{environment}"', expected=expected)
    return key


def _protects(workspace: Workspace, environment: str, keys: list[str] | None) -> bool:
    """Return whether losing data of ``environment`` (of volumes ``keys``, else of any) wants its name typed."""
    if environment not in workspace.project.blueprints:
        return False
    try:
        loaded = workspace.environment(environment, to_run=False)
    except EnvmanError:
        # What cannot be read cannot say that it is not.
        return True
    volumes = loaded.stack.volumes.items()
    return loaded.protected or any(
        one is not None and one.retain == "protected" for key, one in volumes if keys is None or key in keys
    )
