"""Deleting, and only what its labels still prove to be ours at that moment."""

from __future__ import annotations

from collections.abc import Mapping

from envman.diagnostics.diagnostic import fail
from envman.engine.connection import Engine


def remove_volume(engine: Engine, name: str, *, expected: Mapping[str, str]) -> bool:
    """Delete volume ``name`` if it bears every label in ``expected``; return whether it was there.

    Raises:
        EnvmanError: EV502 where a label differs.
    """
    from docker.errors import NotFound

    with engine.errors():
        try:
            volume = engine.api.inspect_volume(name)
        except NotFound:
            return False
        labels = volume.get("Labels") or {}
        if any(labels.get(key) != value for key, value in expected.items()):
            raise fail("EV502", f"volume {name} does not bear the labels that it should", help="nothing was deleted")
        engine.api.remove_volume(name)
    return True


def remove_network(engine: Engine, identity: str, *, expected: Mapping[str, str]) -> bool:
    """Remove a network if it bears every label in ``expected``; return False where somebody is attached to it.

    One that has gone is no error.

    Raises:
        EnvmanError: EV502 where a label differs.
    """
    from docker.errors import APIError, NotFound

    with engine.errors():
        try:
            labels = engine.api.inspect_network(identity).get("Labels") or {}
            if any(labels.get(key) != value for key, value in expected.items()):
                raise fail("EV502", f"network {identity[:12]} does not bear the labels that it should")
            engine.api.remove_network(identity)
        except NotFound:
            return True
        except APIError as error:
            if error.status_code != 403:
                raise
            return False
    return True


def remove_container(engine: Engine, identity: str, *, expected: Mapping[str, str]) -> None:
    """Remove a container, by force where it runs, if it bears every label in ``expected``; its volumes stay.

    One that has gone is no error.

    Raises:
        EnvmanError: EV502 where a label differs.
    """
    from docker.errors import NotFound

    with engine.errors():
        try:
            labels = (engine.api.inspect_container(identity).get("Config") or {}).get("Labels") or {}
            if any(labels.get(key) != value for key, value in expected.items()):
                raise fail("EV502", f"container {identity[:12]} does not bear the labels that it should")
            engine.api.remove_container(identity, force=True)
        except NotFound:
            return
