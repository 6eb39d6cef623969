"""Results about images and registries."""

from __future__ import annotations

from typing_extensions import TypedDict

from envman.output.results.locks import LockingData


class Built(TypedDict):
    """`build`."""

    environment: str
    built: list[str]


class Pulled(TypedDict):
    """`pull`."""

    environment: str
    pulled: list[str]


class PushedImage(TypedDict):
    """An image that was pushed."""

    services: list[str]
    reference: str
    image: str
    digest: str


class Pushed(TypedDict):
    """`push`."""

    environment: str
    pushed: list[PushedImage]


class Tagged(TypedDict):
    """`tag`."""

    image: str | None
    tag: str


class ServiceImageData(TypedDict):
    """`images ENV`: a service's image; size in bytes."""

    service: str
    reference: str
    built: bool
    id: str | None
    digest: str | None
    size: int | None
    created: str | None
    pushed: str | None


class ImageUseData(TypedDict):
    """`images`: a name of an image, and who needs it."""

    reference: str
    id: str | None
    size: int | None
    created: str | None
    pushed: str | None
    needed_by: list[str]
    made_here: bool


class RemovedImage(TypedDict):
    """An image that is removed, or some of its names."""

    id: str
    names: list[str]
    whole: bool
    freed: int


class KeptImage(TypedDict):
    """An image that stays."""

    id: str
    name: str
    why: list[str]


class Removal(TypedDict):
    """`rmi`."""

    done: bool
    removed: list[RemovedImage]
    kept: list[KeptImage]
    freed: int


class Login(TypedDict):
    """`login`."""

    registry: str
    username: str | None
    origin: str
    plain_text: bool


class Logout(TypedDict):
    """`logout`."""

    registry: str


class PromotedImage(TypedDict):
    """An image that is promoted."""

    service: str
    source: str
    target: str
    digest: str
    before: str | None
    tagged: bool


Promoted = TypedDict(
    "Promoted",
    {"from": str, "to": str, "done": bool, "images": list[PromotedImage], "left": list[str], "lock": LockingData},
)
