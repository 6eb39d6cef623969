"""Looking again whenever something happens on the engine, and only then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from envman import LABEL_PREFIX
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail

if TYPE_CHECKING:
    from envman.engine.connection import Engine

# Ages grow without an event; they are drawn anew from what is known.
_AGEING: Final = 10.0


def watch(engine: Engine, checkout: str, look: Callable[[], None], draw: Callable[[], None], *, ages: bool) -> None:
    """Call ``look`` and ``draw`` now and after every event of this checkout's containers, until interrupted.

    With ``ages`` it draws now and then what it knows already, as people read how old things are.

    Events that come while it looks are one reason to look again, so that a burst of them is two looks.

    Raises:
        EnvmanError: EV408 where the engine goes away.
    """
    from envman.engine.observe import container_events

    happened = threading.Event()
    problems: list[EnvmanError] = []
    # From before the first look on, so that nothing is missed between the two.
    events = container_events(engine, f"{LABEL_PREFIX}checkout={checkout}")

    def listen() -> None:
        try:
            for _ in events:
                happened.set()
            problems.append(fail("EV408", "the engine went away", help="start it again, then repeat the command"))
        except EnvmanError as error:
            problems.append(error)
        happened.set()

    threading.Thread(target=listen, daemon=True).start()
    happened.set()
    while True:
        if happened.wait(_AGEING if ages else None):
            happened.clear()
            if problems:
                raise problems[0]
            look()
        draw()
