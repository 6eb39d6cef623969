"""Runs envman and sends it a signal just before or just after its n-th change of the record of a switch or a rename.

``python struck.py SIGNAL NUMBER before|after ARGUMENT...``: the changes are counted from one, over writing and removing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envman.state import journal, renaming


def strike(number: int, change: int, when: str) -> None:
    """Replace what changes the journal; the modules that use it must not have been imported yet."""
    seen = 0

    def struck(original: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*arguments: Any) -> None:
            nonlocal seen
            # The record of other operations is not what this is about.
            ours = (
                original.__module__ == renaming.__name__
                or isinstance(arguments[-1], journal.SwitchEntry)
                or arguments[1:] == (journal.SWITCH,)
            )
            seen += ours
            if ours and seen == change and when == "before":
                os.kill(os.getpid(), number)
            original(*arguments)
            if ours and seen == change and when == "after":
                os.kill(os.getpid(), number)

        return wrapped

    for name in ("record", "forget"):
        setattr(journal, name, struck(getattr(journal, name)))
    for name in ("write_renaming", "forget_renaming"):
        setattr(renaming, name, struck(getattr(renaming, name)))


def argv(number: signal.Signals, change: int, when: str, *arguments: str) -> list[str]:
    """Return the command line that runs envman so."""
    return [sys.executable, str(Path(__file__).resolve()), str(int(number)), str(change), when, *arguments]


if __name__ == "__main__":
    strike(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    from envman.cli.main import main

    main(sys.argv[4:])
