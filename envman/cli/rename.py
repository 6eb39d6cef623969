"""``envman rename``."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from envman.cli.invocation import Invocation
from envman.cli.options import FailIfBusy
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail


def register(app: typer.Typer) -> None:
    """Add this module's command to ``app``."""
    app.command()(rename)


def rename(
    context: typer.Context,
    old: Annotated[str | None, typer.Argument(metavar="[OLD]", help="The environment.")] = None,
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="Its new name.")] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Give the project this name instead.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="What the project was called; default: it is found.")
    ] = None,
    abort: Annotated[bool, typer.Option("--abort", help="Take the rename back that was interrupted.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show all that it would do; change nothing.")] = False,
    remove_volumes: Annotated[
        bool, typer.Option("--remove-volumes", help="Remove the old volumes once their copies are compared.")
    ] = False,
    fail_if_busy: FailIfBusy = False,
) -> None:
    """Rename an environment or the project: volumes, snapshots, secrets, ports and files come along."""
    from envman.operations.labelled import under_project
    from envman.operations.rename import Rename
    from envman.operations.renaming import rename_environment, rename_project, running_names
    from envman.operations.unfinished import unfinished_rename
    from envman.output.rename import rename_data, rename_steps, rename_text
    from envman.state.renaming import read_renaming

    invocation = context.ensure_object(Invocation)
    asked = (old, new) if project is None else (source, project)
    if abort and any((old, new, project, source, dry_run, remove_volumes)):
        raise typer.BadParameter("--abort stands alone: the rename is on record")
    if (not abort and (project is None) == (new is None)) or (project is not None and old is not None):
        raise typer.BadParameter("give OLD and NEW, or --project NAME")
    workspace = invocation.workspace()
    home, identity = workspace.checkout.state.parent, workspace.checkout.id
    progress = invocation.progress()
    with ExitStack() as stack:
        stack.enter_context(
            invocation.exclusive(workspace, f"envman rename {old or ''}".strip(), progress, wait=not fail_if_busy)
        )
        pending = read_renaming(workspace.checkout.state)
        if pending is not None and not abort:
            entry = pending[0]
            if asked not in {(entry.old, entry.new), (None, entry.new)} or (project is not None) != entry.whole:
                raise EnvmanError(unfinished_rename(entry))
        elif abort:
            if pending is None:
                raise fail("EV632", "no rename was interrupted", help="`envman status` shows what there is")
            entry = pending[0]
        elif project is not None:
            entry = rename_project(workspace, project, source, remove=remove_volumes)
        else:
            assert old is not None  # typer fills the first argument first
            assert new is not None  # checked above
            entry = rename_environment(workspace, old, new, remove=remove_volumes)
        folder = pending[1] if pending is not None else home / f"{entry.project}-{identity}"
        ran = running_names(workspace, entry)
        if dry_run:
            lines = rename_steps(entry, ran=ran)
            invocation.show({**rename_data(entry), "steps": lines}, "\n".join(lines))
            return
        if folder != workspace.checkout.state:
            # Under its older name somebody else may be at work.
            other, what = under_project(workspace, entry.project), f"envman rename {entry.old}"
            stack.enter_context(invocation.exclusive(other, what, progress, wait=not fail_if_busy))
        work = Rename(workspace, entry, folder, progress)
        if abort:
            work.take_back()
            invocation.show(rename_data(entry), f"{entry.old} is as it was")
            return
        progress.step("\n    ".join(["renaming", *rename_steps(work.entry, ran=ran)]))
        work.run()
    invocation.show(rename_data(work.entry), rename_text(work.entry))
