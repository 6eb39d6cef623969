"""Whose a port of this machine is that no container is said to publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from envman.plan.observed import PortHolder
from envman.state.listeners import can_bind, holder_of

# What listens for a container that publishes a port, on Linux; what is root's may be one of them.
_OF_ENGINES: Final = ("process docker-proxy", "process dockerd", "process rootlesskit", "a process of user root")
# Seconds. Between its first listener and its word that a container runs, an engine needs a fraction of one.
_PATIENCE: Final = 3.0
_LOOK_AGAIN: Final = 0.1


def bound_by(
    port: int,
    host_ip: str,
    protocol: str,
    *,
    published: Callable[[], Iterable[PortHolder]],
    ours: Collection[str],
) -> str:
    """Return in words who has ``port`` of ``host_ip`` (empty: of all addresses); nothing where it can be had.

    An engine that starts a container listens before it says that the container runs, and one that stops it listens
    a little longer than it says so. A process that may be an engine's is looked at again, together with what is
    ``published``, until one of both tells: what Compose projects in ``ours`` publish can be had.
    """
    deadline = time.monotonic() + _PATIENCE
    while not can_bind(port, host_ip, protocol):
        holder = holder_of(port, host_ip, protocol) or "another process"
        if not holder.startswith(_OF_ENGINES):
            return holder
        for one in published():
            return "" if one.project in ours else one.describe()
        if time.monotonic() > deadline:
            return holder
        time.sleep(_LOOK_AGAIN)
    return ""
