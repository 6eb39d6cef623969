"""A plan as data: steps with their causes, printable as text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from envman.plan.causes import Cause
from envman.plan.unnamed import Unnamed


class Action(StrEnum):
    """What a step does."""

    BUILD = "build"
    PULL = "pull"
    CREATE = "create"
    RECREATE = "recreate"
    START = "start"
    RESTART = "restart"
    RERUN = "rerun"
    STOP = "stop"
    REMOVE = "remove"
    SCALE = "scale"


SIGNS = {
    Action.BUILD: "*",
    Action.PULL: "*",
    Action.CREATE: "+",
    Action.RECREATE: "~",
    Action.START: ">",
    Action.RESTART: "^",
    Action.RERUN: ">",
    Action.STOP: "<",
    Action.REMOVE: "-",
    Action.SCALE: "~",
}


# A build or a pull may bring another image, and Compose then another container.
_CREATING = frozenset(Action) - {Action.START, Action.STOP, Action.RESTART}


@dataclass(frozen=True, slots=True)
class Step:
    """One action on one thing, with its causes.

    ``kind`` is service, network, volume, secret or port; ``data`` says in words which data the step touches or leaves
    alone, and how; ``left`` are the anonymous volumes that it leaves behind, where no name leads back to them. With
    ``force`` Compose sees no reason for it, and has to be told.
    """

    action: Action
    kind: str
    name: str
    causes: tuple[Cause, ...] = ()
    data: tuple[str, ...] = ()
    left: tuple[Unnamed, ...] = ()
    force: bool = False

    def __str__(self) -> str:
        why = f": {'; '.join(map(str, self.causes))}" if self.causes else ""
        what = f" [{'; '.join(self.data)}]" if self.data else ""
        kind = "" if self.kind == "service" else f"{self.kind} "
        return f"{SIGNS[self.action]} {kind}{self.name} {self.action.value}{why}{what}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done, in order. Empty where the stack is already as it should be."""

    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    @property
    def creates(self) -> bool:
        """Whether something is made or removed, so that starting what is there is not enough."""
        return any(step.action in _CREATING for step in self.steps)

    @property
    def left(self) -> tuple[Unnamed, ...]:
        """The anonymous volumes that its steps leave behind."""
        return tuple(one for step in self.steps for one in step.left)

    def services(self, *actions: Action) -> list[str]:
        """Return the services that one of ``actions`` applies to."""
        return [step.name for step in self.steps if step.kind == "service" and step.action in actions]
