"""Which images of a project nobody needs. Pure: what is there and what is needed goes in, what may go comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from envman.registry.reference import parse_reference


@dataclass(frozen=True, slots=True)
class ProjectImage:
    """An image on the engine: its ID, the names it has, its bytes, those no other image shares, and when it was made.

    ``made_here``: this checkout built it.
    """

    id: str
    names: tuple[str, ...]
    size: int
    unique: int
    created: float
    made_here: bool


@dataclass(frozen=True, slots=True)
class Needs:
    """Who needs which image, in words: by canonical name, and by ID. ``repositories`` are the project's own."""

    names: Mapping[str, tuple[str, ...]]
    ids: Mapping[str, tuple[str, ...]]
    repositories: frozenset[str] = field(default_factory=frozenset)

    def of(self, image: ProjectImage) -> dict[str, tuple[str, ...]]:
        """Return who needs the image under each of its names; under an empty one, who needs it by its ID."""
        found = {name: self.names.get(canonical(name), ()) for name in image.names}
        return {**found, "": self.ids.get(image.id, ())}


@dataclass(frozen=True, slots=True)
class Spare:
    """An image, or names of it, that can go: all of it where ``whole``, which frees ``freed`` bytes."""

    image: ProjectImage
    names: tuple[str, ...]
    whole: bool

    @property
    def freed(self) -> int:
        """The bytes that only this image holds; 0 where it keeps a name."""
        return self.image.unique if self.whole else 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A name that stays (or an ID, where it is needed as such), and why."""

    image: ProjectImage
    name: str
    why: tuple[str, ...]


def canonical(name: str) -> str:
    """Return an image's whole name, or ``name`` itself where it is none."""
    reference = parse_reference(name)
    return reference.canonical if reference is not None else name


def spare_images(images: Iterable[ProjectImage], needs: Needs) -> tuple[list[Spare], list[Kept]]:
    """Return what nobody needs of the images that were made here, and what stays although it was made here.

    A container, a lock and a snapshot need an image as such; an environment needs the one that has its name.
    """
    spare, kept = [], []
    for image in sorted(images, key=lambda one: (one.names or ("~",), one.id)):
        if not image.made_here:
            continue
        users = needs.of(image)
        by_id = users.pop("")
        if by_id:
            kept += [Kept(image, name, by_id) for name in image.names or (image.id,)]
            continue
        free = []
        for name, who in users.items():
            if who:
                kept.append(Kept(image, name, who))
            elif not _is_ours(name, needs):
                kept.append(Kept(image, name, ("the name is not one of this project's",)))
            else:
                free.append(name)
        if free or not image.names:
            spare.append(Spare(image, tuple(free), whole=len(free) == len(image.names)))
    return spare, kept


def _is_ours(name: str, needs: Needs) -> bool:
    reference = parse_reference(name)
    return reference is not None and reference.repository in needs.repositories
