"""After a kill: what was held goes on, what was half-made is removed, what is not whole is named."""

from __future__ import annotations

from envman.operations.progress import Progress
from envman.operations.workspace import Workspace
from envman.state.copying import all_copying, forget_copying


def recover(workspace: Workspace, progress: Progress) -> None:
    """Put right what a killed snapshot or restore has left behind, while nobody else is at work on this checkout.

    Raises:
        EnvmanError: EV4xx where something has to be put right and the engine is away.
    """
    left, damaged = all_copying(workspace.checkout.state)
    # Whatever needs the volumes of that environment refuses; other environments are not concerned.
    for error in damaged:
        progress.notice(error.diagnostics[0].message)
    if not left:
        return
    from envman.engine.archive import Helpers
    from envman.operations.held import let_go
    from envman.operations.shelves import shelf_of

    Helpers(workspace.engine, workspace.checkout.id, workspace.checkout.state).remove_left()
    for copying in left:
        shelf_of(workspace, copying.environment).sweep()
        if not copying.refilling:
            let_go(workspace, None, copying.held, stopping=copying.stopping)
            forget_copying(workspace.checkout.state, copying.environment)
            continue
        if copying.adopted:
            progress.notice(
                f"{', '.join(copying.refilling)} of {copying.environment} is not whole: copying it from Compose "
                f"project {copying.adopted} was interrupted"
            )
            continue
        back = f", {copying.safety} has what was there before" if copying.safety else ""
        progress.warning(
            f"{', '.join(copying.refilling)} of {copying.environment} is not whole: restoring {copying.snapshot} was "
            f"interrupted; repeat it{back}"
        )
