"""The parts of a bundle: the archive's shape, its list, layers, and that the same goes to the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from bundles import FakeBundle, FakeImage, layer

from envman.bundle.container import BLOCK, END, BrokenBundleError, fits, header, padding, read_places
from envman.bundle.contents import Contents, LeftOut, Part, contents_text, read_contents
from envman.bundle.layers import is_compressed, measure
from envman.bundle.layout import digest_of, index, platform_of_config
from envman.bundle.writing import ingredient, write_bundle

OUTLINE = Contents("churn", "prod", "linux/amd64", "1.0", (), ())
GIBIBYTE = 1 << 30


def test_the_same_files_in_any_order_are_the_same_bytes() -> None:
    bundle = FakeBundle()
    one = bundle.bytes()
    bundle.extra = {"project/b": b"2", "project/a": b"1"}
    two = bundle.bytes()
    bundle.extra = {"project/a": b"1", "project/b": b"2"}
    assert bundle.bytes() == two != one
    assert FakeBundle().bytes() == one


def test_a_layer_that_images_share_is_there_once() -> None:
    with tarfile.open(fileobj=io.BytesIO(FakeBundle().bytes())) as archive:
        names = [name for name in archive.getnames() if name.startswith("blobs/")]
    assert len(names) == len(set(names)) == 2 + 2 + 3  # manifests, configurations, layers


@pytest.mark.parametrize("name", ["a", "a/" * 60 + "b", "x" * 100, "p" * 155 + "/" + "x" * 100, "ä/ö"])
def test_a_name_that_fits_comes_back_from_its_header(name: str) -> None:
    assert fits(name)
    with tarfile.open(fileobj=io.BytesIO(header(name, 0) + END)) as archive:
        (member,) = archive.getmembers()
    assert member.name == name


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "./a", "a/../b", "..", "a\nb", "a\\b", "x" * 101, "a/" + "y" * 101, "\udc80"]
)
def test_a_name_that_is_no_plain_path_does_not_fit(name: str) -> None:
    assert not fits(name)
    with pytest.raises(ValueError, match="is not a name in a bundle"):
        header(name, 0)


@pytest.mark.parametrize("size", [0, 511, 512, 8 * GIBIBYTE - 1, 8 * GIBIBYTE, 5000 * GIBIBYTE])
def test_a_size_of_any_length_is_read_by_others(size: int) -> None:
    assert tarfile.TarInfo.frombuf(header("a", size), "utf-8", "strict").size == size
    assert (size + len(padding(size))) % BLOCK == 0


def test_a_file_beyond_8_gib_is_passed_over(tmp_path: Path) -> None:
    size = 9 * GIBIBYTE
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(header("a", size))
        file.seek(BLOCK + size)
        file.write(header("bundle.json", 0) + END)
    with path.open("rb") as file:
        assert [(one.name, one.size) for one in read_places(file)] == [("a", size), ("bundle.json", 0)]


def test_a_list_comes_back_as_it_was() -> None:
    contents = replace(
        OUTLINE,
        images=(FakeImage("api:1", (layer("api"),)).image,),
        parts=(Part("project/a", 1, "a" * 64), Part("project/b", 2, "b" * 64, executable=True, unpacked=0)),
        snapshots=("prod/one",),
        left_out=(LeftOut("ä", 'why "not"'),),
    )
    assert read_contents(contents_text(contents)) == contents


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"bundle":"1"}',
        b'{"bundle":1}',
        contents_text(OUTLINE)[:-1],
        contents_text(OUTLINE).replace(b",", b", "),
        contents_text(OUTLINE).replace(b"churn", b"chaos"),
        contents_text(OUTLINE).replace(b'"churn"', b"7"),
        contents_text(OUTLINE).replace(b'"parts":[]', b'"parts":[{"name":"a","size":true,"sha256":"00"}]'),
        b"\xff",
        b"1" * 10_000,
    ],
)
def test_a_list_that_was_changed_is_none(data: bytes) -> None:
    with pytest.raises(BrokenBundleError):
        read_contents(data)


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


PLAIN = layer("x" * 70_000)
SKIPPED = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"


@pytest.mark.parametrize(
    "packed",
    [
        PLAIN,
        gzip.compress(PLAIN),
        gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:]),
        zstandard.compress(PLAIN),
        zstandard.compress(PLAIN[:1000]) + zstandard.compress(PLAIN[1000:]),
        SKIPPED + zstandard.compress(PLAIN),
    ],
    ids=["plain", "gzip", "gzip members", "zstd", "zstd frames", "zstd:chunked"],
)
@pytest.mark.parametrize("size", [1, 7, 512, 1 << 20])
def test_a_layer_is_measured_as_it_is_unpacked(packed: bytes, size: int) -> None:
    assert measure(in_pieces(packed, size)) == (len(PLAIN), digest_of(PLAIN))


def test_what_is_shorter_than_a_mark_is_a_layer_too() -> None:
    assert measure([b"ab"]) == (2, digest_of(b"ab"))
    assert measure([]) == (0, digest_of(b""))


@pytest.mark.parametrize("whole", [gzip.compress(PLAIN), zstandard.compress(PLAIN)], ids=["gzip", "zstd"])
def test_a_damaged_layer_is_not_taken_for_whole(whole: bytes) -> None:
    for damaged in (whole[: len(whole) // 2], whole[:20] + bytes(byte ^ 0xFF for byte in whole[20:])):
        try:
            found = measure([damaged])[1]
        except BrokenBundleError:
            continue
        assert found != digest_of(PLAIN)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_layer_that_grows_without_end_is_given_up_in_time(pack: object) -> None:
    packed = pack(bytes(400 << 20))  # type: ignore[operator]
    assert len(packed) < 1 << 20
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(BrokenBundleError, match="larger than is said"):
        measure([packed], limit=10 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_what_is_compressed_already_is_known_by_its_first_bytes() -> None:
    assert all(is_compressed(one) for one in (gzip.compress(b"a"), zstandard.compress(b"a"), SKIPPED))
    assert not is_compressed(PLAIN)


def test_a_file_that_changes_while_it_is_copied_is_noticed() -> None:
    for data in (b"longer", b"s"):
        with pytest.raises(BrokenBundleError, match="project/a changed while it was copied"):
            write_bundle(io.BytesIO(), OUTLINE, [replace(ingredient("project/a", data), size=3)])
    with pytest.raises(BrokenBundleError, match="changed while it was copied"):
        write_bundle(io.BytesIO(), OUTLINE, [replace(ingredient("project/a", b"abc"), sha256="0" * 64)])


def test_a_layer_that_comes_as_another_one_is_noticed() -> None:
    promised = replace(ingredient("blobs/sha256/" + "a" * 64, PLAIN), layer=digest_of(b"other"))
    with pytest.raises(BrokenBundleError, match="came as another one"):
        write_bundle(io.BytesIO(), OUTLINE, [promised])


def test_an_image_of_two_names_is_in_the_index_twice() -> None:
    image = replace(FakeImage("api:1", (layer("a"),)).image, tags=("api:1", "registry.example.com/api:2"))
    text = index([image], "linux/arm/v7").decode()
    assert '"docker.io/library/api:1"' in text
    assert '"registry.example.com/api:2"' in text
    assert text.count('"variant":"v7"') == 2


def test_a_platform_is_read_from_a_configuration() -> None:
    assert platform_of_config(b'{"os": "linux", "architecture": "arm", "variant": "v7"}') == "linux/arm/v7"
    assert platform_of_config(b'{"os": "linux", "architecture": "amd64"}') == "linux/amd64"
