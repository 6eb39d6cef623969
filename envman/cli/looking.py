"""What `status` does, apart from the words on its command line: it is reached without typer too."""

from __future__ import annotations

import sys
from collections.abc import Callable

from envman.cli.invocation import Invocation
from envman.operations.status import EnvironmentStatus, Statuses

_CLEAR = "\x1b[H\x1b[J"


def show_statuses(invocation: Invocation, *, instance: str | None = None) -> None:
    """Show all environments of the project.

    Raises:
        EnvmanError: where there is no project, no engine, or no state folder.
    """
    from envman.output.status import status_data, status_table

    looks = Statuses(invocation.directory, invocation.environ, context=invocation.context, instance=instance)
    found = looks.look()
    invocation.warn(looks.unfinished())
    invocation.show([status_data(one) for one in found], status_table(found))


def show_services(invocation: Invocation, environment: str, *, instance: str | None = None) -> None:
    """Show the containers of one environment.

    Raises:
        EnvmanError: as ``service_statuses``.
    """
    from envman.operations.services import service_statuses
    from envman.operations.status import unfinished_switch
    from envman.output.status import service_data, services_text

    workspace = invocation.workspace(instance=instance)
    found = service_statuses(workspace, environment)
    invocation.warn([*workspace.report.errors, *unfinished_switch(workspace.checkout.state)])
    invocation.show([service_data(one) for one in found], services_text(environment, found))


def watch_statuses(invocation: Invocation, *, instance: str | None = None) -> None:
    """Show all environments, and anew after every event, until Ctrl-C, which is its normal end."""
    from envman.output.status import status_table

    looks = Statuses(invocation.directory, invocation.environ, context=invocation.context, instance=instance)
    found: list[EnvironmentStatus] = []

    def look() -> None:
        found[:] = looks.look()

    _follow(invocation, looks, look, lambda: status_table(found))


def watch_services(invocation: Invocation, environment: str, *, instance: str | None = None) -> None:
    """Show one environment's containers, and anew after every event, until Ctrl-C, which is its normal end."""
    from envman.operations.services import ServiceStatus, service_statuses
    from envman.output.status import services_text

    looks = Statuses(invocation.directory, invocation.environ, context=invocation.context, instance=instance)
    found: list[ServiceStatus] = []

    def look() -> None:
        found[:] = service_statuses(looks.workspace(), environment)

    _follow(invocation, looks, look, lambda: services_text(environment, found))


def _follow(invocation: Invocation, looks: Statuses, look: Callable[[], None], text: Callable[[], str]) -> None:
    from envman.operations.status import unfinished_switch
    from envman.operations.watch import watch

    terminal = sys.stdout.isatty()
    shown: list[object] = []

    def draw() -> None:
        now, warnings = text(), unfinished_switch(state)
        # Elsewhere than on a terminal a table is written once for every change, with an empty line between two.
        if shown != [now, warnings]:
            invocation.show(None, f"{_CLEAR}{now}" if terminal else ("\n" if shown else "") + now)
            # Below it: a terminal is cleared before each.
            invocation.warn(warnings)
            shown[:] = [now, warnings]

    checkout = looks.overview().checkout
    state = checkout.state
    try:
        watch(looks.engine, checkout.id, look, draw, ages=terminal)
    except KeyboardInterrupt:
        return
