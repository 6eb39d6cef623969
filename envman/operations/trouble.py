"""What Compose's last words mean where it failed for something that has nothing to do with the blueprint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from envman.diagnostics import Diagnostic
from envman.operations.prepare import Prepared

if TYPE_CHECKING:
    from envman.engine.endpoint import Endpoint

_NO_SPACE: Final = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
# moby, daemon/libnetwork/ipamutils: the words of Docker 28, and those of the releases before.
_NO_SUBNET: Final = re.compile(r"address pools have been fully subnetted|non-overlapping IPv[46] address pool")
_OVERLAP: Final = re.compile(r"Pool overlaps with other one|invalid pool request")
_NETWORK: Final = re.compile(r"failed to create network (\S+?):? ")
# moby, daemon/devices.go and daemon/runtime_unix.go.
_NO_GPU: Final = re.compile(
    r"could not select device driver \"[^\"]*\" with capabilities: \[\[[^\]\n]*gpu|unresolvable CDI devices \S*gpu"
    r"|(?:unknown or invalid|invalid) runtime name: (?:nvidia|amd)"
)
# The engine's client, and BuildKit's.
_GONE: Final = re.compile(
    r"error during connect|Cannot connect to the Docker daemon|error reading from server"
    r"|the client connection is closing|unexpected EOF$|: EOF$",
    re.MULTILINE,
)
_BROKEN_OFF: Final = re.compile(r"Retrying in \d|unexpected EOF|connection reset|unexpected HTTP status: 5\d\d")


def trouble(prepared: Prepared, tail: str) -> Diagnostic | None:
    """Return what ``tail``, the end of Compose's output, says of the engine, or None.

    EV524 its disk is full, EV411 it has no GPU, EV521 it has no subnet left, EV520 a subnet is another network's, EV408
    it went away.
    """
    name = prepared.environment.name
    if _NO_SPACE.search(tail):
        return Diagnostic(
            "EV524",
            "the engine has no space left on its disk",
            help="`docker system df` shows what takes it; `docker builder prune` and `docker image prune` free what "
            "nobody uses and touch no volume; then run the same command again",
            detail=tail,
        )
    if _NO_GPU.search(tail):
        return Diagnostic(
            "EV411",
            f"a service of {name} asks for a GPU, and the engine offers none",
            expected="an engine with a GPU runtime",
            help="install the NVIDIA container toolkit, or write `gpu: optional` (or `gpu: none`) in the service",
            detail=tail,
        )
    if _NO_SUBNET.search(tail):
        return Diagnostic(
            "EV521",
            f"the engine has no subnet left for a network of {name}",
            help="remove networks that nobody uses (`docker network ls`), take down what you do not need, or give the "
            "engine more with `default-address-pools` in its daemon.json",
            detail=tail,
        )
    if _OVERLAP.search(tail):
        made = _NETWORK.search(tail)
        return Diagnostic(
            "EV520",
            f"the subnet of network {made[1] if made else f'of {name}'} overlaps with one that this engine has",
            help="leave `subnet` out, so that the engine chooses one, or take another range",
            detail=tail,
        )
    return _went_away(prepared.compose.endpoint, tail) if _GONE.search(tail) else None


def _went_away(endpoint: Endpoint, tail: str) -> Diagnostic:
    return Diagnostic(
        "EV408",
        f"the engine at {endpoint.shown} ({endpoint.origin}) went away",
        help="start it again, then repeat the command: it goes on from what is there",
        detail=tail,
    )


def broke_off(tail: str) -> bool:
    """Return whether a pull had begun when its registry went away."""
    return _BROKEN_OFF.search(tail) is not None
