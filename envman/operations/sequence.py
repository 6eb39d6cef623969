"""Starting containers that exist already, each as soon as what it depends on is ready.

What `docker compose start` does, without a process of its own: nothing goes on if envman is killed, no time is lost
between two looks, and no blueprint is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from envman.diagnostics import Diagnostic, EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.operations.progress import Progress, Waiting
from envman.operations.wait import Judge, Verdict, last_lines
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState
from envman.plan.order import UP, has_completed, may_start, one_shots

if TYPE_CHECKING:
    from envman.engine.lifecycle import Starter

_LOOK_AGAIN = 0.5
# A listing of one project costs little, and the other environment is down meanwhile.
_SHORTEST_LOOK = 0.02
# While a start is under way its event is what comes next.
_STARTING = 0.2


@dataclass
class Sequence:
    """Containers of one Compose project that are to be up; ``explain`` says why one is not.

    Of ``excused`` ones (those that were not well before either) nothing is expected but that they are started.
    """

    workspace: Workspace
    project: str
    progress: Progress
    explain: Callable[[Verdict], Diagnostic]
    excused: Collection[str] = ()
    _asked: dict[str, float | None] = field(default_factory=dict)
    _pending: frozenset[str] = frozenset()
    _starting: set[str] = field(default_factory=set)
    _ready: dict[str, float] = field(default_factory=dict)
    _shown: list[Waiting] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._judge = Judge(self.workspace.engine.now())

    def observe(self) -> list[ContainerState]:
        """Return the project's containers; with details where a verdict depends on them."""
        from envman.engine.observe import project_containers

        return project_containers(self.workspace.engine, self.project, inspected=self._needs_details)

    def _needs_details(self, one: ContainerState) -> bool:
        # Of one that is healthy, or not checked yet, the listing says enough; one that is being started cannot be
        # inspected until then.
        return one.health in {None, "unhealthy"} and one.state != "created" and one.id not in self._pending

    def bring_up(
        self, identities: Collection[str], *, timeout: float, begun: Callable[[], None] = lambda: None
    ) -> float:
        """Start those of ``identities`` that do not run, and return when all are ready.

        ``begun`` is called whenever all that could be started by then runs, and only readiness is waited for.
        Returns the time (monotonic seconds) from which on all of them served: of one without a health check that is
        when it began to run, once it has lasted.

        Raises:
            EnvmanError: with ``explain``'s words for one that failed, EV605 after ``timeout`` seconds, EV633 for one
                that has gone, EV410 where the engine refuses to start one.
        """
        from envman.engine.lifecycle import Starter
        from envman.engine.observe import wait_for_change

        if not identities:
            return time.monotonic()
        deadline = time.monotonic() + timeout
        with Starter(self.workspace.engine) as starter:
            while True:
                began = time.monotonic()
                self._pending = starter.pending()
                verdicts = self._look(identities, starter)
                if self._asked and not self._starting:
                    begun()
                if not self._pending and all(one.ready for one in verdicts.values()):
                    return max(self._ready[identity] for identity in identities)
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise self._too_late(verdicts)
                limit = _STARTING if self._pending else self._judge.until_settled(_LOOK_AGAIN)
                since = self.workspace.engine.now() - (time.monotonic() - began)
                wait_for_change(self.workspace.engine, self.project, since=since, timeout=min(remaining, limit))
                time.sleep(max(0.0, _SHORTEST_LOOK - (time.monotonic() - began)))

    def _look(self, identities: Collection[str], starter: Starter) -> dict[str, Verdict]:
        """Start what can be started, and return a verdict for each container."""
        containers = self.observe()
        mine = {one.id: one for one in containers if one.id in identities}
        gone = set(identities) - set(mine)
        if gone:
            names = ", ".join(sorted(identity[:12] for identity in gone))
            raise fail("EV633", f"of {self.project} these containers are gone: {names}")
        present: dict[str, list[ContainerState]] = {}
        for one in containers:
            present.setdefault(one.service, []).append(one)
        ending = one_shots(containers)
        verdicts = {}
        # Its event comes before the engine's answer, so that this one knows earlier.
        self._starting = {identity for identity in self._pending if identity in mine and mine[identity].state not in UP}
        for one in mine.values():
            if self._is_to_start(one, one_shot=one.service in ending):
                if may_start(one, present):
                    self._asked[one.id] = one.started_at
                    self._starting.add(one.id)
                    starter.start(one.id)
                verdicts[one.id] = Verdict(one.service, "starting" if one.id in self._asked else "waiting")
            elif one.id in self._pending and one.state not in UP:
                verdicts[one.id] = Verdict(one.service, "starting")
            else:
                verdicts[one.id] = self._verdict(one, one_shot=one.service in ending)
        failed = [one for one in verdicts.values() if one.failed is not None]
        if failed:
            raise EnvmanError(*(self.explain(self._with_details(one)) for one in failed))
        self._tell(verdicts)
        return verdicts

    def _is_to_start(self, one: ContainerState, *, one_shot: bool) -> bool:
        if one.state in UP or (one_shot and has_completed(one)):
            return False
        if one.id not in self._asked:
            return True
        # Not run since it was asked for: a stop that was under way has only now been done.
        return one.state == "exited" and one.id not in self._pending and one.started_at == self._asked[one.id]

    def _verdict(self, one: ContainerState, *, one_shot: bool) -> Verdict:
        verdict = self._judge.container(one.service, one, one_shot=one_shot)
        if one.id in self.excused and not verdict.ready:
            verdict = Verdict(one.service, f"{verdict.state}, as before", ready=True)
        return verdict

    def _with_details(self, verdict: Verdict) -> Verdict:
        from envman.engine.observe import project_containers

        failed = verdict.failed
        assert failed is not None  # only failed verdicts are explained
        found = project_containers(self.workspace.engine, self.project, inspected=lambda one: one.id == failed.id)
        return replace(verdict, failed=next((one for one in found if one.id == failed.id), failed))

    def _tell(self, verdicts: Mapping[str, Verdict]) -> None:
        for identity, verdict in verdicts.items():
            if verdict.ready and identity not in self._ready:
                self._ready[identity] = self._judge.running_since(identity) or time.monotonic()
                self.progress.ready(verdict.service, verdict.state)
        self.progress.waiting([Waiting(one.service, one.state) for one in verdicts.values() if not one.ready])

    def _too_late(self, verdicts: Mapping[str, Verdict]) -> EnvmanError:
        unready = {identity: one for identity, one in verdicts.items() if not one.ready}
        return fail(
            "EV605",
            f"not ready in time: {', '.join(f'{one.service} ({one.state})' for one in unready.values())}",
            help="give it more with `--timeout SECONDS`",
            detail="\n\n".join(last_lines(self.workspace, identity, one.service) for identity, one in unready.items()),
        )


def explain_plainly(workspace: Workspace) -> Callable[[Verdict], Diagnostic]:
    """Return what explains a failure from the container alone, where no blueprint is at hand."""

    def explain(verdict: Verdict) -> Diagnostic:
        container = verdict.failed
        assert container is not None  # only failed verdicts are explained
        detail = last_lines(workspace, container.id, container.name)
        return Diagnostic("EV603", f"{verdict.service} {verdict.state}", detail=detail)

    return explain
