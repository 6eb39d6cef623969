"""An environment that has been brought up, as text and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def up_data(
    environment: str, compose_project: str, steps: Iterable[object], urls: Iterable[Sequence[str]], seconds: float
) -> dict[str, Any]:
    """Return what `up` has done as plain data; ``urls`` are (service, port, URL)."""
    return {
        "environment": environment,
        "compose_project": compose_project,
        "steps": [str(step) for step in steps],
        "urls": [{"service": service, "port": name, "url": url} for service, name, url in urls],
        "seconds": round(seconds, 1),
    }


def up_text(environment: str, urls: Iterable[Sequence[str]], seconds: float | None, *, waited: bool = True) -> str:
    """Return what `up` has done in words; ``seconds`` is None where nothing was to be done.

    Unless it was ``waited`` for, nobody knows whether the stack is well.
    """
    took = f" ({seconds:.1f} s)" if seconds is not None else ", nothing to do"
    state = "up" if waited else "started, its health was not waited for"
    named = [(f"{service} {name}", url) for service, name, url in urls]
    width = max((len(label) for label, _ in named), default=0)
    return "\n".join([f"{environment} is {state}{took}", *(f"  {label.ljust(width)}  {url}" for label, url in named)])


def left_text(environment: str, snapshot: str | None) -> str:
    """Return what is to be said of the ``snapshot`` of the anonymous volumes that were left behind, if there is one."""
    if snapshot is None:
        return ""
    show = f"`envman snapshot show {environment} {snapshot}`"
    return f"\nsnapshot {snapshot} has the anonymous volumes that were left behind: {show}"
