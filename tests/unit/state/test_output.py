"""Where a user says that something is to be written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from envman.diagnostics import EnvmanError
from envman.state.output import write_output

TEXT = "services: {}\n" * 10_000


def test_a_file_is_written_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    new, old = tmp_path / "deep/new", tmp_path / "old"
    old.write_text("before")
    old.chmod(0o600)
    before = old.stat().st_ino
    assert write_output(new, TEXT)
    assert write_output(old, TEXT)
    assert (new.read_text(), old.read_text()) == (TEXT, TEXT)
    assert (stat.S_IMODE(new.stat().st_mode), stat.S_IMODE(old.stat().st_mode)) == (0o644, 0o600)
    assert old.stat().st_ino != before


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "folder/target"
    target.parent.mkdir()
    link.symlink_to(target)
    assert write_output(link, TEXT)
    assert link.is_symlink()
    assert target.read_text() == TEXT


def test_a_pipe_gets_the_text_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said: list[str] = []
    reader = Thread(target=lambda: said.append(pipe.read_text()))
    reader.start()
    assert not write_output(pipe, TEXT)
    reader.join(30)
    assert said == [TEXT]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_device_stays_one() -> None:
    assert not write_output(Path(os.devnull), TEXT)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_full_disk_behind_a_device_is_said() -> None:
    with pytest.raises(EnvmanError) as raised:
        write_output(Path("/dev/full"), TEXT)
    assert raised.value.diagnostics[0].code == "EV008"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("where", ["pipe", "file"])
def test_what_is_open_already_is_written_on(name: str, where: str, tmp_path: Path) -> None:
    script = (
        f"from pathlib import Path; from envman.state.output import write_output; write_output(Path({name!r}), 'x')"
    )
    log = tmp_path / "log"
    log.write_text("before ")
    with log.open("a") as file:
        done = subprocess.run(
            [sys.executable, "-c", script], stdout=file if where == "file" else subprocess.PIPE, check=True, text=True
        )
    assert (done.stdout, log.read_text()) == ((None, "before x") if where == "file" else ("x", "before "))


@pytest.mark.parametrize("name", ["/dev/fd/999", "folder"])
def test_what_cannot_be_written_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(EnvmanError) as raised:
        write_output(tmp_path / name, TEXT)
    assert raised.value.diagnostics[0].code == "EV008"
    assert (tmp_path / "folder").is_dir()
