"""A switch under way: what it has done so far, on record, and how it is taken back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.diagnostics import EnvmanError
from envman.model.environment import Environment
from envman.operations.down import start_again
from envman.operations.down import stop as stop_by_compose
from envman.operations.progress import Progress
from envman.operations.sequence import Sequence, explain_plainly
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState
from envman.plan.order import UP, stopping_order, with_dependents
from envman.state.journal import SWITCH, SwitchEntry, forget, record

PREPARING: Final = "preparing it"
BESIDE: Final = "starting what can run beside the other"
STOPPING: Final = "stopping the other"
STARTING: Final = "starting what had to wait"
UNDOING: Final = "stopping it again"
REVIVING: Final = "bringing the other back"
_AWAY: Final = frozenset({"EV401", "EV402", "EV408"})
_UNWELL: Final = frozenset({"starting", "unhealthy", "restarting", "paused"})


class Transaction:
    """The steps of a switch, each recorded before it is taken, each of them harmless to repeat."""

    def __init__(self, workspace: Workspace, entry: SwitchEntry, progress: Progress) -> None:
        self.workspace = workspace
        self.entry = entry
        self.progress = progress

    def at(self, step: str, **known: Any) -> None:
        """Record that ``step`` begins, and what else is ``known`` by now."""
        self.entry = replace(self.entry, step=step, **known)
        record(self.workspace.checkout.state, self.entry)

    def end(self) -> None:
        """Remove the record: one of the two runs, the other does not."""
        forget(self.workspace.checkout.state, SWITCH)

    def project_of(self, key: str) -> str:
        """Return the Compose project of the environment with ``key``."""
        return f"{self.workspace.project.name}-{key}"

    def running(self, key: str) -> list[ContainerState]:
        """Return the containers of an environment of this checkout that run, with details; none for no environment.

        Also those whose start is under way, as it may be after an envman was killed: the engine goes on with it, and
        says of a listed one only later that it runs. It answers an inspection when it has done.
        """
        from envman.engine.observe import project_containers

        if not key:
            return []
        found = project_containers(self.workspace.engine, self.project_of(key), inspected=lambda _: True)
        own = self.workspace.checkout.id
        return [one for one in found if one.state in UP and one.labels.get(f"{LABEL_PREFIX}checkout") == own]

    def settle(self) -> None:
        """Return when the engine has done with the starts that an envman asked for before it was killed.

        Until then it says of a port that it has taken neither that nor for whom.
        """
        for key in (self.entry.environment, self.entry.other):
            self.running(key)

    def stop_source(self, source: Environment | None, holders: Collection[str] | None = None) -> list[ContainerState]:
        """Stop what runs of the source, what depends on others first.

        With ``holders`` only those containers and what depends on them; the rest is returned, for ``stop``.
        """
        if not self.entry.other:
            return []
        if self.entry.by_compose and source is not None:
            stop_by_compose(self.workspace, source, (), self.progress)
            return []
        self.progress.step(f"stopping {self.entry.other}")
        running = self.running(self.entry.other)
        first = running if holders is None else with_dependents(running, holders)
        self.stop(first)
        return [one for one in running if one not in first]

    def stop_target(self) -> None:
        """Stop what runs of the target, but what ran before the switch."""
        self.stop([one for one in self.running(self.entry.environment) if one.id not in self.entry.kept])

    def stop(self, containers: list[ContainerState]) -> None:
        """Stop ``containers``, what depends on others first; return when they have ended."""
        from envman.engine.lifecycle import stop

        for wave in stopping_order(containers):
            stop(self.workspace.engine, wave)

    def take_back(self, source: Environment | None, *, timeout: float) -> None:
        """Stop the target and bring the source back: the same containers, and those alone that ran.

        What was being stopped when an earlier envman was killed goes on being stopped by the engine, although it still
        runs: it is stopped to the end before it is started.

        Raises:
            EnvmanError: with the reason where the source does not come up.
        """
        self.at(UNDOING)
        self.progress.step(f"stopping {self.entry.environment}")
        self.stop_target()
        if self.entry.stopping and not self.entry.by_compose:
            self.stop([one for one in self.running(self.entry.other) if one.id in self.entry.containers])
        self.at(REVIVING, stopping=False)
        if self.entry.other:
            self.progress.step(f"bringing {self.entry.other} back")
            if self.entry.by_compose and source is not None:
                start_again(self.workspace, source, self.progress, timeout=timeout)
            else:
                self._revive(timeout)
        # One whose start was still on its way to the engine when its envman was killed.
        self.stop_target()

    def _revive(self, timeout: float) -> None:
        unwell = [identity for identity, health in self.entry.containers.items() if health in _UNWELL]
        sequence = Sequence(
            self.workspace,
            self.project_of(self.entry.other),
            self.progress,
            explain_plainly(self.workspace),
            excused=unwell,
        )
        sequence.bring_up(self.entry.containers.keys(), timeout=timeout)


def well(containers: Collection[ContainerState]) -> dict[str, str]:
    """Return how each of ``containers`` is, by ID, for the record."""
    return {one.id: one.state if one.state in _UNWELL else one.health or "" for one in containers}


def is_away(workspace: Workspace, error: BaseException) -> bool:
    """Return whether ``error`` came because the engine has gone, so that nothing can be taken back now."""
    if not isinstance(error, EnvmanError):
        return False
    if any(one.code in _AWAY for one in error.diagnostics):
        return True
    from envman.engine.wire import Question

    try:
        workspace.engine.ask(Question("/version"))
    except EnvmanError:
        return True
    return False
