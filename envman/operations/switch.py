"""From one environment to another, as one transaction: in the end exactly one of the two runs.

What can fail without touching the source comes first: the plan, builds, pulls, and the target's containers are made
while the source serves. Then the target starts beside it as far as the two go together (`plan.overlap`), the source
stops, and what had to wait starts. Whatever fails on the way takes all of it back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeAlias

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic, EnvmanError, Note
from envman.diagnostics.diagnostic import fail
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.operations.carry_out import announce, make_way, run, wake
from envman.operations.leaving import save_leaving, warn_of_unnamed
from envman.operations.obstacles import refuse_obstacles
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up, remember_definitions
from envman.operations.prepare import Prepared, look, prepare
from envman.operations.progress import Progress
from envman.operations.sequence import Sequence
from envman.operations.signals import Interrupts, interrupted_once
from envman.operations.transaction import BESIDE, PREPARING, STARTING, STOPPING, Transaction, is_away, well
from envman.operations.unfinished import unfinished
from envman.operations.up import Up, fetch_images, start
from envman.operations.wait import StackWatch
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed
from envman.plan.overlap import Overlap, declared_memory, overlap, started_by_compose
from envman.plan.plan import Action, Plan
from envman.plan.published import published_urls
from envman.state.journal import SWITCH, SwitchEntry
from envman.state.selection import Selection, read_selection, write_selection

# Starts services of the target, calls the second argument once they run, and returns from when on they served.
_Begin: TypeAlias = Callable[[frozenset[str], Callable[[], None]], float]


@dataclass(frozen=True, slots=True)
class Switched:
    """How a switch ended: what was stopped, what runs, and for how many seconds neither did.

    ``waited`` are the services of the target that could not start beside the source, ``reasons`` why; ``snapshot`` is
    the name of the one of the source's data that was taken first.
    """

    source: Environment | None
    up: Up
    gap: float
    waited: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    snapshot: str | None = None


def running_environments(workspace: Workspace) -> list[str]:
    """Return the environments of this checkout (of the chosen instance) that have running containers, sorted."""
    from envman.engine.observe import observe

    instance = workspace.chosen_instance() or ""
    observed = observe(workspace.engine, None, checkout=workspace.checkout.id, details=False)
    return sorted(
        {
            one.labels[f"{LABEL_PREFIX}environment"]
            for one in observed.containers
            if one.state in {"running", "restarting"}
            and not one.oneoff
            and one.labels.get(f"{LABEL_PREFIX}project") == workspace.project.name
            and one.labels.get(f"{LABEL_PREFIX}instance", "") == instance
            and f"{LABEL_PREFIX}environment" in one.labels
        }
    )


def find_source(workspace: Workspace, target: str, named: str | None) -> str | None:
    """Return the environment to switch from: the one named, else the only other one that runs, else the chosen one.

    Raises:
        EnvmanError: EV611 where several run and none of them is the chosen one.
    """
    if named is not None:
        return named
    running = [name for name in running_environments(workspace) if name != target]
    if len(running) <= 1:
        return running[0] if running else None
    selected = read_selection(workspace.checkout.state).environment
    if selected in running:
        return selected
    raise fail(
        "EV611",
        f"{', '.join(running)} are all running",
        expected="one environment to switch from",
        help=f"name it with `--from {running[0]}`",
    )


def switch(
    workspace: Workspace,
    target: Environment,
    source: Environment | None,
    options: UpOptions,
    progress: Progress,
    *,
    snapshot: bool = False,
    resumed: SwitchEntry | None = None,
) -> Switched:
    """Bring ``target`` up in the place of ``source``; first, with ``snapshot``, copy the data of that. No data is lost.

    ``resumed`` is the record of this same switch, where it was begun by an envman that was killed.

    Raises:
        EnvmanError: EV609 where the target did not come up and the source was brought back, EV613 where that failed
            too, EV631 where the engine went away and it is not finished; each with the reason. Anything else before
            the source was touched.
    """
    entry = resumed or replace(_begin(workspace, target, source, options), snapshot=snapshot)
    transaction = Transaction(workspace, entry, progress)
    with interrupted_once() as interrupts:
        try:
            return _Switch(transaction, target, source, options, interrupts).run()
        except (EnvmanError, KeyboardInterrupt) as error:
            interrupts.defer()
            touched = resumed is not None or transaction.entry.step != PREPARING
            _end_badly(transaction, target, source, options, error, touched=touched)
            raise


def _begin(workspace: Workspace, target: Environment, source: Environment | None, options: UpOptions) -> SwitchEntry:
    """Return the record of a switch that begins; nothing is written."""
    ran = [] if source is None else _up(look(workspace, source, details=True).containers)
    kept = [] if source is None else _up(look(workspace, target).containers)
    return SwitchEntry(
        SWITCH,
        target.key,
        PREPARING,
        source.key if source is not None else "",
        instance=target.instance,
        containers=well(ran),
        kept=tuple(one.id for one in kept),
        settings=dict(workspace.settings),
        timeout=options.timeout,
        by_compose=source is not None and started_by_compose(workspace.offline_document(source)),
        frozen=target.key in workspace.pins,
        unsaved=not options.snapshot,
    )


def _up(containers: tuple[ContainerState, ...]) -> list[ContainerState]:
    return [one for one in containers if one.state in {"running", "restarting", "paused"} and not one.oneoff]


class _Switch:
    def __init__(
        self,
        transaction: Transaction,
        target: Environment,
        source: Environment | None,
        options: UpOptions,
        interrupts: Interrupts,
    ) -> None:
        self.transaction, self.target, self.source, self.options = transaction, target, source, options
        self.interrupts = interrupts
        self.workspace, self.progress = transaction.workspace, transaction.progress
        self.began = time.monotonic()
        self.services = wanted_services(target, options.services or None, frozenset(options.profiles))

    def run(self) -> Switched:
        transaction = self.transaction
        transaction.at(PREPARING)
        prepared = prepare(self.workspace, self.target, self.progress, self.services)
        plan = plan_up(self.workspace, prepared, self.options)
        running = transaction.running(transaction.entry.other)
        _refuse_taken_names(self.target, prepared, running)
        # What the source holds is free by the time that it is needed.
        leaving = [transaction.project_of(transaction.entry.other)] if transaction.entry.other else []
        refuse_obstacles(self.workspace, prepared, plan, leaving=leaving)
        whole = announce(prepared, plan, self.progress)
        fetch_images(self.workspace, prepared, plan, self.options, self.progress)
        how = self._how(prepared, running)
        warn_of_unnamed(self.workspace, prepared, plan.services(Action.CREATE, Action.RECREATE))
        left = save_leaving(self.workspace, prepared, plan, self.options, "switch", self.progress)
        self._create(prepared, plan)
        saved = self._save()
        begin = self._by_compose(prepared) if started_by_compose(prepared.document) else self._by_hand()
        gap = self._hand_over(how, begin)
        self.interrupts.defer()
        transaction.end()
        write_selection(self.workspace.checkout.state, Selection(self.target.name, self.target.instance))
        containers = look(self.workspace, self.target).containers
        urls = published_urls(self.target, prepared.document, containers=containers)
        done = Up(self.target, whole, urls, time.monotonic() - self.began, left)
        return Switched(self.source, done, gap, tuple(sorted(how.held)), tuple(how.reasons), saved)

    def _how(self, prepared: Prepared, running: list[ContainerState]) -> Overlap:
        from envman.engine.lifecycle import free_memory

        document = prepared.document
        free = free_memory(self.workspace.engine) if running and declared_memory(document, self.services) else None
        directory = str(self.workspace.project.root)
        how = overlap(document, self.services, running, directory=directory, free_memory=free)
        if how.held and started_by_compose(document):
            return replace(how, held=frozenset(self.services))
        return how

    def _create(self, prepared: Prepared, plan: Plan) -> None:
        make_way(self.workspace, prepared, plan)
        if not plan.creates:
            return
        remember_definitions(self.workspace, self.target, prepared.document, prepared.observed)
        self.progress.step(f"creating the containers of {self.target.name}")
        profiles = [
            part for name in (*self.target.stack.profiles, *self.options.profiles) for part in ("--profile", name)
        ]
        run(prepared, *profiles, "create", "--no-build", "--remove-orphans")

    def _save(self) -> str | None:
        """Take the snapshot of the source that was asked for, and return its name; None where there is no data."""
        if self.source is None or not self.transaction.entry.snapshot:
            return None
        from envman.operations.snapshots import before

        taken = before(self.workspace, self.source, "switch", self.progress, asked=True)
        self.transaction.at(PREPARING, snapshot=False)
        return taken.name if taken is not None else None

    def _by_hand(self) -> _Begin:
        """Return what starts services of the target, and says from when on they served."""
        watch = StackWatch(self.workspace, self.target, self.services, self.progress, self.workspace.engine.now())
        sequence = Sequence(self.workspace, self.target.compose_project, self.progress, watch.explain)
        containers = [one for one in sequence.observe() if one.service in self.services]

        def begin(services: frozenset[str], begun: Callable[[], None]) -> float:
            identities = {one.id for one in containers if one.service in services}
            wake(self.workspace, Observed(tuple(containers)), tuple(services))
            return sequence.bring_up(identities, timeout=self.options.timeout, begun=begun)

        return begin

    def _by_compose(self, prepared: Prepared) -> _Begin:
        def begin(services: frozenset[str], begun: Callable[[], None]) -> float:
            begun()
            if services:
                start(self.workspace, prepared, Plan(), self.services, self.options, self.progress)
            return time.monotonic()

        return begin

    def _hand_over(self, how: Overlap, begin: _Begin) -> float:
        """Start, stop and start; return for how many seconds neither environment was whole."""
        transaction = self.transaction
        before = transaction.entry.stopped_at
        began = time.monotonic()
        early = frozenset(self.services) - how.held
        if early:
            transaction.at(BESIDE)
            self.progress.step(f"starting {self._named(early)}")
            began = begin(early, lambda: None)
        for reason in how.reasons:
            self.progress.notice(f"{transaction.entry.other} has to stop first: {reason}")
        stopping = time.monotonic()
        transaction.at(STOPPING, stopping=True, stopped_at=before or (time.time() if how.held else None))
        rest = transaction.stop_source(self.source, how.holders if how.held else None)
        if how.held:
            transaction.at(STARTING)
            self.progress.step(f"starting {self._named(how.held)}")
            # What held nothing up stops while the target's health is waited for: sooner, it would hold up its start.
            with ThreadPoolExecutor(1) as aside:
                stopped: list[Future[None]] = []

                def stop_rest() -> None:
                    if not stopped:
                        stopped.append(aside.submit(transaction.stop, rest))

                began = begin(how.held, stop_rest)
                stop_rest()
                stopped[0].result()
        if before is not None:
            # Another process measured the beginning, so that only the clocks on the wall can be compared.
            return max(time.time() - before - (time.monotonic() - began), 0.0)
        return max(began - stopping, 0.0) if how.held else 0.0

    def _named(self, services: frozenset[str]) -> str:
        return self.target.name if len(services) == len(self.services) else ", ".join(sorted(services))


def _refuse_taken_names(target: Environment, prepared: Prepared, running: list[ContainerState]) -> None:
    """Raise EV634 where a container of the source has the name that one of the target must have."""
    names = {one.name: one for one in running}
    for service, definition in prepared.document.services.items():
        holder = names.get(str(definition.get("container_name") or ""))
        if holder is not None:
            raise fail(
                "EV634",
                f"{target.name} and the running container {holder.name} fix one container name",
                target.span("services", service, "container_name"),
                expected="no fixed name, so that both can exist",
                help=f"remove it; or `envman down` the one, then `envman up {target.name}`: its data stays",
            )


def _end_badly(
    transaction: Transaction,
    target: Environment,
    source: Environment | None,
    options: UpOptions,
    error: EnvmanError | KeyboardInterrupt,
    *,
    touched: bool,
) -> None:
    """Bring the source back. Returns where it is back, or was never touched, and the error alone says enough.

    Raises:
        EnvmanError: EV609, EV613 or EV631, each with the reasons.
    """
    reasons = error.diagnostics if isinstance(error, EnvmanError) else ()
    if is_away(transaction.workspace, error):
        raise EnvmanError(unfinished(transaction.entry), *reasons) from None
    if not touched or source is None:
        transaction.end()
        return
    back = source.name
    why = "it was interrupted" if not reasons else f"{target.name} did not come up"
    transaction.progress.warning(f"{why}: bringing {back} back")
    try:
        transaction.take_back(source, timeout=options.timeout)
    except EnvmanError as second:
        if is_away(transaction.workspace, second):
            raise EnvmanError(unfinished(transaction.entry), *reasons, *second.diagnostics) from None
        transaction.end()
        raise EnvmanError(
            Diagnostic(
                "EV613",
                f"{target.name} did not come up, and {back} could not be brought back",
                help=f"both stacks and their data are still there; `envman up {back}` tries again",
            ),
            *reasons,
            *second.diagnostics,
        ) from None
    transaction.end()
    if isinstance(error, KeyboardInterrupt):
        return
    raise EnvmanError(
        Diagnostic(
            "EV609",
            f"{target.name} did not come up; {source.name} runs again as before",
            notes=(Note(f"{target.name} is stopped, its data is kept"),),
            help="mend what is said below, then switch again",
        ),
        *reasons,
    ) from None
