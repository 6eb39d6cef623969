"""From one environment to another: the one stops, the other comes up healthy, or the first is brought back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic, EnvmanError, Note, Severity
from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.operations.down import start_again, stop
from envman.operations.obstacles import refuse_obstacles
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up
from envman.operations.prepare import prepare
from envman.operations.progress import Progress
from envman.operations.up import Up, fetch_images, named_urls, start
from envman.operations.workspace import Workspace
from envman.plan.wanted import wanted_services
from envman.state.journal import Entry, forget, record
from envman.state.selection import Selection, read_selection, write_selection


@dataclass(frozen=True, slots=True)
class Switched:
    """How a switch ended: what was stopped, what runs, and for how many seconds neither did."""

    source: Environment | None
    up: Up
    gap: float


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
    workspace: Workspace, target: Environment, source: Environment | None, options: UpOptions, progress: Progress
) -> Switched:
    """Stop ``source`` and bring ``target`` up. Data of both is kept.

    What can fail without touching ``source`` comes first: the target's ports, secrets, builds and pulls.

    Raises:
        EnvmanError: EV609 where the target did not come up and the source was brought back, EV613 where that failed
            too; both with the reason.
    """
    began = time.monotonic()
    state = workspace.checkout.state
    prepared = prepare(workspace, target, progress)
    plan = plan_up(workspace, prepared, options)
    refuse_obstacles(workspace, prepared, plan, leaving={source.compose_project} if source else ())
    fetch_images(workspace, prepared, plan, options, progress)
    services = wanted_services(target, options.services or None, frozenset(options.profiles))
    other = source.key if source is not None else ""
    record(state, Entry("switch", target.key, "stopping the other", other))
    stopped_at = time.monotonic()
    try:
        if source is not None:
            stop(workspace, source, (), progress)
            stopped_at = time.monotonic()
        record(state, Entry("switch", target.key, "starting", other))
        start(workspace, prepared, services, options, progress)
    except (EnvmanError, KeyboardInterrupt) as error:
        if source is not None:
            record(state, Entry("switch", target.key, "rolling back", other))
            _roll_back(workspace, target, source, options, progress, error)
        forget(state)
        raise
    write_selection(state, Selection(target.name, target.instance))
    forget(state)
    urls = named_urls(target, prepared.document)
    gap = time.monotonic() - stopped_at if source is not None else 0.0
    return Switched(source, Up(target, plan, urls, time.monotonic() - began), gap)


def _roll_back(
    workspace: Workspace,
    target: Environment,
    source: Environment,
    options: UpOptions,
    progress: Progress,
    error: EnvmanError | KeyboardInterrupt,
) -> None:
    reasons = error.diagnostics if isinstance(error, EnvmanError) else ()
    why = "it was interrupted" if not reasons else f"{target.name} did not come up"
    progress.notice(f"{why}: bringing {source.name} back")
    try:
        stop(workspace, target, (), progress)
        start_again(workspace, source, progress, timeout=options.timeout)
    except EnvmanError as second:
        raise EnvmanError(
            Diagnostic(
                "EV613",
                f"{target.name} did not come up, and {source.name} could not be brought back",
                help=f"both stacks and their data are still there; `envman up {source.name}` tries again",
            ),
            *reasons,
            *second.diagnostics,
        ) from None
    if isinstance(error, KeyboardInterrupt):
        return
    raise EnvmanError(
        Diagnostic(
            "EV609",
            f"{target.name} did not come up; {source.name} runs again as before",
            notes=(Note(f"{target.name} is stopped, its data is kept"),),
            help="mend what is said below, then switch again",
            severity=Severity.ERROR,
        ),
        *reasons,
    ) from None
