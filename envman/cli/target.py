"""Which words on a command line name the environment, and which come after it; the environment under its lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envman.cli.invocation import Invocation
    from envman.model.environment import Environment
    from envman.operations.progress import Progress
    from envman.operations.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Target:
    """What a command line is about: an environment, ``named`` there unless it is the chosen one, and its services."""

    invocation: Invocation
    workspace: Workspace
    named: str | None
    environment: Environment
    services: list[str]

    @contextmanager
    def turn(self, command: str, *, wait: bool) -> Iterator[Progress]:
        """Hold the checkout's lock while ``command`` changes the stack; the body gets where to report to.

        Raises as ``Invocation.exclusive``.
        """
        progress = self.invocation.progress()
        what = f"envman {command} {self.environment.key}"
        with self.invocation.exclusive(self.workspace, what, progress, wait=wait):
            yield progress


def open_target(
    invocation: Invocation,
    names: Sequence[str] | None,
    *,
    settings: Sequence[str] | None,
    instance: str | None,
    quiet: bool = False,
    profiles: Sequence[str] | None = None,
) -> Target:
    """Return what ``names`` are: ``[ENV] [SERVICE]...``. Warnings of the blueprint are shown, unless ``quiet``.

    Quiet are commands that make nothing: what the blueprint says does not matter to them, nor whether there is one.

    Raises:
        EnvmanError: as ``Workspace.environment``.
    """
    workspace = invocation.workspace(settings=settings or (), instance=instance)
    named, services = split_target(workspace, names or ())
    if quiet:
        workspace, environment, services = open_present(invocation, workspace, named, services)
    else:
        environment = workspace.environment(named, services=services, profiles=profiles or ())
        invocation.warn(workspace.report)
    return Target(invocation, workspace, named, environment, services)


def open_present(
    invocation: Invocation, workspace: Workspace, named: str | None, words: Sequence[str] = ()
) -> tuple[Workspace, Environment, list[str]]:
    """Return the environment called ``named`` for a command on what is there already, and the ``words`` behind it.

    Where none is named, the first of ``words`` may be one whose blueprint is gone, instead of a service of the chosen
    one. A blueprint that is gone, or does not load, is a warning.

    Raises:
        EnvmanError: as ``find_present``.
    """
    from envman.operations.labelled import find_present, labelled

    rest = list(words)
    found, environment = find_present(workspace, named)
    first = rest[0] if named is None and rest else None
    unknown = first is not None and first not in environment.stack.services
    if (
        first is not None
        and unknown
        and ("/" in first or labelled(workspace, first, workspace.chosen_instance()) is not None)
    ):
        found, environment = find_present(workspace, rest.pop(0))
    invocation.warn(one for one in found.report if one.code == "EV014")
    return found, environment, rest


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
