"""What `switch` does, apart from the words on its command line: it is reached without typer too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from envman.cli.invocation import Invocation
from envman.cli.target import open_present, under_lock
from envman.diagnostics.diagnostic import fail
from envman.output.up import left_text, up_data, up_text

if TYPE_CHECKING:
    from envman.operations.switch import Switched


def switch_environment(
    invocation: Invocation,
    environment: str,
    *,
    source: str | None = None,
    snapshot: bool = False,
    no_snapshot: bool = False,
    create_external: bool = False,
    settings: Sequence[str] = (),
    instance: str | None = None,
    frozen: bool = False,
    timeout: float = 300.0,
    wait: bool = True,
) -> None:
    """Bring ``environment`` up in the place of ``source``, or of the one that runs, and show how that went.

    Unless it is to ``wait``, another envman that holds the checkout is an error at once.

    Raises:
        EnvmanError: as ``operations.switch``.
    """
    from envman.operations.options import UpOptions
    from envman.operations.switch import find_source
    from envman.operations.switch import switch as switch_to

    workspace = invocation.workspace(settings=settings, instance=instance)
    target = workspace.environment(environment)
    invocation.warn(workspace.report)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman switch {target.key}", progress, wait=wait):
        if frozen:
            target = under_lock(invocation, workspace, target, progress)
        name = find_source(workspace, target.name, source)
        loaded = None
        if name is not None and name != target.name:
            origin, loaded, _ = open_present(invocation, workspace, name)
            if origin is not workspace:
                raise fail(
                    "EV015",
                    f"{name} runs under an older name of the project",
                    help=f"`envman stop {name}` stops it; `envman rename --project` carries it over",
                )
        options = UpOptions(timeout=timeout, snapshot=not no_snapshot, create_external=create_external)
        done = switch_to(workspace, target, loaded, options, progress, snapshot=snapshot)
    invocation.warn(workspace.report)
    _show(invocation, done)


def recover_switch(invocation: Invocation, *, resume: bool, wait: bool) -> None:
    """Finish the switch that was interrupted, or take it back.

    Raises:
        EnvmanError: as ``operations.resumption``.
    """
    from envman.operations import resumption

    workspace = invocation.workspace()
    progress = invocation.progress()
    option = "--resume" if resume else "--abort"
    with invocation.exclusive(workspace, f"envman switch {option}", progress, wait=wait, recovers=True):
        entry = resumption.pending_switch(workspace)
        if resume:
            _show(invocation, resumption.resume(workspace, entry, progress))
            return
        resumption.abort(workspace, entry, progress)
    text = f"{entry.other} runs as before; {entry.environment} is stopped, its data is kept"
    if not entry.other:
        text = f"{entry.environment} is stopped, its data is kept; nothing ran before it"
    invocation.show({"environment": entry.other or None, "aborted": entry.environment}, text)


def _show(invocation: Invocation, done: Switched) -> None:
    target = done.up.environment.name
    if done.source is None:
        came = f"nothing ran before {target}"
    else:
        came = f"{done.source.name} -> {target}; neither served for {done.gap:.1f} s"
    data = {
        **up_data(target, done.up.environment.compose_project, done.up.plan.steps, done.up.urls, done.up.seconds),
        "from": done.source.name if done.source else None,
        "gap_seconds": round(done.gap, 2),
        "waited": list(done.waited),
        "reasons": list(done.reasons),
        "snapshot": done.snapshot,
        "target_snapshot": done.up.snapshot,
    }
    if done.snapshot is not None and done.source is not None:
        restore = f"envman snapshot restore {done.source.name} {done.snapshot}"
        came += f"\nsnapshot {done.snapshot} has the data of {done.source.name}: `{restore}`"
    text = up_text(target, done.up.urls, done.up.seconds if done.up.plan else None)
    invocation.show(data, f"{came}\n{text}{left_text(target, done.up.snapshot)}")
