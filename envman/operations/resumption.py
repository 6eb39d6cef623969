"""A switch that an earlier envman did not end: finished, or taken back."""

from __future__ import annotations

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.operations.frozen import freeze
from envman.operations.labelled import find_present
from envman.operations.options import UpOptions
from envman.operations.progress import Progress
from envman.operations.signals import interrupted_once
from envman.operations.switch import Switched, switch
from envman.operations.transaction import REVIVING, UNDOING, Transaction, is_away
from envman.operations.unfinished import unfinished
from envman.operations.workspace import Workspace
from envman.state.journal import SwitchEntry, interrupted_switch


def pending_switch(workspace: Workspace) -> SwitchEntry:
    """Return the record of the switch that was interrupted.

    Raises:
        EnvmanError: EV632 where there is none.
    """
    entry = interrupted_switch(workspace.checkout.state)
    if entry is None:
        raise fail("EV632", "no switch was interrupted", help="`envman status` shows what runs")
    return entry


def resume(workspace: Workspace, entry: SwitchEntry, progress: Progress) -> Switched:
    """Finish the switch of ``entry``, with the settings that it was called with.

    Raises:
        EnvmanError: as `switch` does; what is wrong with a blueprint by now, and then `--abort` still works.
    """
    progress.notice(f"{entry.describe()}: finishing it")
    target, source = _named(workspace, entry, entry.environment), _named(workspace, entry, entry.other)
    assert target is not None  # every switch has a target
    if entry.frozen:
        target = freeze(workspace, target, progress=progress)
    transaction = Transaction(workspace, entry, progress)
    if entry.step in {UNDOING, REVIVING}:
        # The engine may still be stopping what it was told to stop.
        transaction.stop_target()
    else:
        transaction.settle()
    options = UpOptions(timeout=entry.timeout, snapshot=not entry.unsaved)
    return switch(workspace, target, source, options, progress, resumed=entry)


def abort(workspace: Workspace, entry: SwitchEntry, progress: Progress) -> None:
    """Take the switch of ``entry`` back: its target is stopped, and of its source runs again what ran before.

    Raises:
        EnvmanError: EV613 where the source does not come up, EV633 where its containers have gone; EV631 where the
            engine is away, and then the record stays.
    """
    progress.notice(f"{entry.describe()}: taking it back")
    # Only where Compose has to start it is its blueprint needed.
    source = _named(workspace, entry, entry.other) if entry.by_compose else None
    transaction = Transaction(workspace, entry, progress)
    with interrupted_once() as interrupts:
        interrupts.defer()
        try:
            transaction.take_back(source, timeout=entry.timeout)
        except EnvmanError as error:
            if is_away(workspace, error):
                raise EnvmanError(unfinished(transaction.entry), *error.diagnostics) from None
            transaction.end()
            raise EnvmanError(
                *fail(
                    "EV613",
                    f"{entry.other} could not be brought back as it was",
                    help=f"its data is still there; `envman up {entry.other}` makes it as its blueprint says",
                ).diagnostics,
                *error.diagnostics,
            ) from None
        transaction.end()


def _named(workspace: Workspace, entry: SwitchEntry, key: str) -> Environment | None:
    if not key:
        return None
    workspace.settings = entry.settings
    workspace.instance = entry.instance
    name = key.removesuffix(f"-{entry.instance}") if entry.instance else key
    # The source may have lost its blueprint meanwhile.
    return workspace.environment(name) if key == entry.environment else find_present(workspace, name)[1]
