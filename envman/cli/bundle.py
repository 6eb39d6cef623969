"""Bundles: an environment as one file, for machines without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from envman.cli.invocation import Invocation
from envman.cli.options import Env, FailIfBusy

if TYPE_CHECKING:
    from envman.bundle.checking import Bundle
    from envman.operations.workspace import Workspace

_CREATE = "create"
_HELP = ("--help", "-h")


class _Bundles(TyperGroup):
    """A group in which what is no command is the environment: `bundle ENV` is `bundle create ENV`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own = bool(args) and args[0] not in self.commands and args[0] not in _HELP
        return super().parse_args(ctx, [_CREATE, *args] if own else args)


bundle_app = typer.Typer(
    cls=_Bundles,
    help="An environment as one file, for machines without a network. `bundle ENV -o FILE` writes it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.add_typer(bundle_app, name="bundle")


@bundle_app.command(_CREATE)
def create_bundle(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    environment: Env = None,
    with_data: Annotated[
        list[str] | None,
        typer.Option("--with-data", metavar="SNAPSHOT", help="Put in this snapshot: NAME, or ENV/NAME. Repeatable."),
    ] = None,
    platform: Annotated[
        str | None, typer.Option(metavar="OS/ARCH", help="For this platform; default: the engine's.")
    ] = None,
) -> None:
    """Write a bundle of a locked environment. `bundle ENV -o FILE` is short for it."""
    from envman.operations.bundling import Asked, make_bundle
    from envman.output.bundle import made_data, made_text

    invocation = context.ensure_object(Invocation)
    if str(output) == "-":
        raise typer.BadParameter("names a file: a bundle is written whole, or not at all", ctx=context,
                                 param_hint="--output")  # fmt: skip
    workspace = invocation.workspace()
    loaded = workspace.environment(environment)
    invocation.warn(workspace.report)
    asked = Asked(tuple(with_data or ()), platform)
    made = make_bundle(workspace, loaded, output.absolute(), asked, invocation.progress())
    invocation.warn(workspace.report)
    invocation.show(made_data(made), made_text(made))


@bundle_app.command("show")
def show_bundle(
    context: typer.Context,
    file: File,
    check: Annotated[bool, typer.Option("--verify", help="Compare all of it with its checksums.")] = False,
) -> None:
    """Show what is in a bundle, and what was left out of it."""
    from envman.operations.bundle import opened, verify
    from envman.output.bundle import contents_data, contents_text

    invocation = context.ensure_object(Invocation)
    with opened(file) as bundle:
        if check:
            verify(bundle)
        text = contents_text(bundle.contents) + ("\n\n  verified: all of it is as it was written" if check else "")
        invocation.show(contents_data(bundle.contents), text)


@bundle_app.command("load")
def load(
    context: typer.Context,
    file: File,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="Unpack the project into this new or empty folder.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take names from other images that have them on the engine.")
    ] = False,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="DIGEST", help="Refuse any other file than the one with this.")
    ] = None,
    platform: Annotated[
        str | None, typer.Option(metavar="OS/ARCH", help="Load images of this platform onto an engine of another.")
    ] = None,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Load a bundle's images into the engine; unpack its project where there is none. Needs no network."""
    from envman.engine.connection import connect
    from envman.engine.endpoint import resolve_endpoint
    from envman.operations.bundle import check_sum, load_onto
    from envman.operations.loading import Taken
    from envman.output.bundle import loaded_data, loaded_text

    invocation = context.ensure_object(Invocation)
    if sha256 is not None:
        check_sum(file, sha256)
    target = into.absolute() if into is not None else None
    progress = invocation.progress()

    def shelve(bundle: Bundle) -> tuple[str, ...]:
        from envman.operations.unpacking import shelve as put

        workspace = _project(invocation, target, bundle.contents.project)
        if workspace is None or not bundle.contents.snapshots:
            return ()
        with invocation.exclusive(workspace, "envman bundle load", progress, wait=not fail_if_busy):
            return put(workspace, bundle)

    engine = connect(resolve_endpoint(invocation.environ, context=invocation.context))
    taken = Taken.REPLACE if replace else Taken.REFUSE
    done = load_onto(engine, file, progress, taken=taken, platform=platform, into=target, shelve=shelve)
    invocation.show(loaded_data(done), loaded_text(done))


def _project(invocation: Invocation, into: Path | None, name: str) -> Workspace | None:
    """Return the project that snapshots are for: the one just unpacked, or the one here that has the bundle's name."""
    from envman.diagnostics import EnvmanError
    from envman.operations.workspace import Workspace

    if into is not None:
        return Workspace.at(into, invocation.environ, context=invocation.context)
    try:
        workspace = invocation.workspace()
    except EnvmanError:
        return None
    return workspace if workspace.project.name == name else None
