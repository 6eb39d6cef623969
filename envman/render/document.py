"""A complete Compose file as data and text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from envman.diagnostics.visible import visible
from envman.source.writer import write_yaml


class Reference(str):
    """A value that Compose itself must interpolate: its ``$`` is not doubled."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What Compose is given.

    ``data`` is the Compose file as plain data; ``digests`` the content digest of each service, which its containers
    bear as a label; ``definitions`` what each digest was made of; ``secrets`` the names of envman's secrets that it
    uses; ``variables`` those of them that Compose reads from its environment, by variable; ``pins`` the additional
    contexts of builds that stand in no blueprint, by service.
    """

    project: str
    data: dict[str, Any]
    header: tuple[str, ...]
    digests: Mapping[str, str]
    secrets: tuple[str, ...]
    variables: Mapping[str, str]
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pins: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def services(self) -> dict[str, Any]:
        """The services' definitions."""
        services: dict[str, Any] = self.data.get("services", {})
        return services

    def image(self, service: str) -> str | None:
        """Return the reference that Compose uses for a service's image, its own name for one that it builds."""
        definition = self.services[service]
        image: str | None = definition.get("image")
        return f"{self.project}-{service}" if image is None and definition.get("build") is not None else image

    def text(self) -> str:
        """Return the file: a header of comments, then YAML with every ``$`` doubled that Compose must not read."""
        # A folder's name may hold a line break, which would end the comment.
        comments = "".join(f"# {visible(line)}\n" if line else "#\n" for line in self.header)
        return comments + write_yaml(escape(self.data))


def escape(data: Any) -> Any:
    """Return ``data`` with ``$`` doubled in values; not in keys, which Compose does not interpolate."""
    if isinstance(data, str):
        return data if isinstance(data, Reference) or "$" not in data else data.replace("$", "$$")
    if isinstance(data, dict):
        return {key: escape(value) for key, value in data.items()}
    if isinstance(data, list):
        return [escape(item) for item in data]
    return data
