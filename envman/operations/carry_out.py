"""Running Compose to its end, and those steps of a plan that Compose does not carry out by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from envman import LABEL_PREFIX
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.model.active import is_one_shot
from envman.operations.building import TAIL, drain
from envman.operations.externals import create_externals
from envman.operations.prepare import Prepared
from envman.operations.progress import Progress
from envman.operations.trouble import trouble
from envman.operations.workspace import Workspace
from envman.plan.observed import Observed
from envman.plan.plan import Action, Plan


def announce(prepared: Prepared, plan: Plan, progress: Progress) -> Plan:
    """Tell Progress all that is done, what it took to prepare it included, and return that."""
    whole = Plan((*prepared.steps, *plan.steps))
    if whole:
        progress.step("\n    ".join([f"{prepared.environment.name} needs", *map(str, whole.steps)]))
    return whole


def make_way(workspace: Workspace, prepared: Prepared, plan: Plan) -> None:
    """Carry out those steps that Compose does not see a reason for.

    Services that restart are stopped, and what has completed and runs again is removed, so that Compose makes and
    starts them. Both are as well done again if envman is killed before it does.

    Raises:
        EnvmanError: EV610, EV4xx for the engine.
    """
    create_externals(workspace, prepared, plan)
    restarting = plan.services(Action.RESTART)
    if restarting:
        wake(workspace, prepared.observed, restarting)
        run(prepared, "--profile", "*", "stop", *restarting)
    again = plan.services(Action.RERUN)
    doomed = [one for one in prepared.observed.containers if one.service in again and not one.oneoff]
    if doomed:
        from envman.engine.removal import remove_container

        expected = {f"{LABEL_PREFIX}checkout": workspace.checkout.id}
        for one in doomed:
            remove_container(workspace.engine, one.id, expected=expected)


def completed_one_shots(prepared: Prepared, observed: Observed, services: Collection[str]) -> frozenset[str]:
    """Return the one-shots of ``services`` all of whose containers have completed; Compose would start them again."""
    states: dict[str, list[bool]] = {}
    for one in observed.containers:
        if not one.oneoff:
            states.setdefault(one.service, []).append(one.state == "exited" and one.exit_code == 0)
    return frozenset(
        name for name in services if is_one_shot(prepared.environment, name) and name in states and all(states[name])
    )


def wake(workspace: Workspace, observed: Observed, services: Sequence[str]) -> None:
    """Let containers of ``services`` that somebody paused run again: the engine starts and restarts none of them."""
    paused = [one.id for one in observed.containers if one.state == "paused" and one.service in services]
    if paused:
        from envman.engine.containers import unpause

        unpause(workspace.engine, paused)


def run(prepared: Prepared, *arguments: str) -> None:
    """Run a Compose command to its end.

    Raises:
        EnvmanError: EV610 with the end of Compose's own output, or what that says of the engine.
    """
    handle = prepared.compose.start("--progress", "plain", *arguments)
    if drain(handle, None) != 0:
        known = trouble(prepared, handle.tail(TAIL))
        if known is not None:
            raise EnvmanError(known)
        raise fail(
            "EV610",
            f"Compose failed on {prepared.environment.name}",
            help="the end of its own output is below",
            detail=handle.tail(TAIL),
        )
