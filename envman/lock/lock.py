"""A lock: ``blueprints/ENVIRONMENT.lock``, what exactly an environment is made of."""

from typing import Annotated, Any, Final

from envman.model.fields import Attributes, made_by
from envman.model.types import Null, Opaque, Text

FORMAT: Final = 1
MaybeText = Annotated[Text | None, Null]


class LockedPlatform(Attributes):
    """An image for one platform: the digest of its manifest, and its ID (the digest of its configuration).

    The first is None for an image that no registry has, the second where a manifest leads to more manifests.
    """

    manifest: MaybeText = None
    image: MaybeText = None


class LockedImage(Attributes):
    """An image that comes from a registry.

    ``digest`` is what its tag led to (an index or a manifest), None for an image that one engine alone has;
    ``platforms`` what it holds by ``linux/amd64``, ``used_by`` where the blueprint names it: ``services.db``,
    ``services.api.build``.
    """

    digest: MaybeText = None
    platforms: dict[str, LockedPlatform] = made_by(dict)
    used_by: list[Text] = made_by(list)


class LockedBuild(Attributes):
    """An image that a service builds.

    ``context`` is the digest of what the build sends (None where that is on no machine), ``bases`` the canonical names
    of the images it starts from (all of them are in ``images``). ``digest`` is the one that was pushed, or None;
    ``platforms`` as in an image, of the one that was pushed or built.
    """

    image: Text
    context: MaybeText = None
    digest: MaybeText = None
    platforms: dict[str, LockedPlatform] = made_by(dict)
    bases: list[Text] = made_by(list)


class LockedVariable(Attributes):
    """A variable's value (none where it has none), and where it came from."""

    value: Opaque = None
    origin: Text


class LockedSecret(Attributes):
    """What changes when a value does, and the name of the key that it was made with: never the value."""

    key: Text
    fingerprint: Text


class LockedTemplate(Attributes):
    """The template that the project was made from."""

    name: Text
    version: Text


class Makers(Attributes):
    """The versions that the lock was made with."""

    envman: Text
    compose: MaybeText = None
    engine: MaybeText = None


class Lock(Attributes):
    """The whole of a lock.

    ``images`` are by canonical name (``docker.io/library/postgres:17``), as the blueprint names them and whatever a
    registry map makes of them; ``builds`` by service. ``document`` is the digest of the canonical document, ``parts``
    those of each of its services, networks and so on. ``secrets`` holds everything that is not shown: secrets by name,
    variables (``variables.NAME``), values by path, env files (``env_file PATH``). ``seal`` is the digest of all else,
    by which a change by hand is seen.
    """

    lock: int
    environment: Text
    document: Text
    seal: Text
    made_with: Makers
    template: Annotated[LockedTemplate | None, Null] = None
    images: dict[str, LockedImage] = made_by(dict)
    builds: dict[str, LockedBuild] = made_by(dict)
    variables: dict[str, LockedVariable] = made_by(dict)
    secrets: dict[str, LockedSecret] = made_by(dict)
    parts: dict[str, Text] = made_by(dict)


def lock_path(environment: str) -> str:
    """Return the lock's path below the project's root. Instances of an environment share it."""
    return f"blueprints/{environment}.lock"


def plain(value: Any) -> Any:
    """Return a lock, or a part of one, as plain data: fields in the order of their class, names sorted."""
    if isinstance(value, Attributes):
        fields = {name: plain(getattr(value, name)) for name in type(value).model_fields}
        return {name: one for name, one in fields.items() if one not in (None, {}, [])}
    if isinstance(value, dict):
        return {name: plain(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value
