"""How a stack is to be brought up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UpOptions:
    """Which services (all if none); whether to build, pull or recreate them in any case; seconds to wait.

    ``snapshot`` says that anonymous volumes are copied before they are left behind. ``dependencies`` brings up what
    the services depend on as well. Without ``wait`` the stack is only started. ``adopt``: volumes that are to be made
    are copies of those that this Compose project has; empty: the one that ran before, by its name.
    ``create_external`` makes external networks and volumes that are absent; they belong to nobody then.
    """

    services: tuple[str, ...] = ()
    build: bool = False
    pull: bool = False
    timeout: float = 300.0
    profiles: tuple[str, ...] = ()
    recreate: bool = False
    snapshot: bool = True
    dependencies: bool = True
    wait: bool = True
    adopt: str | None = None
    create_external: bool = False
