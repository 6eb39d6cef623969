from __future__ import annotations

import json
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.snapshot.archive import Archive, FileArchive
from envman.snapshot.manifest import (
    BrokenManifestError,
    Dump,
    Manifest,
    Place,
    VolumeCopy,
    _seal,
    manifest_text,
    read_manifest,
)
from envman.snapshot.shelf import Shelf

ARCHIVE = Archive("data.tar.zst", 10, 5, "a" * 64)
FILES = FileArchive(ARCHIVE, Archive("data.index.zst", 4, 3, "b" * 64), 1, 4, "c" * 64)


def manifest(name: str = "one") -> Manifest:
    return Manifest(
        name=name,
        project="churn",
        environment="dev",
        created=1.5,
        reason="asked for",
        envman="0.1.0",
        blueprint="d" * 64,
        volumes=(
            VolumeCopy("data", "churn-dev_data", "db paused", FILES, way="tar", not_carried=("sockets",)),
            VolumeCopy("notes", "churn-dev_notes", "the snapshot hook of api was run", dump="api"),
            VolumeCopy("db.2:/old", "f" * 64, "db paused", FILES, way="tar", place=Place("db", 2, "/old")),
        ),
        dumps=(Dump("api", ("dump", "all"), Archive("api.dump.zst", 1, 1, "e" * 64)),),
        images={"db": {"reference": "db:1", "id": "sha256:f", "digests": []}},
    )


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert read_manifest(manifest_text(manifest())) == manifest()
    assert manifest().stored == 17
    assert manifest().dump_of("api") is not None


def test_a_manifest_from_before_anonymous_volumes_is_read() -> None:
    data = json.loads(manifest_text(manifest()))
    del data["seal"]
    data["format"] = 1
    data["volumes"] = [{key: one[key] for key in one if key != "place"} for one in data["volumes"][:2]]
    read = read_manifest(json.dumps({**data, "seal": _seal(data)}))
    assert read.volumes == manifest().volumes[:2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a manifest"),
        ("[]", "not a manifest"),
        ("{}", "not a manifest"),
        (manifest_text(manifest()).replace("db paused", "db paused!"), "its seal is wrong"),
        (manifest_text(manifest()).replace('"format": 2', '"format": 3'), "a newer envman"),
        (manifest_text(manifest())[:-40], "not a manifest"),
    ],
)
def test_any_other_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BrokenManifestError, match=reason):
        read_manifest(text)


def test_a_sealed_manifest_of_another_shape_is_refused() -> None:
    from envman.snapshot.manifest import _seal

    data = json.loads(manifest_text(manifest()))
    del data["seal"]
    data["volumes"] = [{"key": "data"}]
    with pytest.raises(BrokenManifestError, match="not a manifest"):
        read_manifest(json.dumps({**data, "seal": _seal(data)}))


def test_only_what_is_whole_is_listed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "dev", "dev")
    assert shelf.names() == []
    unfinished = shelf.begin("one")
    assert shelf.names() == []
    shelf.commit(unfinished, manifest())
    assert shelf.names() == ["one"]
    assert shelf.read("one") == manifest()
    assert (tmp_path / "dev").stat().st_mode & 0o777 == 0o700
    shelf.begin("two")
    assert shelf.sweep() == ["two"]
    assert [path.name for path in shelf.folder.iterdir()] == ["one"]
    shelf.delete("one")
    assert list(shelf.folder.iterdir()) == []


@pytest.mark.parametrize(("name", "code"), [("one", "EV641"), (".hidden", "EV004"), ("../up", "EV004"), ("", "EV004")])
def test_names_that_will_not_do(tmp_path: Path, name: str, code: str) -> None:
    shelf = Shelf(tmp_path / "dev", "dev")
    shelf.commit(shelf.begin("one"), manifest())
    with pytest.raises(EnvmanError) as caught:
        shelf.check_free(name)
    assert caught.value.diagnostics[0].code == code


def test_what_is_not_there_or_damaged_is_said(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "dev", "dev")
    path = shelf.commit(shelf.begin("one"), manifest())
    with pytest.raises(EnvmanError) as caught:
        shelf.read("onne")
    assert (caught.value.diagnostics[0].code, caught.value.diagnostics[0].expected) == ("EV640", 'did you mean "one"?')
    (path / "manifest.json").write_bytes(b"\xff")
    with pytest.raises(
        EnvmanError, match=r"EV643: the manifest of snapshot one of dev is damaged: manifest\.json is not UTF-8"
    ):
        shelf.read("one")
    (path / "manifest.json").unlink()
    with pytest.raises(EnvmanError, match="EV643"):
        shelf.read("one")
