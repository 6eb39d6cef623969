"""What an engine's own words mean where it fails for want of something that everybody on it shares."""

from __future__ import annotations

import re
from typing import Final

from envman.diagnostics import Diagnostic
from envman.model.environment import Environment
from envman.operations.workspace import Workspace

_NO_SPACE: Final = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
# moby, daemon/libnetwork/ipamutils: the words of Docker 28, and those of the releases before.
_NO_SUBNET: Final = re.compile(r"address pools have been fully subnetted|non-overlapping IPv[46] address pool")
_OVERLAP: Final = re.compile(r"Pool overlaps with other one|invalid pool request")
_NETWORK: Final = re.compile(r"failed to create network (\S+?):? ")
_BROKEN_OFF: Final = re.compile(r"Retrying in \d|unexpected EOF|connection reset|unexpected HTTP status: 5\d\d")


def no_space(tail: str) -> bool:
    """Return whether ``tail`` says that a disk is full."""
    return _NO_SPACE.search(tail) is not None


def out_of_space(environment: Environment, tail: str) -> Diagnostic:
    """Return EV524 with ``tail``."""
    return Diagnostic(
        "EV524",
        "the engine has no space left on its disk",
        help="`docker system df` shows what takes it; `docker builder prune` and `docker image prune` free what "
        f"nobody uses and touch no volume; then `envman up {environment.name}` again",
        detail=tail,
    )


def shortage(workspace: Workspace, environment: Environment, tail: str) -> Diagnostic | None:
    """Return what ``tail``, the end of Compose's output, says is used up: EV524, EV521 or EV520; None if nothing."""
    name = environment.name
    if no_space(tail):
        return out_of_space(environment, tail)
    if _NO_SUBNET.search(tail):
        from envman.engine.occupied import find_occupied

        occupied = find_occupied(workspace.engine, ports=False, containers=(), volumes=(), networks=True)
        count = sum(1 for one in occupied.networks if one.subnets)
        return Diagnostic(
            "EV521",
            f"the engine has no subnet left for a network of {name}: {count} networks have them all",
            help="remove networks that nobody uses (`docker network ls`), take down what you do not need, or give the "
            "engine more with `default-address-pools` in its daemon.json",
            detail=tail,
        )
    if _OVERLAP.search(tail):
        made = _NETWORK.search(tail)
        return Diagnostic(
            "EV520",
            f"the subnet of network {made[1] if made else 'one'} overlaps with one that this engine has",
            help="leave `subnet` out, so that the engine chooses one, or take another range",
            detail=tail,
        )
    return None


def broke_off(tail: str) -> bool:
    """Return whether a pull had begun when its registry went away."""
    return _BROKEN_OFF.search(tail) is not None
