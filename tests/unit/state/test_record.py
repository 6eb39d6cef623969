"""Records of the state folder: a damaged one is refused, and never taken for none."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.builds import BuildRecord, made_images, read_build, read_builds, remember_made, write_build
from envman.state.copying import Copying, read_copying, write_copying
from envman.state.definitions import Definitions, read_definitions, write_definitions
from envman.state.journal import SwitchEntry, interrupted_switch, record
from envman.state.ports import read_ports, write_ports
from envman.state.pushed import Push, read_pushes, remember_push
from envman.state.record import Record
from envman.state.reproductions import Reproduced, read_reproduced, write_reproduced
from envman.state.selection import Selection, read_selection, write_selection


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    numbers: tuple[int, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


NOTES: Record[Note] = Record(Note, "remove PATH")
# Names that a file system allows and UTF-8 does not.
NOTE = Note("a\udcff", (1, 2), {"b\udcff": "c"})


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state" / "note.json"
    assert NOTES.read(path) is None
    NOTES.write(path, NOTE)
    assert NOTES.read(path) == NOTE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_record_of_an_older_envman_has_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "note.json").write_text('{"text": "a"}')
    assert NOTES.read(tmp_path / "note.json") == Note("a")


def test_any_changed_byte_of_a_record_is_found(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    NOTES.write(path, NOTE)
    good = path.read_bytes().rstrip()
    for position in range(len(good)):
        for bad in (good[:position], good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :]):
            path.write_bytes(bad)
            with pytest.raises(EnvmanError, match="EV509"):
                NOTES.read(path)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link(path: Path) -> None:
    path.with_name("elsewhere").write_text('{"text": "a"}')
    path.symlink_to("elsewhere")


def text(content: str) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.write_text(content)

    return put


DAMAGE = {
    "empty": text(""),
    "cut off": text('{"sha256": "0", "record": {"te'),
    "another checksum": text('{"sha256": "0", "record": {"text": "a"}}'),
    "another type": text("[[1]]"),
    "null": text("null"),
    "no fields": text("{}"),
    "a field of another type": text('{"text": 1}'),
    "a field of a newer envman": text('{"text": "a", "guards": true}'),
    "deep": text("[" * 200_000),
    "deep and closed": text('{"text": ' + "[" * 50_000 + "]" * 50_000 + "}"),
    "a folder": Path.mkdir,
    "a FIFO": fifo,
    "a link to a device": device,
    "a link to a file": link,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_a_diagnostic_that_names_the_file_and_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "note.json"
    DAMAGE[damage](path)
    with pytest.raises(EnvmanError) as caught:
        NOTES.read(path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "EV509"
    assert str(path) in diagnostic.message
    assert diagnostic.help == f"remove {path}"


BUILD = BuildRecord("app:dev", "sha256:1", {"context": "."}, {"a": "1"})
RECORDS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "switch": (
        lambda state: record(state, SwitchEntry("switch", "dev", containers={"c": "healthy"}, kept=("k",))),
        interrupted_switch,
    ),
    "copying": (lambda state: write_copying(state, Copying("dev", "one")), lambda state: read_copying(state, "dev")),
    "reproductions": (
        lambda state: write_reproduced(state, Reproduced("dev", ("v",))),
        lambda state: read_reproduced(state, "dev"),
    ),
    "selection": (lambda state: write_selection(state, Selection("dev")), read_selection),
    "ports": (lambda state: write_ports(state, "dev", {("api", "http"): 20000}), read_ports),
    "definitions": (
        lambda state: write_definitions(state, "dev", Definitions({"a": {"image": "b"}})),
        lambda state: read_definitions(state, "dev"),
    ),
    "pushed": (lambda state: remember_push(state, Push("app:dev", "sha256:1", "sha256:2", 1.0)), read_pushes),
    "build": (lambda state: write_build(state, BUILD), lambda state: read_build(state, "app:dev")),
    "builds": (lambda state: write_build(state, BUILD), read_builds),
    "made": (lambda state: remember_made(state, ["sha256:1"]), made_images),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_every_record_of_the_state_folder_is_refused_when_it_is_cut_off(tmp_path: Path, kind: str) -> None:
    write, read = RECORDS[kind]
    nothing = read(tmp_path)
    write(tmp_path)
    assert read(tmp_path) != nothing
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(EnvmanError, match="EV509"):
        read(tmp_path)
