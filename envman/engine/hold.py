"""Who uses a volume, and keeping them from writing for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from envman import LABEL_PREFIX
from envman.engine.connection import Engine
from envman.engine.observe import COMPOSE


class VolumeUser(NamedTuple):
    """A container that mounts a volume."""

    id: str
    name: str
    service: str
    state: str
    image: str
    labels: Mapping[str, str]

    @property
    def is_running(self) -> bool:
        """Whether it may write."""
        return self.state in {"running", "restarting"}

    def belongs_to(self, checkout: str) -> bool:
        """Return whether its labels say that ``checkout`` made it."""
        return self.labels.get(f"{LABEL_PREFIX}checkout") == checkout


def users_of(engine: Engine, volume: str) -> list[VolumeUser]:
    """Return the containers that mount ``volume``, whoever made them."""
    with engine.errors():
        found = engine.api.containers(all=True, filters={"volume": volume})
    users = []
    for one in found:
        labels = one.get("Labels") or {}
        name = next(iter(one.get("Names") or ("",))).lstrip("/")
        mounts = {mount.get("Name") for mount in one.get("Mounts") or ()}
        # The engine's filter takes a volume's name for the beginning of a path too.
        if volume in mounts and f"{LABEL_PREFIX}helper" not in labels:
            service = labels.get(f"{COMPOSE}service", "")
            users.append(VolumeUser(one["Id"], name, service, one["State"], one["ImageID"], labels))
    return users


def pause(engine: Engine, container: str) -> bool:
    """Pause ``container``; return False where the engine cannot."""
    from docker.errors import APIError

    with engine.errors():
        try:
            engine.api.pause(container)
        except APIError:
            return False
    return True


def stop(engine: Engine, container: str) -> None:
    """Stop ``container`` as its own stop signal and grace period say; nothing happens where it has gone."""
    from docker.errors import NotFound

    with engine.errors():
        try:
            grace = (engine.api.inspect_container(container)["Config"] or {}).get("StopTimeout")
            engine.api.stop(container, timeout=grace)
        except NotFound:
            return


def state_of(engine: Engine, container: str) -> str:
    """Return the state of ``container``, or nothing where it has gone."""
    from docker.errors import NotFound

    with engine.errors():
        try:
            return str(engine.api.inspect_container(container)["State"]["Status"])
        except NotFound:
            return ""


def unpause(engine: Engine, container: str) -> None:
    """Let ``container`` go on."""
    with engine.errors():
        engine.api.unpause(container)


def start(engine: Engine, container: str) -> None:
    """Start ``container``, the same one."""
    with engine.errors():
        engine.api.start(container)
