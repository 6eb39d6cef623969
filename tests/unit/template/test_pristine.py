from __future__ import annotations

import io
import lzma
import subprocess
import tarfile
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.template.pristine import (
    MOST_BYTES,
    MOST_FILES,
    PRISTINE_FILE,
    File,
    digest_of,
    is_inside,
    pack,
    read_files,
    read_pristine,
    write_files,
)
from envman.template.record import Record

FILES = {"b/run": File(b"#!/bin/sh\n", executable=True), "a": File(b"\0\xff"), "ü": File(b"")}


def record_of(files: dict[str, File]) -> Record:
    return Record(template="t", version="1", digest=digest_of(files))


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for member, content in members:
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return lzma.compress(buffer.getvalue())


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    (tmp_path / PRISTINE_FILE).write_bytes(pack(FILES))
    assert read_pristine(tmp_path, record_of(FILES)) == FILES


def test_the_order_makes_no_difference() -> None:
    reversed_files = dict(reversed(FILES.items()))
    assert pack(reversed_files) == pack(FILES)
    assert digest_of(reversed_files) == digest_of(FILES)


@pytest.mark.parametrize(
    "other",
    [{"a": File(b"x")}, {"b": File(b"")}, {"a": File(b"", executable=True)}, {"a": File(b""), "b": File(b"")}, {}],
)
def test_every_difference_is_in_the_digest(other: dict[str, File]) -> None:
    assert digest_of(other) != digest_of({"a": File(b"")})


def test_anybody_can_look_into_it(tmp_path: Path) -> None:
    (tmp_path / PRISTINE_FILE).write_bytes(pack(FILES))
    with tarfile.open(tmp_path / PRISTINE_FILE) as made:
        assert made.getnames() == ["a", "b/run", "ü"]
        assert made.getmember("b/run").mode == 0o755
        assert made.getmember("a").uname == ""


def test_files_and_rights_come_back(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / "link").symlink_to("a")
    assert read_files(tmp_path) == FILES


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    made.linkname = link
    return made


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        pack(FILES)[:-20],
        lzma.compress(b"no tar" * 200),
        archive((member("../evil"), b"x")),
        archive((member("/etc/evil"), b"x")),
        archive((member(".git/hooks/pre-commit"), b"x")),
        archive((member("link", tarfile.SYMTYPE, "/etc/passwd"), b"")),
        archive((member("a"), b"x"), (member("a"), b"y")),
        archive(*((member(str(number)), b"") for number in range(MOST_FILES + 1))),
        lzma.compress(b"\0" * (MOST_BYTES + 1), preset=0),
        pack({"other": File(b"")}),
    ],
    ids=["empty", "other", "cut", "no tar", "up", "absolute", "git", "link", "twice", "many", "large", "another"],
)
def test_what_cannot_be_trusted_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PRISTINE_FILE).write_bytes(content)
    with pytest.raises(EnvmanError) as caught:
        read_pristine(tmp_path, record_of(FILES))
    assert caught.value.diagnostics[0].code == "EV706"
    assert not (tmp_path.parent / "evil").exists()


def test_a_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        read_pristine(tmp_path, record_of(FILES))
    assert "there is no such file" in caught.value.diagnostics[0].message


@pytest.mark.parametrize("path", ["a", "a/b.c", ".github/x", "ü b", "a..b/c"])
def test_paths_of_a_project(path: str) -> None:
    assert is_inside(path)


@pytest.mark.parametrize(
    "path", ["", ".", "..", "a/../b", "/a", "a//b", "./a", "a/", "a\nb", ".git", ".GIT/x", "a/.git/b", "a\\b"]
)
def test_paths_out_of_it(path: str) -> None:
    assert not is_inside(path)


def test_tar_itself_reads_it(tmp_path: Path) -> None:
    (tmp_path / PRISTINE_FILE).write_bytes(pack({"b/run": FILES["b/run"]}))
    done = subprocess.run(
        ["tar", "--extract", "--xz", "--to-stdout", "--file", PRISTINE_FILE],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if b"xz: " in done.stderr:
        pytest.skip("there is no xz")
    assert done.stdout == b"#!/bin/sh\n"
