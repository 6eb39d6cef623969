"""The images of a bundle, and where they are copied from: the registry is asked first, by the locked digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from envman.bundle.container import PIECE, BrokenBundleError
from envman.bundle.contents import Image, blob_name
from envman.bundle.layers import is_compressed
from envman.bundle.layout import (
    GZIP_LAYER_KIND,
    MANIFEST_KIND,
    PLAIN_LAYER_KIND,
    ZSTD_LAYER_KIND,
    Blob,
    diff_ids,
    digest_of,
    make_manifest,
    read_manifest,
)
from envman.bundle.saved import Saved, lay_down
from envman.bundle.wanted import Wanted
from envman.bundle.writing import Ingredient, ingredient
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.operations.progress import Progress
from envman.operations.workspace import Workspace

if TYPE_CHECKING:
    from envman.engine.registry import Registries


@dataclass(slots=True)
class Gathered:
    """The images of a bundle, and the files that they come to, by name."""

    images: list[Image] = field(default_factory=list)
    files: dict[str, Ingredient] = field(default_factory=dict)
    layers: dict[str, Blob] = field(default_factory=dict)

    def add(self, one: Ingredient) -> None:
        """Add a file, unless it is here already."""
        self.files.setdefault(one.name, one)


class Gathering:
    """Finds images, in their registries or else on the engine; ``folder`` is for what the engine sends."""

    def __init__(
        self, workspace: Workspace, registries: Registries | None, platform: str, folder: Path, progress: Progress
    ) -> None:
        self.workspace = workspace
        self.registries = registries
        self.platform = platform
        self.folder = folder
        self.progress = progress
        self.gathered = Gathered()

    def gather(self, wanted: Sequence[Wanted]) -> Gathered:
        """Return ``wanted`` with the files that they come to; layers in registries are read when they are written.

        Raises:
            EnvmanError: EV681 for those that are in neither place.
        """
        rest = [one for one in wanted if not self._from_registry(one)]
        if rest:
            self._from_engine(rest)
        self.gathered.images.sort(key=lambda image: image.name)
        return self.gathered

    def _from_registry(self, one: Wanted) -> bool:
        """Add ``one`` if its registry has it."""
        digest, reference = one.locked.manifest, one.reference
        if self.registries is None or digest is None or reference is None:
            return False
        pinned = reference.pinned(digest)
        try:
            text = self.registries.manifest(pinned).raw
            built = read_manifest(text)
            config = b"".join(self.registries.blob(pinned, built.config.digest))
            ids = diff_ids(config)
        except (EnvmanError, BrokenBundleError):
            return False
        if one.locked.image not in {None, built.config.digest} or len(ids) != len(built.layers):
            return False
        if any("foreign" in layer.kind or "nondistributable" in layer.kind for layer in built.layers):
            return False
        image = Image(one.name, one.tags, digest, len(text), _kind(text), built.config.digest, "registry")
        self.gathered.images.append(image)
        self.gathered.add(ingredient(blob_name(digest), text))
        self.gathered.add(ingredient(blob_name(built.config.digest), config))
        for layer, diff_id in zip(built.layers, ids, strict=True):
            self.gathered.layers.setdefault(diff_id, layer)
            read = partial(self.registries.blob, pinned, layer.digest)
            sha256 = layer.digest.removeprefix("sha256:")
            self.gathered.add(Ingredient(blob_name(layer.digest), layer.size, read, sha256, layer=diff_id))
        self.progress.ready(one.tags[0], "in its registry")
        return True

    def _from_engine(self, wanted: Sequence[Wanted]) -> None:
        from envman.engine.images import image_ids
        from envman.engine.transfer import save_images

        ids = {one.locked.image for one in wanted if one.locked.image is not None}
        present = set(image_ids(self.workspace.engine, ids))
        missing = [one for one in wanted if one.locked.image not in present]
        if missing:
            raise EnvmanError(*(diagnostic for one in missing for diagnostic in _absent(one).diagnostics))
        self.progress.step("taking images from the engine: " + ", ".join(one.tags[0] for one in wanted))
        with closing(save_images(self.workspace.engine, sorted(ids))) as pieces:
            saved = lay_down(pieces, self.folder, self.gathered.layers)
        for one in wanted:
            self._add_saved(one, saved)

    def _add_saved(self, one: Wanted, saved: Saved) -> None:
        found = saved.images.get(one.locked.image or "")
        if found is None:
            raise BrokenBundleError(f"the engine sent no image {one.locked.image}")
        config = saved.blobs[found.config]
        text = config.path.read_bytes()
        layers = []
        for name, diff_id in zip(found.layers, diff_ids(text), strict=True):
            blob = self.gathered.layers.get(diff_id)
            if blob is None:
                spooled = saved.blobs[name]
                blob = Blob(spooled.digest, spooled.size, _layer_kind(spooled.path))
                self.gathered.layers[diff_id] = blob
                self.gathered.add(
                    Ingredient(
                        blob_name(blob.digest),
                        blob.size,
                        partial(_spooled, spooled.path),
                        blob.digest.removeprefix("sha256:"),
                        layer=diff_id,
                    )
                )
            layers.append(blob)
        manifest = make_manifest(Blob(found.config, len(text)), layers)
        digest = digest_of(manifest)
        self.gathered.images.append(
            Image(one.name, one.tags, digest, len(manifest), MANIFEST_KIND, found.config, "engine")
        )
        self.gathered.add(ingredient(blob_name(digest), manifest))
        self.gathered.add(ingredient(blob_name(found.config), text))
        self.progress.ready(one.tags[0], "from the engine")


def _absent(one: Wanted) -> EnvmanError:
    identity = (one.locked.image or one.locked.manifest or "no ID")[:19]
    return fail(
        "EV681",
        f"{one.tags[0]} is neither in its registry nor on the engine as it was locked ({identity})",
        help="pull or build it and lock again; where the registry was away, try again once it answers",
    )


def _kind(manifest: bytes) -> str:
    import json

    return str(json.loads(manifest).get("mediaType") or MANIFEST_KIND)


def _layer_kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if not is_compressed(start):
        return PLAIN_LAYER_KIND
    return GZIP_LAYER_KIND if start.startswith(b"\x1f\x8b") else ZSTD_LAYER_KIND


def _spooled(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
    # A bundle and all that it is made of need not fit on the disk at once.
    path.unlink()
