"""A project and its template: update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from envman.cli.invocation import Invocation

if TYPE_CHECKING:
    from envman.operations.update import Updated


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(update)


def update(
    context: typer.Context,
    template: Annotated[
        str | None, typer.Option(metavar="PATH|GIT-URL", help="The template; default: the one that envman brings.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="The version that is wanted: a tag, of a git template."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="Answer an option of the template anew. Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Record the template of a project that records none; change nothing else.")
    ] = False,
) -> int:
    """Merge a newer version of the project's template into it; status 5 if there are conflicts."""
    from envman.cli.invocation import parse_settings
    from envman.diagnostics import Diagnostic
    from envman.diagnostics.codes import DIFFERS
    from envman.operations.update import Wish, adopt_template, update_project
    from envman.source.root import find_root

    invocation = context.ensure_object(Invocation)
    wish = Wish(template, to, parse_settings(settings or ()), dry_run)
    root = find_root(invocation.directory)
    done = adopt_template(root, wish) if adopt else update_project(root, wish)
    invocation.warn(done.report)
    result = {
        "template": done.name,
        "from": done.before,
        "to": done.after,
        "changes": [{"change": letter, "path": path} for letter, path in done.changes],
        "conflicts": [{"path": path, "reason": reason} for path, reason in done.conflicts],
        "difference": done.difference,
        "dry_run": dry_run,
    }
    invocation.show(result, _adopted(done, dry_run=dry_run) if adopt else _text(done, dry_run=dry_run))
    if not done.conflicts:
        return 0
    files = "\n".join(f"{reason:14} {path}" for path, reason in done.conflicts)
    plural = "" if len(done.conflicts) == 1 else "s"
    invocation.warn(
        [
            Diagnostic(
                "EV712",
                f"the template and the project changed the same: {len(done.conflicts)} file{plural}",
                help="the merge would leave these to you"
                if dry_run
                else "settle each and `git add` it, as after any merge; or `git reset --hard` takes all back",
                detail=files,
            )
        ]
    )
    return DIFFERS


def _text(done: Updated, *, dry_run: bool) -> str:
    if not done.changes:
        return f"{done.name} {done.after}: nothing to do"
    if dry_run:
        return done.difference
    step = f"{done.before} -> {done.after}" if done.before != done.after else done.after
    marked = {path for path, _ in done.conflicts}
    lines = [f"{'C' if path in marked else letter} {path}" for letter, path in done.changes]
    after = [] if done.conflicts else ["", "Next: git diff --staged, then git commit; git reset --hard takes all back"]
    return "\n".join([f"{done.name} {step}:", *[f"  {line}" for line in lines], *after])


def _adopted(done: Updated, *, dry_run: bool) -> str:
    verb = "would record" if dry_run else "recorded"
    apart = done.difference.splitlines()
    differs = [
        "",
        "Where the project is not what this version makes (later updates take that for your own changes):",
        *[f"  {line}" for line in apart],
    ]
    follow = [] if dry_run else ["", "Next: git add --all && git commit"]
    return "\n".join([f"{verb} {done.name} {done.after}", *(differs if apart else []), *follow])
