"""What is to be said where a killed switch left the checkout between two environments."""

from __future__ import annotations

from envman.diagnostics import Diagnostic
from envman.state.journal import SwitchEntry
from envman.state.renaming import REMOVING, Renaming


def unfinished(entry: SwitchEntry) -> Diagnostic:
    """Return what is to be said of a switch that was neither finished nor taken back."""
    back = f"brings {entry.other} back" if entry.other else f"stops {entry.environment} again"
    return Diagnostic(
        "EV631",
        entry.describe(),
        help=f"`envman switch --resume` finishes it, `envman switch --abort` {back}; no data is lost either way",
    )


def unfinished_rename(entry: Renaming) -> Diagnostic:
    """Return what is to be said of a rename that was neither finished nor taken back."""
    back = "" if entry.step == REMOVING else ", `envman rename --abort` takes it back"
    return Diagnostic(
        "EV017",
        f"renaming {entry.old} to {entry.new} was interrupted ({entry.step})",
        help=f"`{entry.command}` finishes it{back}; no data is lost either way",
    )
