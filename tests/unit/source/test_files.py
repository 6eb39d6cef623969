from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from trees import where

from envman.diagnostics import EnvmanError
from envman.source.files import LARGEST, decode, explain_os_error, read_source, shown


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(EnvmanError) as caught:
        action()
    (one,) = caught.value.diagnostics
    place = f" {where(one.span)}" if one.span else ""
    return f"{one.code}{place} {one.message}"


def test_a_file_is_named_relative_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints/dev.yaml").write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\n")
    source = read_source(tmp_path / "blueprints/dev.yaml", root=tmp_path)
    assert (source.name, source.text, source.confidential) == ("blueprints/dev.yaml", "a: é\r\n", False)
    assert shown(Path("/elsewhere/x"), tmp_path) == "/elsewhere/x"


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(lambda: read_source(tmp_path / "x", root=tmp_path)) == "EV002 x: there is no such file"


def test_directory(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert refusal(lambda: read_source(tmp_path / "x", root=tmp_path)) == "EV002 x is not a regular file"


@pytest.mark.timeout(10)
def test_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    assert refusal(lambda: read_source(tmp_path / "x", root=tmp_path)) == "EV002 x is not a regular file"


def test_device(tmp_path: Path) -> None:
    assert refusal(lambda: read_source(Path("/dev/zero"), root=Path("/dev"))) == "EV002 zero is not a regular file"


def test_symlink_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "secret").write_text("a: b\n")
    (root / "x").symlink_to("../secret")
    told = refusal(lambda: read_source(root / "x", root=root))
    assert told == f"EV007 x leads out of the project, to {tmp_path / 'secret'}"


def test_folder_that_is_a_symlink_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x").write_text("a: b\n")
    (root / "blueprints").symlink_to(tmp_path / "other")
    assert refusal(lambda: read_source(root / "blueprints/x", root=root)).startswith("EV007 blueprints/x leads out")


def test_path_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "x").write_text("a: b\n")
    assert re.match("EV007 .*x leads out", refusal(lambda: read_source(root / "../x", root=root)))


def test_symlinks_within_the_root_and_to_it_are_fine(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "a").write_text("a: b\n")
    (root / "x").symlink_to("a")
    (tmp_path / "link").symlink_to("project")
    assert read_source(tmp_path / "link/x", root=tmp_path / "link").name == "x"


def test_symlink_to_itself(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("x")
    assert refusal(lambda: read_source(tmp_path / "x", root=tmp_path)).startswith("EV002 x: too many levels")


def test_too_large(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    told = refusal(lambda: read_source(tmp_path / "x", root=tmp_path))
    assert told == "EV110 x has 4,194,305 bytes; 4,194,304 are the most that envman reads"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "x").touch(mode=0o000)
    assert refusal(lambda: read_source(tmp_path / "x", root=tmp_path)) == "EV002 x: permission denied"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: b\nc: \xff\n", "EV002 2:4-5 x is not UTF-8"),
        (b"\xc3\xa9: \xe9\n", "EV002 1:4-5 x is not UTF-8"),
        (b"a: \xed\xa0\x80", "EV002 1:4-5 x is not UTF-8"),
        (b"\xff\xfea\x00", "EV002 1:1-2 x is not UTF-8"),
        (b"a: b\n\xc3\xa9: \x00\n", "EV002 2:4-5 x holds a NUL byte"),
    ],
)
def test_what_is_no_text(data: bytes, expected: str) -> None:
    assert refusal(lambda: decode(data, "x")) == expected


def test_reasons_of_the_operating_system_do_not_repeat_the_path() -> None:
    assert explain_os_error(OSError(5, "Input/output error", "/x")) == "input/output error"
    assert explain_os_error(OSError("odd")) == "odd"
