"""Which words on a command line name the environment, and which come after it; the environment under its lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envman.cli.invocation import Invocation
    from envman.model.environment import Environment
    from envman.operations.progress import Progress
    from envman.operations.workspace import Workspace


def split_target(workspace: Workspace, words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the environment that ``words`` begin with, and the rest.

    The first word is the environment, unless one was chosen with ``envman use`` and no blueprint has that name: then
    all words are for the chosen one.
    """
    from envman.state.selection import read_selection

    if not words:
        return None, []
    if words[0] in workspace.project.blueprints:
        return words[0], list(words[1:])
    if read_selection(workspace.checkout.state).environment is not None:
        return None, list(words)
    return words[0], list(words[1:])


def under_lock(
    invocation: Invocation,
    workspace: Workspace,
    environment: Environment,
    progress: Progress | None = None,
    *,
    building: Sequence[str] | None = None,
) -> Environment:
    """Return ``environment`` held to its lock, for ``--frozen``. Raises as ``operations.frozen.freeze``."""
    from envman.operations.frozen import freeze

    frozen = freeze(workspace, environment, building=building, progress=progress)
    invocation.warn(workspace.report)
    return frozen
