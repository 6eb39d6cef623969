"""What was read of a stack that runs: the engine's own descriptions, unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from envman.plan.form import Plain


@dataclass(frozen=True, slots=True)
class Running:
    """A stack on an engine.

    ``name`` is the Compose project's or Swarm stack's, or empty. ``engine`` is what the engine says of itself
    (SystemInfo), ``containers`` are ContainerInspect, ``services`` Swarm's Service, ``images`` ImageInspect by ID and
    by the names that mounts and Swarm services use, ``networks`` NetworkInspect by name and by ID, ``volumes`` Volume
    by name. ``added`` are the paths that were written into a container's own layer, by its ID.
    """

    name: str
    engine: Plain
    containers: tuple[Plain, ...] = ()
    services: tuple[Plain, ...] = ()
    images: Mapping[str, Plain] = field(default_factory=dict)
    networks: Mapping[str, Plain] = field(default_factory=dict)
    volumes: Mapping[str, Plain] = field(default_factory=dict)
    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def image_of(self, container: Plain) -> Plain:
        """Return the image that ``container`` runs; empty where the engine has it no more."""
        return self.images.get(str(container.get("Image"))) or {}
