from __future__ import annotations

import errno
import io
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from envman.snapshot import archive
from envman.snapshot.archive import (
    FileArchive,
    decompressed,
    measure,
    read_index,
    verify_archive,
    verify_stream,
    write_archive,
    write_stream,
)
from envman.snapshot.content import differing
from envman.snapshot.tar import BrokenArchiveError


def volume(*names: str, links: dict[str, str] | None = None, content: bytes = b"data") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(f"volume/{name}")
            if links and name in links:
                info.type, info.linkname = tarfile.LNKTYPE, f"volume/{links[name]}"
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def written(folder: Path, data: bytes) -> FileArchive:
    folder.mkdir(exist_ok=True)
    return write_archive(folder, "data", [data[at : at + 700] for at in range(0, len(data), 700)])


def test_an_archive_holds_what_was_written_and_an_index_of_it(tmp_path: Path) -> None:
    data = volume("a", "b/c")
    made = written(tmp_path, data)
    assert b"".join(decompressed(tmp_path / made.archive.file)) == data
    assert [entry.path for entry in read_index(tmp_path / made.index.file)] == ["a", "b/c"]
    assert (made.entries, made.bytes, made.archive.size) == (2, 8, len(data))
    assert (tmp_path / made.archive.file).stat().st_mode & 0o777 == 0o600
    verify_archive(tmp_path, made)


def test_any_changed_byte_and_any_lost_end_is_found(tmp_path: Path) -> None:
    made = written(tmp_path, volume("a", "b", content=bytes(range(256)) * 3))
    for file in (made.archive.file, made.index.file):
        path = tmp_path / file
        whole = path.read_bytes()
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            with pytest.raises(BrokenArchiveError):
                verify_archive(tmp_path, made)
        for end in range(0, len(whole), 7):
            path.write_bytes(whole[:end])
            with pytest.raises(BrokenArchiveError):
                verify_archive(tmp_path, made)
        path.write_bytes(whole)
    verify_archive(tmp_path, made)


def test_the_digest_of_the_content_depends_on_no_order_and_on_no_choice_among_links(tmp_path: Path) -> None:
    one = written(tmp_path / "1", volume("a", "b", "c", links={"b": "a"}))
    other = written(tmp_path / "2", volume("c", "b", "a", links={"a": "b"}))
    apart = written(tmp_path / "3", volume("a", "b", "c"))
    changed = written(tmp_path / "4", volume("a", "b", "c", links={"b": "a"}, content=b"dato"))
    assert one.content == other.content
    assert len({one.content, apart.content, changed.content}) == 3


def test_what_is_measured_is_what_was_written_and_differences_are_named(tmp_path: Path) -> None:
    made = written(tmp_path, volume("a", "b", "c"))
    scratch = io.BytesIO()
    content = measure([volume("c", "a", "b")], scratch)
    assert content.finish() == made.content
    other = written(tmp_path / "2", volume("a", "b", "new", content=b"else"))
    indexes = [read_index(folder / "data.index.zst") for folder in (tmp_path, tmp_path / "2")]
    assert differing(*indexes) == ["a", "b", "new", "c"]
    assert other.entries == 3


def test_a_disk_that_fills_up_is_its_own_error_and_ends_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive._Sink, "_put", full)
    with pytest.raises(OSError, match="No space left"):
        write_archive(tmp_path, "data", [volume("a")] * 50)
    with pytest.raises(OSError, match="No space left"):
        write_stream(tmp_path, "dump", [b"x" * 1000])


def test_an_unfinished_stream_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(BrokenArchiveError, match="ends too early"):
        write_archive(tmp_path, "data", [volume("a")[:600]])


def test_a_dump_is_any_stream(tmp_path: Path) -> None:
    made = write_stream(tmp_path, "db.dump", [b"create ", b"table;"])
    verify_stream(tmp_path, made)
    assert b"".join(decompressed(tmp_path / "db.dump.zst")) == b"create table;"
    empty = write_stream(tmp_path, "none.dump", [])
    verify_stream(tmp_path, empty)


def test_memory_stays_flat_whatever_the_size(tmp_path: Path) -> None:
    block = bytes(1 << 20)
    size = 64 << 20
    info = tarfile.TarInfo("volume/large")
    info.size = size

    def pieces() -> Iterator[bytes]:
        yield info.tobuf()
        for _ in range(size // len(block)):
            yield block
        yield bytes(1024)

    tracemalloc.start()
    try:
        made = write_archive(tmp_path, "data", pieces())
        verify_archive(tmp_path, made)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.bytes == size
    assert peak < 24 << 20
