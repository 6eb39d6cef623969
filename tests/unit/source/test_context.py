"""What a build would send, and when that has changed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from envman.source.context import BuildInputs, FileHashes, build_inputs
from envman.source.ignore import read_patterns, sent_files
from envman.state.builds import BuildRecord, build_changes, read_build, read_hashes, write_build, write_hashes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "app/Dockerfile": "FROM busybox:1.37\n",
        "app/main.py": "print(1)\n",
        "app/notes.log": "x",
        "app/data/big.bin": "b",
        "app/data/keep.bin": "k",
        "app/sub/deep/main.py": "2",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def inputs(root: Path, build: Mapping[str, Any] | None = None, hashes: FileHashes | None = None) -> BuildInputs:
    return build_inputs({"context": "app", **(build or {})}, root, hashes or FileHashes())


def sent(root: Path, build: Mapping[str, Any] | None = None) -> list[str]:
    return sorted(inputs(root, build).files or {})


def test_everything_is_sent_but_what_is_ignored(root: Path) -> None:
    everything = ["Dockerfile", "data/big.bin", "data/keep.bin", "main.py", "notes.log", "sub/deep/main.py"]
    assert sent(root) == everything
    (root / "app/.dockerignore").write_text("# a comment\n*.log\ndata/*\n!data/keep.bin\n**/deep\n")
    assert sent(root) == [".dockerignore", "Dockerfile", "data/keep.bin", "main.py"]


def test_a_dockerfiles_own_ignore_file_goes_first(root: Path) -> None:
    (root / "app/.dockerignore").write_text("*.py\n")
    (root / "app/Dockerfile.dockerignore").write_text("data\nsub\nDockerfile.dockerignore\n")
    # Both files count, as a change of either may change what is sent.
    assert sent(root) == [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "main.py", "notes.log"]


def test_the_dockerfile_is_sent_although_everything_is_ignored(root: Path) -> None:
    (root / "app/.dockerignore").write_text("*\n!main.py\n")
    assert {"Dockerfile", "main.py"} <= set(sent(root))


def test_links_and_the_right_to_execute_count_and_times_do_not(root: Path) -> None:
    (root / "app/link").symlink_to("main.py")
    (root / "app/broken").symlink_to("/nowhere")
    before = inputs(root)
    assert before.files is not None
    assert (before.files["link"], before.files["broken"]) == ("link:main.py", "link:/nowhere")
    os.utime(root / "app/main.py", (1, 1))
    assert inputs(root) == before
    (root / "app/main.py").chmod(0o755)
    (root / "app/link").unlink()
    (root / "app/link").symlink_to("Dockerfile")
    after = inputs(root)
    assert after.files is not None
    assert sorted(name for name, one in after.files.items() if before.files[name] != one) == ["link", "main.py"]


def test_other_contexts_are_sent_under_their_names(root: Path) -> None:
    (root / "shared").mkdir()
    (root / "shared/lib.py").write_text("1")
    build = {"additional_contexts": {"lib": "./shared", "base": "docker-image://busybox:1.37", "x": "service:other"}}
    assert "lib:lib.py" in sent(root, build)
    assert inputs(root, {"context": "https://example.com/repo.git"}).files is None


def test_what_only_decides_how_to_build_is_no_input(root: Path) -> None:
    plain = inputs(root, {"args": {"A": "1"}})
    assert inputs(root, {"args": {"A": "1"}, "no_cache": True, "cache_from": ["x"], "tags": ["y"]}) == plain
    assert inputs(root, {"args": {"A": "2"}}) != plain


def test_hashes_are_kept_but_not_of_files_that_changed_just_now(root: Path) -> None:
    old = time.time() - 100
    for path in (root / "app").rglob("*"):
        os.utime(path, (old, old), follow_symlinks=False)
    (root / "app/main.py").write_text("print(2)\n")
    hashes = FileHashes()
    first = inputs(root, hashes=hashes)
    assert str(root / "app/main.py") not in hashes.fresh
    assert str(root / "app/Dockerfile") in hashes.fresh
    write_hashes(root / "state", hashes.fresh)
    again = FileHashes(read_hashes(root / "state"))
    assert inputs(root, hashes=again) == first
    # The content is believed by size, time and inode: only these are looked at.
    dockerfile = root / "app/Dockerfile"
    dockerfile.write_text("FROM busybox:1.36\n")
    os.utime(dockerfile, (old + 1, old + 1))
    assert inputs(root, hashes=FileHashes(read_hashes(root / "state"))) != first


IMAGE = "sha256:1"
FILES = {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}


@pytest.mark.parametrize(
    ("record", "definition", "files", "expected"),
    [
        (BuildRecord("x", IMAGE, {"context": "."}, FILES), {"context": "."}, FILES, ()),
        (None, {}, FILES, ("it is not known what its image was built from",)),
        (BuildRecord("x", "sha256:2", {}, FILES), {}, FILES, ("it is not known what its image was built from",)),
        (BuildRecord("x", IMAGE, {"target": "a"}, FILES), {}, FILES, ("build.target has changed",)),
        (BuildRecord("x", IMAGE, {}, FILES), {}, {**FILES, "b": "9"}, ("b changed since it was built",)),
        (BuildRecord("x", IMAGE, {}, FILES), {}, {**FILES, "f": "6"}, ("f changed since it was built",)),
        (BuildRecord("x", IMAGE, {}, FILES), {}, {}, ("a, b, c and 2 more changed since it was built",)),
        (BuildRecord("x", IMAGE, {}, None), {}, None, ()),
    ],
)
def test_why_an_image_would_come_out_different(
    record: BuildRecord | None, definition: dict[str, Any], files: dict[str, str] | None, expected: tuple[str, ...]
) -> None:
    assert build_changes(record, IMAGE, definition, files) == expected


PIN = {"python:3.13": "docker-image://python:3.13@sha256:" + "1" * 64}
OTHER = {"python:3.13": "docker-image://mirror/python:3.13@sha256:" + "1" * 64}
UNPINNED = {"python:3.13": "docker-image://mirror/python:3.13"}


@pytest.mark.parametrize(
    ("recorded", "pins", "expected"),
    [
        (PIN, PIN, ()),
        (PIN, OTHER, ()),
        (PIN, {}, ()),
        (PIN, UNPINNED, ()),
        ({}, UNPINNED, ()),
        ({}, PIN, ("it was built from another python:3.13 than the one that is locked",)),
        (UNPINNED, PIN, ("it was built from another python:3.13 than the one that is locked",)),
    ],
)
def test_of_pinned_bases_the_digest_counts(
    recorded: dict[str, str], pins: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert build_changes(BuildRecord("x", IMAGE, {}, FILES, recorded), IMAGE, {}, FILES, pins) == expected


def test_pins_are_no_part_of_the_definition(root: Path) -> None:
    build = {"context": "app", "additional_contexts": PIN}
    found = build_inputs(build, root, FileHashes(), pinned=PIN)
    plain = build_inputs({"context": "app"}, root, FileHashes())
    assert (found.definition, found.files, found.pins) == (plain.definition, plain.files, PIN)


def test_a_record_of_a_build_is_kept_by_reference(tmp_path: Path) -> None:
    record = BuildRecord("team/api:1", IMAGE, {"context": "."}, FILES)
    write_build(tmp_path, record)
    assert read_build(tmp_path, "team/api:1") == record
    assert read_build(tmp_path, "team/api:2") is None


@pytest.mark.parametrize(
    "text",
    [
        "*.log", "**/*.log", "data", "data/", "/data", "./data", "data/*", "*/*.bin", "**", "**/deep", "sub/**", "su?",
        "[ds]*", "data\n!data/keep.bin", "*\n!main.py", "**\n!sub/deep/main.py", "!main.py", "a\\*b", "sub/../data",
        "main.py\n!main.py\nmain.py", "# main.py\n\n  data  ", "d*a/b*", "**/main.py\n!sub", "$.log\n+.log", "sub/deep/**/main.py",
    ],
)  # fmt: skip
def test_it_ignores_what_the_docker_sdk_ignores(root: Path, text: str) -> None:
    from docker.utils.build import exclude_paths

    patterns = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    theirs = {one for one in exclude_paths(str(root / "app"), patterns) if not (root / "app" / one).is_dir()}
    ours = set(sent_files(root / "app", read_patterns(text)))
    # The SDK always sends these two, here that is the caller's affair.
    assert ours - {"Dockerfile"} == theirs - {"Dockerfile"}


def test_a_class_of_characters_is_turned_round_as_in_go(root: Path) -> None:
    # The SDK takes the ^ for one of the characters.
    assert set(sent_files(root / "app", read_patterns("[^d]*"))) == {"data/big.bin", "data/keep.bin"}
