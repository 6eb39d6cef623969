"""What an environment runs: services and the networks, volumes, configs, secrets and models they use."""

from typing import Annotated, Final, Literal

from envman.model.attributes import Labelled
from envman.model.fields import Attributes, Bounds, made_by
from envman.model.reproduction import Reproduction
from envman.model.service import Job, Service
from envman.model.types import Boolean, DriverOption, Name, Opaque, Text, truth


class Resource(Labelled):
    """A network or volume: made for the environment, or found outside it."""

    name: Text | None = None
    driver: Text | None = None
    driver_opts: dict[str, DriverOption] | None = None
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


class FileResource(Labelled):
    """A config or secret."""

    name: Text | None = None
    environment: Text | None = None
    file: Text | None = None
    external: Boolean | None = None
    template_driver: Text | None = None


class Config(FileResource):
    """A config."""

    content: Text | None = None


class Secret(FileResource):
    """A secret. ``source`` and what belongs to it are envman's own; the rest is Compose's."""

    driver: Text | None = None
    driver_opts: dict[str, DriverOption] | None = None
    source: Literal["generate", "env", "file"] | None = None
    variable: Text | None = None
    path: Text | None = None
    length: Annotated[int, Bounds(ge=16, le=1024)] = 32
    optional: bool = False


class LanguageModel(Attributes):
    """A model that services use."""

    name: Text | None = None
    model: Text
    context_size: int | None = None
    runtime_flags: list[Text] | None = None


class Stack(Attributes):
    """The merged content of an environment's blueprints."""

    services: dict[Name, Service] = made_by(dict)
    networks: dict[Name, Network | None] = made_by(dict)
    volumes: dict[Name, Volume | None] = made_by(dict)
    configs: dict[Name, Config] = made_by(dict)
    secrets: dict[Name, Secret] = made_by(dict)
    models: dict[Name, LanguageModel] = made_by(dict)
    jobs: dict[Name, Job] = made_by(dict)
    profiles: list[Text] = made_by(list)
    include: Opaque = None
    reproduce: Reproduction | None = None

    def with_services(self, services: dict[str, Service]) -> "Stack":
        """Return a copy that has ``services``, which were validated already."""
        copy = object.__new__(Stack)
        vars(copy).update({**vars(self), "services": services})
        return copy


# What envman adds to Compose's attributes, by pattern: a render leaves these out or turns them into Compose's own.
OWN_ATTRIBUTES: Final[frozenset[tuple[str, ...]]] = frozenset(
    {
        ("profiles",),
        ("reproduce",),
        ("services", "*", "gpu"),
        ("services", "*", "sanitize"),
        ("services", "*", "snapshot"),
        ("services", "*", "tag"),
        ("volumes", "*", "retain"),
        ("volumes", "*", "shared"),
        ("networks", "*", "shared"),
        *(("secrets", "*", name) for name in ("source", "variable", "path", "length", "optional")),
    }
)

# Attributes that Compose 2.40 does not know, by pattern, and the first release that does.
# Sources: release notes of Compose 5.0.0 and 5.3.0; the others came to the specification after Compose 5.5.1, so
# theirs is the first release that can have them.
NEEDS_COMPOSE: Final[dict[tuple[str, ...], str]] = {
    ("services", "*", "build", "no_cache_filter"): "5.0.0",
    ("services", "*", "pre_start"): "5.3.0",
    ("services", "*", "networks", "*", "use_service_name_alias"): "5.6.0",
    ("services", "*", "umask"): "5.6.0",
    ("services", "*", "pre_start", "*", "networks", "*", "use_service_name_alias"): "5.6.0",
    ("services", "*", "pre_start", "*", "umask"): "5.6.0",
    ("jobs",): "5.6.0",
}
