from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.atomic import private_folder, write_if_changed, write_new, write_whole
from envman.state.journal import Entry, forget, interrupted, journalled, record
from envman.state.lock import exclusive
from envman.state.selection import Selection, read_selection, write_selection


def test_a_file_is_written_whole_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    write_whole(target, "text\n", mode=0o600)
    assert target.read_text() == "text\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(EnvmanError) as caught:
        write_whole(tmp_path / "folder", "text")
    assert caught.value.diagnostics[0].code == "EV008"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "file"
    assert write_if_changed(target, "one")
    os.utime(target, (1, 1))
    assert not write_if_changed(target, "one")
    assert target.stat().st_mtime == 1
    assert write_if_changed(target, "two")


def test_the_journal_remembers_what_a_killed_run_began(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from envman.state.journal import Entry, journalled\n"
        "with journalled(Path(sys.argv[1]), Entry('up', 'dev')):\n    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    entry = interrupted(tmp_path)
    assert entry is not None
    assert entry.describe() == "`up dev` was interrupted (begun)"
    forget(tmp_path)
    assert interrupted(tmp_path) is None


def test_the_journal_is_empty_after_a_run_that_ended(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), journalled(tmp_path, Entry("up", "dev")):
        raise RuntimeError
    assert interrupted(tmp_path) is None


def test_a_damaged_journal_still_says_that_something_was_interrupted(tmp_path: Path) -> None:
    record(tmp_path, Entry("switch", "staging", "starting", "dev"))
    (tmp_path / "journal.json").write_text('{"verb": "up"}')
    entry = interrupted(tmp_path)
    assert entry is not None
    assert entry.describe() == "`an earlier command` was interrupted (its record is damaged)"


def test_the_second_envman_learns_who_holds_the_lock(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        exclusive(tmp_path, "envman up dev", wait=0, waiting=told.append),
        pytest.raises(EnvmanError) as caught,
        exclusive(tmp_path, "x", wait=0.1, waiting=told.append),
    ):
        pass
    assert caught.value.diagnostics[0].message == f"envman up dev (pid {os.getpid()}) is at work on this checkout"
    assert told == [f"envman up dev (pid {os.getpid()})"]


def test_a_killed_envman_leaves_no_lock(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom envman.state.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1]), 'gone', wait=0, waiting=print):\n    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    entered = False
    with exclusive(tmp_path, "next", wait=0, waiting=lambda _: None):
        entered = True
    assert entered


def test_the_chosen_environment_is_remembered(tmp_path: Path) -> None:
    assert read_selection(tmp_path) == Selection()
    write_selection(tmp_path, Selection("dev", "two"))
    assert read_selection(tmp_path) == Selection("dev", "two")


def test_of_several_processes_one_writes_a_first_file(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom envman.state.atomic import write_new\n"
        "path = Path(sys.argv[1])\nsys.stdin.read()\n"
        "print(write_new(path, str(os.getpid())), path.read_text())\n"
    )
    argv = [sys.executable, "-c", program, str(tmp_path / "file")]
    many = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    told = []
    for process in many:
        assert process.stdin is not None
        process.stdin.close()
    for process in many:
        assert process.stdout is not None
        told.append(process.stdout.read().split())
        process.wait()
        process.stdout.close()
    assert sorted(written for written, _ in told) == ["False"] * 7 + ["True"]
    assert {content for _, content in told} == {(tmp_path / "file").read_text()}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277])
def test_the_umask_decides_no_mode(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        private_folder(tmp_path / "state" / "shop" / "secrets", below=tmp_path / "state")
        write_whole(tmp_path / "state" / "shop" / "record", "", mode=0o600)
        write_new(tmp_path / "state" / "shop" / "key", "", mode=0o400)
    finally:
        os.umask(before)
    found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").rglob("*")}
    assert found == {"shop": 0o700, "secrets": 0o700, "record": 0o600, "key": 0o400}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
