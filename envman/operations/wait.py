"""Waiting until a stack is what it should be, and finding out why it is not."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envman.diagnostics import Diagnostic, EnvmanError
from envman.model.active import is_one_shot
from envman.model.environment import Environment
from envman.operations.progress import Progress, Waiting
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed

if TYPE_CHECKING:
    from envman.engine.command import Handle

# A service without a health check counts as up once it has run this long: one that exits at once does so earlier.
SETTLED = 1.0
# A restarting service is given this many tries before it counts as failed.
TRIES = 3
# Seconds between two looks at the least.
SHORTEST_LOOK = 0.1
LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a service: ready, still waited for, or failed (with the container that failed)."""

    service: str
    state: str
    ready: bool = False
    failed: ContainerState | None = None


class Judge:
    """Tells from a container what is to be made of its service. ``since`` as for ``StackWatch``."""

    def __init__(self, since: float) -> None:
        self.since = since
        self._running_since: dict[str, tuple[str, float]] = {}

    def container(self, name: str, one: ContainerState, *, one_shot: bool) -> Verdict:
        """Return the verdict on container ``one`` of service ``name``, which with ``one_shot`` is to run to its end."""
        if one_shot:
            if one.state == "exited":
                return (
                    Verdict(name, "completed", ready=True) if not one.exit_code else Verdict(name, "failed", failed=one)
                )
            return Verdict(name, one.state)
        if one.state in {"exited", "dead"}:
            return Verdict(name, f"exited with {one.exit_code}", failed=one)
        if one.state == "restarting":
            failed = one if one.restart_count >= TRIES else None
            return Verdict(name, f"restarting (exited with {one.exit_code})", failed=failed)
        if one.state != "running":
            return Verdict(name, one.state)
        if one.health == "unhealthy":
            if one.is_unchecked:
                return Verdict(name, "not checked since it was paused")
            return Verdict(name, "unhealthy", failed=one)
        if one.health == "starting":
            return Verdict(name, "starting")
        if one.health == "healthy":
            return Verdict(name, "healthy", ready=True)
        # Without a health check running is all that can be known, so it has to last; a restart begins it anew.
        run = f"{one.restart_count}:{one.started_at}"
        known, started = self._running_since.get(one.id, ("", 0.0))
        if known != run:
            started = time.monotonic()
            self._running_since[one.id] = run, started
        settled = time.monotonic() - started >= SETTLED or (one.started_at or self.since) < self.since - SETTLED
        return Verdict(name, "running" if settled else "started", ready=settled)

    def running_since(self, identity: str) -> float | None:
        """Return when (monotonic seconds) a container without a health check was first seen running."""
        return self._running_since[identity][1] if identity in self._running_since else None

    def until_settled(self, most: float) -> float:
        """Return for how many seconds nothing can be decided unless something happens, at most ``most``."""
        now = time.monotonic()
        left = [began + SETTLED - now for _, began in self._running_since.values()]
        return min([most, *(one for one in left if one > 0)])


class StackWatch:
    """Looks at an environment's containers and tells Progress what changes.

    ``since`` is when (the engine's time in Unix seconds) the command began that is waited for. With ``digests`` a
    container of another digest is one that Compose is about to replace, so that nothing it does counts any more; the
    same holds for the containers ``replaced`` (IDs) while Compose runs.
    """

    def __init__(
        self,
        workspace: Workspace,
        environment: Environment,
        services: Sequence[str],
        progress: Progress,
        since: float,
        digests: Mapping[str, str] | None = None,
        replaced: frozenset[str] = frozenset(),
    ) -> None:
        self.workspace = workspace
        self.environment = environment
        self.services = [name for name in services if environment.stack.services[name].provider is None]
        self.progress = progress
        self.since = since
        self.digests = digests or {}
        self.replaced = replaced
        self._ready: set[str] = set()
        self._judging = Judge(since)

    def observe(self) -> Observed:
        """Return what is there now."""
        from envman.engine.observe import observe

        return observe(self.workspace.engine, [self.environment.compose_project], details=True)

    def look(self, known: Observed | None = None) -> tuple[list[Verdict], Observed]:
        """Return a verdict for each service, from what is there now or ``known``; Progress hears of what changed."""
        observed = self.observe() if known is None else known
        verdicts = [self._judge(name, observed) for name in self.services]
        for verdict in verdicts:
            if verdict.ready and verdict.service not in self._ready:
                self._ready.add(verdict.service)
                self.progress.ready(verdict.service, verdict.state)
        self.progress.waiting([Waiting(one.service, one.state) for one in verdicts if not one.ready])
        return verdicts, observed

    def states(self) -> list[str]:
        """Return how each service's container is now, in words, for somebody who has interrupted the wait."""
        lines = []
        for one in self.observe().containers:
            health = f" ({one.health})" if one.health else ""
            if one.service in self.services and not one.oneoff:
                lines.append(f"{one.service} is {one.state}{health}")
        return sorted(lines)

    def _judge(self, name: str, observed: Observed) -> Verdict:
        service = self.environment.stack.services[name]
        present = [one for one in observed.containers if one.service == name and not one.oneoff]
        containers = [
            one for one in present if one.digest == self.digests.get(name, one.digest) and one.id not in self.replaced
        ]
        if len(containers) < service.replicas:
            return Verdict(name, "to be replaced" if len(containers) < len(present) else "to be created")
        one_shot = is_one_shot(self.environment, name)
        verdicts = [self._judging.container(name, one, one_shot=one_shot) for one in containers]
        failed = next((one for one in verdicts if one.failed), None)
        unready = next((one for one in verdicts if not one.ready), None)
        return failed or unready or (verdicts[0] if verdicts else Verdict(name, "no replicas", ready=True))

    def follow(
        self, deadline: float, *, handle: Handle | None = None, known: Observed | None = None, ready: bool = True
    ) -> None:
        """Return when all services are ready (and ``handle``, the Compose that starts them, has ended).

        Unless they are to be ``ready``, the end of ``handle`` is enough, whatever has become of them since.

        ``known`` is what was seen a moment ago: if all is well there, the engine is not asked again.

        Raises:
            EnvmanError: EV603, EV604 or EV612 for a service that failed, EV605 at ``deadline`` (monotonic seconds).
        """
        from envman.engine.observe import wait_for_change

        if known is not None and all(one.ready for one in self.look(known)[0]):
            return
        while True:
            began = time.monotonic()
            ended = handle is None or handle.poll() is not None
            if ended:
                self.replaced = frozenset()
            verdicts, _ = self.look()
            failed = [one for one in verdicts if one.failed is not None]
            if ended and handle is not None and (handle.poll() != 0 or not ready):
                return
            # What an earlier run left behind says nothing while Compose may still start it, or make it anew.
            told = failed if ended else [one for one in failed if not self._from_before(one.failed)]
            if told:
                raise EnvmanError(*(self.explain(one) for one in told))
            if ended and (handle is None or handle.poll() == 0) and all(one.ready for one in verdicts):
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise EnvmanError(self._too_late(verdicts))
            wait_for_change(
                self.workspace.engine,
                self.environment.compose_project,
                since=self.workspace.engine.now() - (time.monotonic() - began),
                timeout=min(remaining, 0.5 if ended else 0.3),
            )
            # A burst of events, or an engine whose clock differs, must not make this loop spin.
            time.sleep(max(0.0, SHORTEST_LOOK - (time.monotonic() - began)))

    def ended_before(self, container: ContainerState) -> bool:
        """Return whether a container had ended before the command began that is waited for."""
        return container.finished_at is not None and container.finished_at < self.since

    def _from_before(self, container: ContainerState | None) -> bool:
        """Return whether a container is an earlier run's that has ended."""
        return (
            container is not None
            and container.state == "exited"
            and container.started_at is not None
            and container.started_at < self.since
        )

    def explain(self, verdict: Verdict) -> Diagnostic:
        """Return why a service failed, with its last log lines and health output."""
        container = verdict.failed
        assert container is not None  # only failed verdicts are explained
        name = verdict.service
        detail = last_lines(self.workspace, container.id, container.name)
        span = self.environment.key_span("services", name)
        logs_command = f"`envman logs {self.environment.name} {name}` shows more"
        if is_one_shot(self.environment, name):
            return Diagnostic(
                "EV612", f"{name} ended with exit status {container.exit_code}", span, help=logs_command, detail=detail
            )
        # What is killed is unhealthy as well.
        if container.health == "unhealthy" and container.state == "running":
            if container.health_output:
                detail += f"\n\nlast health check:\n{container.health_output.rstrip()}"
            return Diagnostic(
                "EV604",
                f"{name} is unhealthy",
                self.environment.key_span("services", name, "healthcheck"),
                help=logs_command,
                detail=detail,
            )
        advice = logs_command
        if container.exit_code == 0:
            advice = (
                "if it is a job, put it behind a profile (`profiles: [jobs]`) and run it with `envman run`, or let "
                "another service wait for it with `service_completed_successfully`"
            )
        message = f"{name} exited with status {container.exit_code}"
        if (container.inspected.get("State") or {}).get("OOMKilled"):
            message += ": it needed more memory than it may have"
            advice = f"give it more (`mem_limit`, `deploy.resources.limits.memory`); {logs_command}"
        return Diagnostic("EV603", message, span, help=advice, detail=detail)

    def _too_late(self, verdicts: Sequence[Verdict]) -> Diagnostic:
        unready = [one for one in verdicts if not one.ready]
        states = ", ".join(f"{one.service} ({one.state})" for one in unready) or "Compose"
        parts = []
        for container in self.observe().containers:
            if container.service in {one.service for one in unready} and not container.oneoff:
                parts.append(last_lines(self.workspace, container.id, container.name))
                if container.health_output:
                    parts.append(f"last health check of {container.name}:\n{container.health_output.rstrip()}")
        return Diagnostic(
            "EV605",
            f"not ready in time: {states}",
            help="give it more with `--timeout SECONDS`; what was started is still there",
            detail="\n\n".join(parts),
        )


def last_lines(workspace: Workspace, identity: str, name: str) -> str:
    """Return what container ``name`` has written last, for the detail of a diagnostic."""
    from envman.engine.observe import service_logs

    logs = service_logs(workspace.engine, identity, tail=LOG_LINES)
    if logs is None:
        return f"the logs of {name} cannot be read: its log driver keeps none, or it is gone"
    return f"last lines of {name}:\n{logs.rstrip()}" if logs.strip() else f"{name} has written nothing"
