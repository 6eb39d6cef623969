"""How an operation says what it is doing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Waiting:
    """A service that is not ready yet, and why: ``db``, ``starting``."""

    service: str
    state: str


class Progress(Protocol):
    """What the edge shows; an operation only speaks."""

    @property
    def keeps_lines(self) -> bool:
        """Whether what ``line`` was told can still be read afterwards."""

    def step(self, text: str) -> None:
        """A new phase begins."""

    def line(self, text: str) -> None:
        """A line of another program's output."""

    def ready(self, service: str, state: str) -> None:
        """A service has become what it should be."""

    def waiting(self, services: Sequence[Waiting]) -> None:
        """What is still waited for; called again with every look, also where nothing has changed."""

    def notice(self, text: str) -> None:
        """A remark on how things go, once."""

    def warning(self, text: str) -> None:
        """Something that the user may have to act on, once."""


class Silent:
    """A Progress that says nothing."""

    keeps_lines = False

    def step(self, text: str) -> None:
        """Say nothing."""

    def line(self, text: str) -> None:
        """Say nothing."""

    def ready(self, service: str, state: str) -> None:
        """Say nothing."""

    def waiting(self, services: Sequence[Waiting]) -> None:
        """Say nothing."""

    def notice(self, text: str) -> None:
        """Say nothing."""

    def warning(self, text: str) -> None:
        """Say nothing."""
