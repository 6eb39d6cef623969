"""Containers that somebody has paused."""

from __future__ import annotations

from envman.engine.connection import Engine


def unpause(engine: Engine, container: str) -> None:
    """Let a paused container (its ID) run on. One that has gone, or was let go since, is left as it is.

    Compose starts such a container instead, which the engine refuses.
    """
    from docker.errors import APIError

    with engine.errors():
        try:
            engine.api.unpause(container)
        except APIError as error:
            if error.status_code not in {404, 409, 500}:
                raise
