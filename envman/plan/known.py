"""What a plan depends on beside the document and what is observed, gathered elsewhere, so that planning stays pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envman.plan.observed import LocalImage

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """Facts for a plan.

    ``images`` are those that the engine has, by reference; ``builds`` why an image that is there would come out
    different if it were built now, by service; ``definitions`` what containers were made from, by content digest;
    ``networks`` and ``volumes`` the definitions that the existing ones were made from, by the engine's name;
    ``directory`` is the project's folder.
    """

    directory: str
    images: Mapping[str, LocalImage] = field(default_factory=dict)
    builds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    networks: Mapping[str, Definition] = field(default_factory=dict)
    volumes: Mapping[str, Definition] = field(default_factory=dict)
