"""Single containers, by their IDs."""

from __future__ import annotations

from collections.abc import Iterable

from envman.engine.connection import Engine


def unpause(engine: Engine, identities: Iterable[str]) -> None:
    """Let paused containers run on; one that has gone or runs already is none the worse."""
    from docker.errors import APIError

    with engine.errors():
        for identity in identities:
            try:
                engine.api.unpause(identity)
            except APIError as error:
                if error.status_code not in {404, 409, 500}:
                    raise
