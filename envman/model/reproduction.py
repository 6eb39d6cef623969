"""What a blueprint says of its own reproduction: what stands in for what cannot be the same elsewhere."""

from typing import Annotated, Final, Literal

from envman.model.fields import Attributes, Bounds, made_by
from envman.model.types import Name, Text

# Instead of a stand-in's name, after an endpoint.
CUT: Final = "cut"
ALLOW: Final = "allow"


class LocalSecret(Attributes):
    """Where a secret's value comes from in a reproduction. Never from where production's does."""

    source: Literal["generate", "env", "file"] = "generate"
    variable: Text | None = None
    path: Text | None = None
    length: Annotated[int, Bounds(ge=16, le=1024)] = 32


class Certificate(Attributes):
    """A secret that holds a certificate: the secret that holds its key, and the names that it is for."""

    key: Name
    names: list[Text] = made_by(list)


class Reproduction(Attributes):
    """``reproduce:``.

    ``ports`` says which host port on loopback a published port gets. ``endpoints`` maps the name of another host to
    the service that answers in its place, to ``cut`` or to ``allow``; ``allow`` are the services that may reach the
    outside.
    ``binds`` says, by source as written, what becomes of a file or folder of the host. ``keep`` are rules that are not
    to be applied.
    """

    ports: Literal["auto", "same"] = "auto"
    allow: list[Name] = made_by(list)
    endpoints: dict[str, Text] = made_by(dict)
    binds: dict[str, Literal["volume", "read_only", "keep"]] = made_by(dict)
    secrets: dict[Name, LocalSecret] = made_by(dict)
    certificates: dict[Name, Certificate] = made_by(dict)
    keep: list[Literal["addresses", "devices", "dns", "host", "labels", "logging"]] = made_by(list)
