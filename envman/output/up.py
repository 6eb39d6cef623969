"""An environment that has been brought up, as text and as data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envman.plan.published import Url


def url_data(one: Url) -> dict[str, Any]:
    """Return a URL as plain data: the same for every command."""
    return {"service": one.service, "port": one.target, "name": one.name, "url": one.url}


def up_data(
    environment: str, compose_project: str, steps: Iterable[object], urls: Iterable[Url], seconds: float
) -> dict[str, Any]:
    """Return what `up` has done as plain data."""
    return {
        "environment": environment,
        "compose_project": compose_project,
        "steps": [str(step) for step in steps],
        "urls": [url_data(one) for one in urls],
        "seconds": round(seconds, 1),
    }


def up_text(environment: str, urls: Iterable[Url], seconds: float | None, *, waited: bool = True) -> str:
    """Return what `up` has done in words; ``seconds`` is None where nothing was to be done.

    Unless it was ``waited`` for, nobody knows whether the stack is well.
    """
    took = f" ({seconds:.1f} s)" if seconds is not None else ", nothing to do"
    state = "up" if waited else "started, its health was not waited for"
    named = [(one.label, one.url) for one in urls]
    width = max((len(label) for label, _ in named), default=0)
    return "\n".join([f"{environment} is {state}{took}", *(f"  {label.ljust(width)}  {url}" for label, url in named)])


def left_text(environment: str, snapshot: str | None) -> str:
    """Return what is to be said of the ``snapshot`` of the anonymous volumes that were left behind, if there is one."""
    if snapshot is None:
        return ""
    show = f"`envman snapshot show {environment} {snapshot}`"
    return f"\nsnapshot {snapshot} has the anonymous volumes that were left behind: {show}"
