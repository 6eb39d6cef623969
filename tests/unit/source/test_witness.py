"""What is looked at is recorded, and what cannot be recorded is known."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from envman.source.places import status
from envman.source.witness import UNRECORDED, WatchedEnviron, Witness, note_read, read_plain, watched

PACKAGE = Path(__file__).resolve().parents[3] / "envman"
# Where a render looks at files: by methods of the paths that it was given, or through `note_read`.
ON_THE_WAY = ["source", "language", "model", "checks", "render", "project.py", "secrets", "operations/workspace.py"]
PAST_A_PATH = {"exists", "isfile", "isdir", "lexists", "stat", "lstat", "access", "scandir", "listdir", "open", "walk"}
PAST_A_PATH |= {"realpath", "islink", "ismount", "getsize", "getmtime", "samefile", "readlink", "getenv"}
# Where a path really lies is recorded with what was read there.
MAY = {
    "source/files.py": {"open", "realpath"},
    "checks/files.py": {"realpath"},
    "source/witness.py": {"stat", "open", "realpath"},
}
# What is measured as a whole is recorded as a whole: by what came out of it (`source/measure.py`).
MEASURED = {"source/context.py", "source/ignore.py"}
# The part of a status that a record has.
RECORDED = {"st_mode", "st_uid", "st_gid"}


@pytest.fixture
def witness() -> Witness:
    return Witness(b"key")


def holds(witness: Witness, environ: dict[str, str] | None = None) -> bool:
    assert witness.complete
    return Witness(b"key").still_holds(witness.held(), environ or {})


def test_a_file_that_was_read(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\r\n", newline="")
    path = watched(tmp_path, witness) / "a"
    assert (path.read_text(), path.read_bytes()) == ("1\n", b"1\r\n")
    assert holds(witness)
    (tmp_path / "a").write_text("2\r\n")
    assert not holds(witness)


def test_a_file_that_was_not_there(witness: Witness, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        (watched(tmp_path, witness) / "a").read_text()
    assert holds(witness)
    (tmp_path / "a").write_text("")
    assert not holds(witness)


@pytest.mark.parametrize("look", ["exists", "is_file", "is_dir", "stat"])
def test_rights_that_change(witness: Witness, tmp_path: Path, look: str) -> None:
    (tmp_path / "a").write_text("1")
    getattr(watched(tmp_path, witness) / "a", look)()
    assert holds(witness)
    (tmp_path / "a").chmod(0o600)
    assert not holds(witness)


def test_a_look_at_a_link_itself(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("nowhere")
    path = watched(tmp_path, witness)
    path.joinpath("a").stat(follow_symlinks=False)
    with pytest.raises(FileNotFoundError):
        path.joinpath("b").stat(follow_symlinks=False)
    (tmp_path / "nowhere").write_text("")
    assert holds(witness)
    (tmp_path / "b").symlink_to("elsewhere")
    assert not holds(witness)


def test_another_users_home_cannot_be_recorded(witness: Witness, tmp_path: Path) -> None:
    root = watched(tmp_path, witness)
    assert status(root, "~/nothing-of-this-name") is None
    assert witness.complete
    assert status(root, "~root/nothing-of-this-name") is None
    assert not witness.complete


@pytest.mark.parametrize("look", ["exists", "is_file", "is_dir", "stat"])
def test_a_look_without_opening(witness: Witness, tmp_path: Path, look: str) -> None:
    (tmp_path / "a").write_text("1")
    getattr(watched(tmp_path, witness) / "a", look)()
    (tmp_path / "a").write_text("2")
    assert holds(witness)
    (tmp_path / "a").unlink()
    (tmp_path / "a").mkdir()
    assert not holds(witness)


def test_the_looks_say_what_a_plain_path_says(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder", "absent"):
        plain, recorded = tmp_path / name, watched(tmp_path, witness) / name
        assert [recorded.exists(), recorded.is_file(), recorded.is_dir()] == [
            plain.exists(),
            plain.is_file(),
            plain.is_dir(),
        ]
        assert recorded == plain


def test_a_listing(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    assert [path.name for path in watched(tmp_path, witness).glob("*.yaml")] == ["a.yaml"]
    (tmp_path / "b.txt").write_text("")
    assert holds(witness)
    (tmp_path / "b.yaml").write_text("")
    assert not holds(witness)


def test_a_file_read_by_a_descriptor(witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    note_read(watched(tmp_path, witness) / "a", b"1")
    note_read(tmp_path / "unwatched", b"")
    assert holds(witness)
    (tmp_path / "b").write_text("1")
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("b")
    assert not holds(witness)  # the same text, but from another file


def test_variables(witness: Witness) -> None:
    environ = {"A": "1", "B": "2"}
    recorded = WatchedEnviron(environ, witness)
    assert (recorded.get("A"), recorded.get("C"), "D" in recorded) == ("1", None, False)
    assert holds(witness, environ)
    assert holds(witness, {**environ, "B": "3"})
    assert not holds(witness, {**environ, "A": "2"})
    assert not holds(witness, {**environ, "C": ""})
    assert not holds(witness, {**environ, "D": ""})


def test_all_variables_at_once(witness: Witness) -> None:
    assert dict(WatchedEnviron({"A": "1"}, witness)) == {"A": "1"}
    assert holds(witness, {"A": "1"})
    assert not holds(witness, {"A": "1", "B": "2"})


@pytest.mark.parametrize("name", [name for name in UNRECORDED if hasattr(Path, name)])
def test_what_is_not_recorded_is_known(witness: Witness, tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_text("1")
    path = watched(tmp_path, witness) / ("" if name in {"iterdir", "rglob", "walk"} else "a")
    arguments: list[object] = [path] if name == "samefile" else ["*"] if name == "rglob" else []
    try:
        looked = getattr(path, name)(*arguments)
        if name == "open":
            looked.close()
    except OSError:
        assert name == "readlink"
    assert not witness.complete


def test_what_changes_under_way_is_known(witness: Witness, tmp_path: Path) -> None:
    path = watched(tmp_path, witness) / "a"
    assert not path.exists()
    (tmp_path / "a").write_text("1")
    assert path.exists()
    assert not witness.complete


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    assert read_plain(tmp_path / "a") is None


def test_nothing_on_the_way_to_a_render_looks_past_its_path() -> None:
    for part in ON_THE_WAY:
        paths = [PACKAGE / part] if part.endswith(".py") else sorted((PACKAGE / part).rglob("*.py"))
        for path in (one for one in paths if str(one.relative_to(PACKAGE)) not in MEASURED):
            allowed = MAY.get(str(path.relative_to(PACKAGE)), set())
            own = str(path.relative_to(PACKAGE)) in {"source/files.py", "source/witness.py"}
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr.startswith("st_") and not own:
                    assert node.attr in RECORDED, f"{path}:{node.lineno}: {node.attr}"
                assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ"), path
                function = node.func if isinstance(node, ast.Call) else None
                name = function.id if isinstance(function, ast.Name) else ""
                if isinstance(function, ast.Attribute) and ast.unparse(function.value) in {"os", "os.path"}:
                    name = function.attr
                assert name not in PAST_A_PATH - allowed, f"{path}:{function and function.lineno}: {name}()"
