"""Which image a container runs, by a name that leads to no other one."""

from __future__ import annotations

from typing import Final, NamedTuple

from envman.plan.form import Plain
from envman.registry.reference import parse_reference

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class Image(NamedTuple):
    """An image: how the blueprint names it, the digest in that name, its ID, its platform and what it was called.

    ``digest`` is None where the engine knows none. The name is then what it was called, if that still leads to it, else
    its ID.
    """

    name: str
    digest: str | None
    identity: str
    platform: str
    called: str

    @property
    def key(self) -> str:
        """The name under which a lock has it."""
        reference = parse_reference(self.name)
        return reference.canonical if reference is not None else self.name


def image_of(description: Plain, identity: str, called: str) -> Image:
    """Return the image that has ``identity`` and was ``called`` so; ``description`` is the engine's of it, or empty.

    A digest under the repository that it was called by comes before one under another: the same content, but perhaps
    not there for the same people.
    """
    platform = "/".join(
        part for part in (description.get("Os"), description.get("Architecture"), description.get("Variant")) if part
    )
    reference = parse_reference(called)
    if reference is not None and reference.digest is not None:
        return Image(reference.familiar, reference.digest, identity, platform, called)
    known = [one for one in map(parse_reference, description.get("RepoDigests") or ()) if one is not None]
    for one in known:
        if reference is not None and one.repository == reference.repository and one.digest is not None:
            return Image(reference.pinned(one.digest).familiar, one.digest, identity, platform, called)
    for one in known:
        return Image(one.familiar, one.digest, identity, platform, called)
    tags = {one.canonical for one in map(parse_reference, description.get("RepoTags") or ()) if one is not None}
    still = reference is not None and reference.canonical in tags
    return Image(called if still else identity, None, identity, platform, called)


def other_platform(description: Plain, engine: Plain) -> str | None:
    """Return the image's platform where it is not the engine's own, so that it has to be asked for."""
    own = str(engine.get("Architecture", ""))
    architecture = description.get("Architecture")
    if not architecture or not own or architecture == _ARCHITECTURES.get(own, own):
        return None
    variant = description.get("Variant")
    return f"{description.get('Os') or 'linux'}/{architecture}" + (f"/{variant}" if variant else "")
