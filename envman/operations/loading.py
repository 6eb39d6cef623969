"""The images of a bundle onto an engine: first without names, so that no name there changes until all have come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from envman.bundle.checking import Bundle
from envman.bundle.container import END, header, padding
from envman.bundle.contents import OCI, Image, blob_name
from envman.bundle.layout import LAYOUT, Built, index, load_list
from envman.diagnostics import EnvmanError, Note
from envman.diagnostics.diagnostic import fail
from envman.engine.connection import Engine
from envman.operations.progress import Progress
from envman.operations.resolving import engine_platform, same_platform

_SHORT: Final = 19


class Taken(StrEnum):
    """What happens where another image has a name: the command is refused, the name moves, or it stays where it is.

    An image that does not get its name gets one that is made of its ID, so that nobody clears it away.
    """

    REFUSE = "refuse"
    REPLACE = "replace"
    BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class LoadedImages:
    """The engine's IDs and names of a bundle's images, by the lock's names; ``fresh`` are those it did not have."""

    ids: Mapping[str, str]
    names: Mapping[str, str]
    fresh: tuple[str, ...]


@contextmanager
def loaded_images(
    engine: Engine, bundle: Bundle, progress: Progress, taken: Taken, platform: str | None
) -> Iterator[LoadedImages]:
    """Load the images of a checked ``bundle``; where the body fails, the engine is left as it was.

    Raises:
        EnvmanError: EV687 where the engine is of another platform, EV686 for a name that is taken, EV524 and EV410
            where the engine does not take them, EV689 where it has made something else of one.
    """
    contents = bundle.contents
    own = engine_platform(engine.facts())
    if not same_platform(contents.platform, own) and contents.platform != platform:
        raise fail(
            "EV687",
            f"the bundle is for {contents.platform}, and this engine is {own}",
            help=f"make one with `--platform {own}`; where this engine emulates the other, "
            f"`--platform {contents.platform}` loads it all the same",
        )
    images = bundle.images()
    before = _named(engine, [tag for image in contents.images for tag in image.tags])
    clashes = {
        tag: image for image in contents.images for tag in image.tags if before.get(tag, image.id) not in _ids(image)
    }
    if clashes and taken is Taken.REFUSE:
        raise _refuse(clashes, before)
    fresh = [(image, built) for image, built in images if _present(engine, image) is None]
    undo = _Undo(engine)
    try:
        if fresh:
            progress.step("loading " + ", ".join(image.tags[0] for image, _ in fresh))
            undo.images = [image for image, _ in fresh]
            _send(engine, bundle, fresh)
        ids = {image.name: _loaded(engine, image) for image in contents.images}
        names = {}
        for image in contents.images:
            for tag in image.tags:
                beside = tag in clashes and taken is Taken.BESIDE
                name = _own_name(tag, image) if beside else tag
                undo.name(name, before.get(name))
                _tag(engine, ids[image.name], name)
                names[image.name] = name
            progress.ready(image.tags[0], ids[image.name][:_SHORT])
        yield LoadedImages(ids, names, tuple(image.name for image, _ in fresh))
    except BaseException:
        undo.all()
        raise


def _refuse(clashes: Mapping[str, Image], before: Mapping[str, str]) -> EnvmanError:
    return fail(
        "EV686",
        f"another image on this engine is called {', '.join(sorted(clashes))}",
        notes=tuple(
            Note(f"{tag} is {before[tag][:_SHORT]} there, and {image.id[:_SHORT]} in the bundle")
            for tag, image in sorted(clashes.items())
        ),
        help="nothing was loaded; `--replace` gives the names to the bundle's images, and leaves the others without",
    )


def _own_name(tag: str, image: Image) -> str:
    repository = tag.rpartition(":")[0]
    return f"{repository}:{image.id.replace(':', '-')[:_SHORT]}"


def _ids(image: Image) -> tuple[str, str]:
    # A containerd image store calls an image by its manifest, the classic one by its configuration.
    return image.id, image.manifest


def _named(engine: Engine, names: Sequence[str]) -> dict[str, str]:
    from envman.engine.images import image_ids

    return image_ids(engine, names)


def _present(engine: Engine, image: Image) -> str | None:
    found = _named(engine, _ids(image))
    return next((one for one in found.values() if one in _ids(image)), None)


def _loaded(engine: Engine, image: Image) -> str:
    found = _present(engine, image)
    if found is None:
        raise fail(
            "EV689",
            f"{image.tags[0]} was loaded, and the engine has no image {image.id[:_SHORT]}",
            help="what was loaded has been removed again; please report this with the engine's version",
        )
    return found


def _tag(engine: Engine, image: str, name: str) -> None:
    from envman.engine.transfer import tag_image

    tag_image(engine, image, name)


def _send(engine: Engine, bundle: Bundle, images: Sequence[tuple[Image, Built]]) -> None:
    from envman.engine.transfer import load_images

    load_images(engine, _stream(bundle, images))


def _stream(bundle: Bundle, images: Sequence[tuple[Image, Built]]) -> Iterator[bytes]:
    """Yield ``images`` as ``docker load`` takes them: each blob once, and no names."""
    nameless = [(replace(image, tags=()), built) for image, built in images]
    texts = (
        index((image for image, _ in nameless), bundle.contents.platform), load_list(nameless), LAYOUT,
    )  # fmt: skip
    for name, text in zip(OCI, texts, strict=True):
        yield header(name, len(text)) + text + padding(len(text))
    blobs = {
        blob_name(digest)
        for image, built in images
        for digest in (image.manifest, image.id, *(layer.digest for layer in built.layers))
    }
    for name in sorted(blobs):
        size = bundle.contents.part(name).size
        yield header(name, size)
        yield from bundle.stream(name)
        yield padding(size)
    yield END


class _Undo:
    """What was done on the engine, to be taken back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._names: dict[str, str | None] = {}
        self.images: list[Image] = []

    def name(self, name: str, before: str | None) -> None:
        """Remember what ``name`` was."""
        self._names[name] = before

    def all(self) -> None:
        """Take it all back, as far as the engine lets."""
        from envman.engine.transfer import remove_names

        with suppress(EnvmanError):
            for name, before in self._names.items():
                if before is not None:
                    _tag(self._engine, before, name)
                else:
                    remove_names(self._engine, [name])
            remove_names(self._engine, [one for image in self.images for one in _ids(image)])
