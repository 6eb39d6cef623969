"""Who uses a volume, and keeping them from writing for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from envman import LABEL_PREFIX
from envman.engine.connection import Engine
from envman.engine.observe import COMPOSE
from envman.engine.wire import TIMEOUT, Question
from envman.plan.order import UP

# Seconds: what the engine gives a container that says nothing of it.
_GRACE: Final = 10


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
        return self.state in UP and self.state != "paused"

    @property
    def is_up(self) -> bool:
        """Whether it may write, now or when somebody lets it go on."""
        return self.state in UP

    def belongs_to(self, checkout: str) -> bool:
        """Return whether its labels say that ``checkout`` made it."""
        return self.labels.get(f"{LABEL_PREFIX}checkout") == checkout


def users_of(engine: Engine, volume: str) -> list[VolumeUser]:
    """Return the containers that mount ``volume``, whoever made them.

    Of one that is just being started it is waited for how that ends: a listing says until then that it does not run.
    """
    (found,) = engine.ask(Question("/containers/json", {"all": "1", "filters": {"volume": volume}}))
    users = []
    for one in found:
        labels = one.get("Labels") or {}
        name = next(iter(one.get("Names") or ("",))).lstrip("/")
        mounts = {mount.get("Name") for mount in one.get("Mounts") or ()}
        # The engine's filter takes a volume's name for the beginning of a path too.
        if volume in mounts and f"{LABEL_PREFIX}helper" not in labels:
            service = labels.get(f"{COMPOSE}service", "")
            users.append(VolumeUser(one["Id"], name, service, one["State"], one["ImageID"], labels))
    return _settled(engine, users)


def _settled(engine: Engine, users: list[VolumeUser]) -> list[VolumeUser]:
    still = [one for one in users if not one.is_up]
    answers = engine.ask(*(Question(f"/containers/{one.id}/json") for one in still)) if still else []
    now = {one.id: answer for one, answer in zip(still, answers, strict=True)}
    return [
        one._replace(state=now[one.id]["State"]["Status"]) if one.id in now else one
        for one in users
        if now.get(one.id, {}) is not None
    ]


def pause(engine: Engine, container: str) -> bool:
    """Pause ``container``; return False where the engine cannot."""
    return engine.order(Question(f"/containers/{container}/pause")).is_done


def stop(engine: Engine, container: str) -> None:
    """Stop ``container`` as its own stop signal and grace period say; nothing happens where it has gone."""
    (inspected,) = engine.ask(Question(f"/containers/{container}/json"))
    if inspected is not None:
        stop_inspected(engine, container, inspected)


def stop_inspected(engine: Engine, container: str, inspected: Mapping[str, Any]) -> None:
    """Stop ``container`` and return when it has ended, or has gone; ``inspected`` is what the engine says of it."""
    # The engine knows its grace period: it is asked for here to know how long the answer may take.
    grace = (inspected.get("Config") or {}).get("StopTimeout")
    patience = _GRACE if grace is None else grace
    engine.tell(Question(f"/containers/{container}/stop"), patience=TIMEOUT + patience if patience >= 0 else None)


def state_of(engine: Engine, container: str) -> str:
    """Return the state of ``container``, or nothing where it has gone."""
    (inspected,) = engine.ask(Question(f"/containers/{container}/json"))
    return str(inspected["State"]["Status"]) if inspected is not None else ""


def unpause(engine: Engine, container: str) -> None:
    """Let ``container`` go on; nothing happens where it has gone."""
    engine.tell(Question(f"/containers/{container}/unpause"))


def start(engine: Engine, container: str) -> None:
    """Start ``container``, the same one; nothing happens where it has gone."""
    engine.tell(Question(f"/containers/{container}/start"))
