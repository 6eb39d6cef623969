"""Starting and stopping containers that exist, many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from envman.engine.connection import Engine
from envman.engine.hold import stop_inspected
from envman.engine.wire import Question
from envman.plan.observed import ContainerState

# More than an engine does at once; each request has a connection of its own.
_AT_ONCE: Final = 8
# The engine's own grace period, in seconds, for a container that was made with none.
_GRACE: Final = 10
_LITTLE: Final = 16 * 1024**2


class Starter:
    """Asks the engine to start containers, without waiting; on leaving, what was asked for has been done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._asked: dict[str, Future[None]] = {}

    def start(self, identity: str) -> None:
        """Have a container started; one that runs, or is being started, is left alone."""
        if identity not in self._asked or self._asked[identity].done():
            self._asked[identity] = self._pool.submit(_start, self._engine, identity)

    def pending(self) -> frozenset[str]:
        """Return the containers whose start is still under way.

        Raises:
            EnvmanError: EV410 with the engine's reason where one was refused, such as a port that somebody holds.
        """
        done = [identity for identity, future in self._asked.items() if future.done()]
        for identity in done:
            self._asked.pop(identity).result()
        return frozenset(self._asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _start(engine: Engine, identity: str) -> None:
    # One that has gone is missed by the next look.
    engine.tell(Question(f"/containers/{identity}/start"))


def stop(engine: Engine, containers: Iterable[ContainerState]) -> None:
    """Stop ``containers`` (known with details) at once, and return when they have ended.

    Each gets the grace period that it was made with. One that does not run any more, or has gone, is no error.
    """
    containers = list(containers)
    if not containers:
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda one: stop_inspected(engine, one.id, one.inspected), containers))


def free_memory(engine: Engine) -> int | None:
    """Return how much memory the engine's machine has available, in bytes; None where that cannot be seen from here."""
    if not engine.endpoint.is_local:
        return None
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    figures = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    # An engine in a virtual machine has other memory than this one.
    if abs(figures["MemTotal"] - engine.facts().memory) > _LITTLE:
        return None
    return figures.get("MemAvailable")
