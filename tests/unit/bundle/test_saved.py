"""What `docker save` sends, laid down blob by blob."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from bundles import FakeImage, layer

from envman.bundle.container import BrokenBundleError
from envman.bundle.layout import digest_of
from envman.bundle.saved import lay_down


def saved(image: FakeImage, *, seed: int = 0, packed: bool = False, order: int = 1) -> bytes:
    """Return what an engine would send; ``seed`` and ``order`` are what differs from time to time."""
    layers = image.packed if packed else image.layers
    name = "blobs/sha256/{}".format
    listed = [
        {
            "Config": name(digest_of(image.config).removeprefix("sha256:")),
            "RepoTags": None,
            "Layers": [name(digest_of(one).removeprefix("sha256:")) for one in layers],
        }
    ]
    blobs = [image.config, image.manifest, *layers]
    files = [(name(digest_of(one).removeprefix("sha256:")), one) for one in blobs]
    files += [("manifest.json", json.dumps(listed).encode()), ("oci-layout", b"{}"), ("repositories", b"{}")]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo("blobs")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for path, data in sorted(files)[::order]:
            info = tarfile.TarInfo(path)
            info.size, info.mtime = len(data), seed
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 700):
        yield data[start : start + 700]


IMAGE = FakeImage("api:1", (layer("one"), layer("two")))


def test_layers_are_compressed_and_the_rest_stays_as_it_is(tmp_path: Path) -> None:
    found = lay_down(pieces(saved(IMAGE)), tmp_path)
    (image,) = found.images.values()
    assert found.images == {digest_of(IMAGE.config): image}
    assert image.layers == tuple(map(digest_of, IMAGE.layers))
    assert found.blobs[image.config].path.read_bytes() == IMAGE.config
    assert not found.blobs[image.config].packed
    for name, one in zip(image.layers, IMAGE.layers, strict=True):
        blob = found.blobs[name]
        data = blob.path.read_bytes()
        assert zstandard.ZstdDecompressor().decompressobj().decompress(data) == one
        assert (blob.digest, blob.size, blob.packed) == (digest_of(data), len(data), True)


def test_neither_times_nor_the_order_make_a_difference(tmp_path: Path) -> None:
    found = []
    for number, (seed, order) in enumerate([(0, 1), (1, -1)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        blobs = lay_down(pieces(saved(IMAGE, seed=seed, order=order)), folder).blobs
        found.append({name: (one.digest, one.size) for name, one in blobs.items()})
    assert found[0] == found[1]


def test_what_is_compressed_already_is_not_compressed_again(tmp_path: Path) -> None:
    found = lay_down(pieces(saved(IMAGE, packed=True)), tmp_path)
    for one in IMAGE.packed:
        blob = found.blobs[digest_of(one)]
        assert gzip.decompress(blob.path.read_bytes()) in IMAGE.layers
        assert not blob.packed


def test_what_is_there_already_is_passed_over(tmp_path: Path) -> None:
    known = {digest_of(IMAGE.layers[0])}
    assert digest_of(IMAGE.layers[0]) not in lay_down(pieces(saved(IMAGE)), tmp_path, known).blobs


@pytest.mark.parametrize("cut", [0, 100, 1500, 5000, 12_000])
def test_a_stream_that_breaks_off_is_not_taken_for_whole(tmp_path: Path, cut: int) -> None:
    with pytest.raises(BrokenBundleError):
        lay_down(pieces(saved(IMAGE)[:cut]), tmp_path)


def test_a_blob_that_is_not_what_it_is_called_is_refused(tmp_path: Path) -> None:
    data = saved(IMAGE).replace(b"one", b"eno")
    with pytest.raises(BrokenBundleError, match="sent another blob"):
        lay_down(pieces(data), tmp_path)
