"""Which words on a command line name the environment, and which come after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
