"""Bundles from elsewhere, damaged or made to harm: refused before anything of them is used."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from bundles import FakeBundle, FakeImage, layer, lock_of

from envman.bundle import checking, container, contents
from envman.bundle.contents import blob_name, contents_text, read_contents
from envman.bundle.layout import digest_of
from envman.diagnostics import EnvmanError
from envman.lock.text import lock_text, sealed
from envman.operations.bundle import opened, verify


def refusal(path: Path) -> str:
    """Return what is said of the bundle at ``path``, which must not be accepted."""
    with pytest.raises(EnvmanError) as raised, opened(path) as bundle:
        verify(bundle)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code in {"EV684", "EV685"}
    return diagnostic.message


def said(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "it.bundle"
    path.write_bytes(data)
    return refusal(path)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return FakeBundle().bytes()


def members(data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return [(one, (archive.extractfile(one) or io.BytesIO()).read()) for one in archive.getmembers()]


def archived(entries: list[tuple[tarfile.TarInfo, bytes]], form: Literal[0, 1, 2] = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    for info, content in entries:
        buffer.write(info.tobuf(form))
        buffer.write(content + container.padding(len(content)))
    return buffer.getvalue() + container.END


def test_what_is_made_is_accepted(tmp_path: Path) -> None:
    with opened(FakeBundle().write(tmp_path / "it.bundle")) as bundle:
        lock = verify(bundle)
        assert lock.environment == bundle.contents.environment == "prod"
        assert [image.tags for image in bundle.contents.images] == [("api:1",), ("db:17",)]


def test_another_tar_program_reads_it_and_would_write_the_same(whole: bytes) -> None:
    assert archived(members(whole)) == whole
    names = [info.name for info, _ in members(whole)]
    assert names == [*sorted(names[:-1]), "bundle.json"]
    assert {(info.mtime, info.uid, info.uname, info.mode) for info, _ in members(whole)} == {(0, 0, "", 0o644)}


def test_any_byte_that_changes_is_noticed(tmp_path: Path, whole: bytes) -> None:
    chosen = random.Random(1)
    # One byte of each 16, another one of each block's head, where the fields are short.
    places = {chosen.randrange(start, min(start + 16, len(whole))) for start in range(0, len(whole), 16)}
    path = tmp_path / "it.bundle"
    for place in sorted(places):
        changed = bytearray(whole)
        changed[place] ^= 1 << chosen.randrange(8)
        path.write_bytes(changed)
        assert refusal(path), place


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path, whole: bytes) -> None:
    for length in (0, 1, 511, 512, 1000, *range(2048, len(whole), 1717), len(whole) - 1, len(whole) - 512):
        assert said(tmp_path, whole[:length])


def test_a_file_that_goes_on_is_refused(tmp_path: Path, whole: bytes) -> None:
    assert "something behind its end" in said(tmp_path, whole + b"\0")
    assert "something behind its end" in said(tmp_path, whole + whole)


@pytest.mark.parametrize(
    "data",
    [b"hello\n" * 200, gzip.compress(b"x" * 5000, mtime=0), bytes(2048), b"PK\x03\x04" + bytes(1020)],
    ids=["text", "gzip", "zeros", "zip"],
)
def test_another_kind_of_file_is_refused(tmp_path: Path, data: bytes) -> None:
    assert "is no bundle" in said(tmp_path, data)


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "absent"):
        with pytest.raises(EnvmanError) as raised, opened(tmp_path / name):
            pass
        assert raised.value.diagnostics[0].code == "EV002"


def _link(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    info = tarfile.TarInfo("project/a-link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    entries.insert(-1, (info, b""))


def _hard_link(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    info = tarfile.TarInfo("project/a-link")
    info.type, info.linkname = tarfile.LNKTYPE, "project/envman.yaml"
    entries.insert(-1, (info, b""))


def _named(name: str) -> Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]:
    def add(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        entries.insert(-1, (tarfile.TarInfo(name), b""))

    return add


def _folder(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    info = tarfile.TarInfo("project/zfolder")
    info.type = tarfile.DIRTYPE
    entries.insert(-1, (info, b""))


def _twice(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries.insert(0, entries[0])


def _without(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del entries[3]


def _swapped(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries[0], entries[1] = entries[1], entries[0]


def _list_first(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries.insert(0, entries.pop())


def _no_list(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries.pop()


def _later(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries[0][0].mtime = 1


def _setuid(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries[0][0].mode = 0o4755


def _executable(entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries[-2][0].mode = 0o755


@pytest.mark.parametrize(
    "change",
    [
        _link, _hard_link, _folder, _twice, _without, _swapped, _list_first, _no_list, _later, _setuid, _executable,
        _named("/etc/cron.d/it"), _named("project/../../it"), _named("project/."), _named("project//it"),
        _named("project/zz\nit"), _named("project/zz"), _named("zz"),
    ],
)  # fmt: skip
def test_an_archive_that_was_changed_is_refused(
    tmp_path: Path, whole: bytes, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]
) -> None:
    entries = members(whole)
    change(entries)
    assert said(tmp_path, archived(entries))


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_another_kind_of_archive_is_refused(tmp_path: Path, whole: bytes, form: Literal[0, 1, 2]) -> None:
    entries = members(whole)
    entries[0][0].pax_headers = {"path": "../../it"}
    assert said(tmp_path, archived(entries, form))


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    head = container.header("blobs/sha256/" + "a" * 64, 1 << 60)
    assert "it ends too early" in said(tmp_path, head + bytes(2048))


def test_an_endless_list_of_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MOST_FILES", 5)
    assert "more than 5 files" in said(tmp_path, FakeBundle().bytes())


def test_a_list_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LARGEST_LIST", 100)
    assert "100 are the most" in said(tmp_path, FakeBundle().bytes())


# --- bundles that are sealed as they should be, and lie all the same


def resealed(data: bytes, change: Callable[[contents.Contents], contents.Contents]) -> bytes:
    *entries, (info, text) = members(data)
    text = contents_text(change(read_contents(text)))
    info.size = len(text)
    return archived([*entries, (info, text)])


def test_a_layer_that_comes_to_more_than_is_said_is_refused(tmp_path: Path, whole: bytes) -> None:
    def smaller(made: contents.Contents) -> contents.Contents:
        parts = (replace(part, unpacked=100 if part.unpacked else None) for part in made.parts)
        return replace(made, parts=tuple(parts))

    assert "a layer is larger than is said of it" in said(tmp_path, resealed(whole, smaller))


def test_an_image_that_the_lock_does_not_name_is_refused(tmp_path: Path) -> None:
    images = FakeBundle().images
    message = refusal(FakeBundle(lock=lock_of(images[:1])).write(tmp_path / "it.bundle"))
    assert "its images are not the ones of its lock" in message


def test_an_image_that_is_another_one_than_the_locks_is_refused(tmp_path: Path) -> None:
    other = [FakeImage("api:1", (layer("evil"),)), FakeBundle().images[1]]
    message = refusal(FakeBundle(images=other, lock=lock_of(FakeBundle().images)).write(tmp_path / "it.bundle"))
    assert "image docker.io/library/api:1 is not the one of its lock" in message


def test_a_lock_of_another_environment_is_refused(tmp_path: Path) -> None:
    lock = lock_of(FakeBundle().images)
    other = sealed(environment="dev", document=lock.document, made_with=lock.made_with, images=lock.images)
    assert "another environment" in refusal(FakeBundle(lock=other).write(tmp_path / "it.bundle"))


def test_a_lock_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    text = lock_text(lock_of(FakeBundle().images)).replace("services.api", "services.web")
    extra = {"project/blueprints/prod.lock": text.encode()}
    assert "its lock is not one" in refusal(FakeBundle(extra=extra).write(tmp_path / "it.bundle"))


def test_another_name_for_an_image_is_refused(tmp_path: Path, whole: bytes) -> None:
    def rename(made: contents.Contents) -> contents.Contents:
        return replace(made, images=(replace(made.images[0], tags=("python:3.13",)), *made.images[1:]))

    assert "index.json does not say what is in it" in said(tmp_path, resealed(whole, rename))


def test_an_image_for_another_platform_is_refused(tmp_path: Path) -> None:
    images = [FakeImage("api:1", (layer("api"),), platform="linux/arm64")]
    assert "another platform" in refusal(FakeBundle(images=images, lock=lock_of(images)).write(tmp_path / "it.bundle"))


def test_a_blob_of_no_image_is_refused(tmp_path: Path) -> None:
    stray = blob_name(digest_of(b"stray"))
    assert f"{stray} belongs to no image" in refusal(FakeBundle(extra={stray: b"stray"}).write(tmp_path / "it.bundle"))


@pytest.mark.parametrize(
    "name",
    ["project/.git/hooks/post-checkout", "project/.envman/checkout", "project/a/.GIT/config", "etc/passwd", "README"],
)
def test_a_file_that_has_no_place_in_a_bundle_is_refused(tmp_path: Path, name: str) -> None:
    assert f"{name} has no place in a bundle" in refusal(FakeBundle(extra={name: b"x"}).write(tmp_path / "it.bundle"))


def test_an_other_list_for_docker_load_is_refused(tmp_path: Path) -> None:
    for name in ("manifest.json", "index.json", "oci-layout"):
        message = refusal(FakeBundle(extra={name: b"[]"}).write(tmp_path / "it.bundle"))
        assert f"{name} does not say what is in it" in message


def test_a_snapshot_without_its_manifest_is_refused(tmp_path: Path) -> None:
    assert refusal(FakeBundle(snapshots=("prod/one",)).write(tmp_path / "it.bundle"))
    extra = {"snapshots/prod/one/manifest.json": b"{}"}
    assert "snapshot" in refusal(FakeBundle(snapshots=("prod/one",), extra=extra).write(tmp_path / "it.bundle"))
    assert "belong to no snapshot" in refusal(FakeBundle(extra=extra).write(tmp_path / "it.bundle"))


def test_a_list_that_nests_without_end_is_refused(tmp_path: Path, whole: bytes) -> None:
    *entries, (info, _) = members(whole)
    text = b'{"bundle":1,"project":' + b"[" * 100_000
    info.size = len(text)
    assert said(tmp_path, archived([*entries, (info, text)]))


def test_a_bundle_of_a_newer_envman_says_so(tmp_path: Path, whole: bytes) -> None:
    *entries, (info, text) = members(whole)
    text = text.replace(b'"bundle":1', b'"bundle":2')
    path = tmp_path / "it.bundle"
    path.write_bytes(archived([*entries, (info, text)]))
    with pytest.raises(EnvmanError) as raised, opened(path):
        pass
    assert raised.value.diagnostics[0].code == "EV685"
