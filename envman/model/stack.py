"""What an environment runs: services and the networks, volumes, configs, secrets and models they use."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from envman.model.attributes import Attributes, Labelled
from envman.model.service import Service
from envman.model.types import Boolean, Integer, Opaque, Table, Text, truth


class Resource(Labelled):
    """A network or volume: made for the environment, or found outside it."""

    name: Text | None = None
    driver: Text | None = None
    driver_opts: Table | None = None
    external: Boolean | None = None
    # envman's own: several environments may use this one fixed name
    shared: bool | None = None

    @property
    def is_external(self) -> bool:
        """Whether envman only uses it."""
        return self.external is not None and truth(self.external)


class AddressPool(Attributes):
    """One subnet of a network."""

    subnet: Text | None = None
    ip_range: Text | None = None
    gateway: Text | None = None
    aux_addresses: dict[str, Text] | None = None


class AddressManagement(Attributes):
    """``ipam``."""

    driver: Text | None = None
    config: list[AddressPool] | None = None
    options: dict[str, Text] | None = None


class Network(Resource):
    """A network."""

    ipam: AddressManagement | None = None
    internal: Boolean | None = None
    attachable: Boolean | None = None
    enable_ipv4: Boolean | None = None
    enable_ipv6: Boolean | None = None


class Volume(Resource):
    """A volume. ``retain`` is envman's own: how hard it is to delete."""

    retain: Literal["ephemeral", "keep", "protected"] = "keep"


class Config(Labelled):
    """A config."""

    name: Text | None = None
    content: Text | None = None
    environment: Text | None = None
    file: Text | None = None
    external: Boolean | None = None
    template_driver: Text | None = None


class Secret(Config):
    """A secret. ``source`` and what belongs to it are envman's own; the rest is Compose's."""

    driver: Text | None = None
    driver_opts: Table | None = None
    source: Literal["generate", "env", "file"] | None = None
    variable: Text | None = None
    path: Text | None = None
    length: int = Field(default=32, ge=16, le=1024)
    optional: bool = False


class LanguageModel(Attributes):
    """A model that services use."""

    name: Text | None = None
    model: Text
    context_size: Integer | None = None
    runtime_flags: list[Text] | None = None


class Stack(Attributes):
    """The merged content of an environment's blueprints."""

    services: dict[str, Service] = {}
    networks: dict[str, Network | None] = {}
    volumes: dict[str, Volume | None] = {}
    configs: dict[str, Config] = {}
    secrets: dict[str, Secret] = {}
    models: dict[str, LanguageModel] = {}
    profiles: list[Text] = []
    include: Opaque = None


# What envman adds to Compose's attributes, by pattern: a render leaves these out or turns them into Compose's own.
OWN_ATTRIBUTES: Final[frozenset[tuple[str, ...]]] = frozenset(
    {
        ("profiles",),
        ("services", "*", "gpu"),
        ("volumes", "*", "retain"),
        ("volumes", "*", "shared"),
        ("networks", "*", "shared"),
        *(("secrets", "*", name) for name in ("source", "variable", "path", "length", "optional")),
    }
)
