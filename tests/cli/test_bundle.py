"""Bundles as they are made and looked at: with a real registry, and no engine."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import FakeBundle
from called import Envman
from real_registry import RealRegistry, tiny_image, tiny_index


@pytest.fixture
def registry() -> Iterator[RealRegistry]:
    with RealRegistry() as made:
        yield made


@pytest.fixture
def locked(envman: Envman, project: Path, registry: RealRegistry) -> Path:
    """A locked environment `live` of two images that share a layer; a bundle of it goes to the path returned."""
    registry.push(tiny_image("app"), "team/app", "1")
    registry.push(tiny_index("db"), "team/db", "17")
    (project / "blueprints/live.yaml").write_text(
        f"""\
variables:
  level: {{type: string, default: info, env: LEVEL}}
services:
  app:
    image: "{registry.name("team/app", "1")}"
    environment: {{LEVEL: "${{level}}"}}
    env_file: app.env
    secrets: [token]
  db:
    image: "{registry.name("team/db", "17")}"
secrets:
  token: {{source: generate}}
"""
    )
    (project / "app.env").write_text("MODE=fast\nAPI_TOKEN=hunter2\n")
    (project / ".env").write_text("LEVEL=debug\nDB_PASSWORD=hunter2\n")
    envman("lock", "live")
    return project.parent / "live.bundle"


def names(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return archive.getnames()


def test_a_bundle_is_made_without_an_engine(envman: Envman, locked: Path) -> None:
    ended = envman("bundle", "live", "-o", str(locked))
    digest = hashlib.sha256(locked.read_bytes()).hexdigest()
    assert f"SHA-256 {digest}" in ended.out
    assert {"project/envman.yaml", "project/blueprints/live.yaml", "project/blueprints/live.lock"} <= set(names(locked))
    assert "project/blueprints/prod.yaml" not in names(locked)
    assert b"hunter2" not in locked.read_bytes()
    assert "app.env: values that may be secrets (API_TOKEN)" in ended.out
    assert locked.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in locked.parent.iterdir()) == ["live.bundle", "project"]


def test_the_manifests_are_the_registrys_own(
    envman: Envman, locked: Path, registry: RealRegistry, project: Path
) -> None:
    envman("bundle", "live", "-o", str(locked))
    assert f"blobs/sha256/{registry.digest('team/app', '1').removeprefix('sha256:')}" in names(locked)
    with tarfile.open(locked) as archive:
        index = json.load(archive.extractfile("index.json") or pytest.fail("there is no index"))
    assert {one["platform"]["architecture"] for one in index["manifests"]} == {"amd64"}
    # An index names the platforms that are not in the bundle; the lock has its digest.
    assert registry.digest("team/db", "17") in (project / "blueprints/live.lock").read_text()


def test_the_same_is_the_same_to_the_byte(envman: Envman, locked: Path, project: Path) -> None:
    envman("bundle", "live", "-o", str(locked))
    first = locked.read_bytes()
    for path in project.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    elsewhere = project.rename(project.parent / "moved")
    os.chdir(elsewhere)
    envman("--directory", str(elsewhere), "bundle", "create", "live", "--output", str(locked))
    assert locked.read_bytes() == first


def test_another_platform_is_another_bundle(envman: Envman, locked: Path, registry: RealRegistry) -> None:
    ended = envman("--format", "concise", "bundle", "live", "-o", str(locked), "--platform", "linux/arm64", status=1)
    assert "EV682" in ended.err
    assert f"{registry.name('team/app', '1')} for linux/arm64" in ended.err
    assert not locked.exists()


def test_an_environment_that_is_not_locked_is_refused(envman: Envman, project: Path) -> None:
    ended = envman("bundle", "dev", "-o", str(project / "it"), status=1)
    assert "EV532" in ended.err
    assert "`envman lock dev` writes one" in ended.err


def test_an_environment_that_is_not_as_it_was_locked_is_refused(envman: Envman, locked: Path, project: Path) -> None:
    (project / ".env").write_text("LEVEL=warning\n")
    ended = envman("bundle", "live", "-o", str(locked), status=1)
    assert 'variable level is "warning" from .env; the lock has "debug"' in ended.err
    assert not locked.exists()


def test_an_image_that_is_nowhere_is_named(envman: Envman, locked: Path, registry: RealRegistry) -> None:
    registry.delete("team/app", registry.digest("team/app", "1"))
    ended = envman("bundle", "live", "-o", str(locked), status=1)
    assert f"{registry.name('team/app', '1')} is neither in its registry nor on the engine" in ended.err
    assert not locked.exists()


def test_a_registry_that_is_away_is_named(envman: Envman, locked: Path, registry: RealRegistry) -> None:
    registry.stop()
    ended = envman("bundle", "live", "-o", str(locked), status=1)
    assert "EV681" in ended.err
    assert registry.address in ended.err
    assert sorted(path.name for path in locked.parent.iterdir()) == ["project"]


def test_a_secret_in_a_blueprint_is_pointed_out(envman: Envman, locked: Path, project: Path) -> None:
    blueprint = project / "blueprints/live.yaml"
    blueprint.write_text(blueprint.read_text().replace("{LEVEL:", "{DB_PASSWORD: hunter2, LEVEL:"))
    envman("lock", "live")
    ended = envman("bundle", "live", "-o", str(locked))
    assert "warning[EV690]: services.app.environment.DB_PASSWORD looks like a secret" in ended.err


def test_a_file_that_is_no_bundle_is_not_replaced(envman: Envman, locked: Path) -> None:
    locked.write_text("precious\n")
    assert "is there already, and is no bundle" in envman("bundle", "live", "-o", str(locked), status=1).err
    assert locked.read_text() == "precious\n"
    locked.unlink()
    envman("bundle", "live", "-o", str(locked))
    envman("bundle", "live", "-o", str(locked))


@pytest.mark.parametrize("output", [".", "no/such/folder/it"])
def test_a_file_that_cannot_be_is_refused(envman: Envman, locked: Path, output: str) -> None:
    assert "EV683" in envman("bundle", "live", "-o", output, status=1).err


def test_a_bundle_does_not_take_the_place_of_a_pipe_or_a_device(envman: Envman, locked: Path) -> None:
    os.mkfifo(locked)
    for output in (os.devnull, str(locked)):
        refused = envman("bundle", "live", "-o", output, status=1).err
        assert f"error[EV683]: {output} is a pipe or a device" in refused
    assert not Path(os.devnull).is_file()
    assert locked.is_fifo()
    assert "a bundle is written whole" in envman("bundle", "live", "-o", "-", status=2).err


def test_a_bundle_can_be_shown(envman: Envman, locked: Path, registry: RealRegistry) -> None:
    made = envman("--format", "json", "bundle", "live", "-o", str(locked)).document["result"]
    shown = envman("--format", "json", "bundle", "show", str(locked)).document["result"]
    assert {name: value for name, value in made.items() if name not in {"file", "size", "sha256"}} == shown
    assert made["size"] == locked.stat().st_size
    assert made["sha256"] == hashlib.sha256(locked.read_bytes()).hexdigest()
    assert [one["tags"] for one in shown["images"]] == [
        [registry.name("team/app", "1")], [registry.name("team/db", "17")],
    ]  # fmt: skip
    assert shown["platform"] == "linux/amd64"
    assert "verified: all of it is as it was written" in envman("bundle", "show", str(locked), "--verify").out


def test_what_is_damaged_is_found_before_an_engine_is_asked(envman: Envman, locked: Path, project: Path) -> None:
    envman("bundle", "live", "-o", str(locked))
    data = bytearray(locked.read_bytes())
    data[len(data) // 3] ^= 1
    locked.write_bytes(data)
    ended = envman("bundle", "load", str(locked), "--into", str(project / "there"), status=1)
    assert "EV684" in ended.err
    assert "nothing was loaded" in ended.err
    assert not (project / "there").exists()
    assert "EV684" in envman("bundle", "show", str(locked), "--verify", status=1).err


def test_another_file_than_the_one_expected_is_refused(envman: Envman, tmp_path: Path) -> None:
    path = FakeBundle().write(tmp_path / "it.bundle")
    ended = envman("bundle", "load", str(path), "--sha256", "0" * 64, status=1)
    assert "EV691" in ended.err
    assert hashlib.sha256(path.read_bytes()).hexdigest() in ended.err


def test_without_an_engine_nothing_is_left(envman: Envman, tmp_path: Path, project: Path) -> None:
    path = FakeBundle().write(tmp_path / "it.bundle")
    right = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    ended = envman("bundle", "load", str(path), "--into", str(project / "a/b"), "--sha256", right, status=3)
    assert "EV401" in ended.err
    assert list((project / "a").iterdir()) == []


def test_a_folder_that_is_not_empty_is_refused(envman: Envman, tmp_path: Path, project: Path) -> None:
    path = FakeBundle().write(tmp_path / "it.bundle")
    before = sorted(project.rglob("*"))
    assert "EV688" in envman("bundle", "load", str(path), "--into", str(project), status=1).err
    assert "EV688" in envman("bundle", "load", str(path), "--into", str(project / "envman.yaml"), status=1).err
    assert sorted(project.rglob("*")) == before


def test_an_environment_may_be_called_like_a_command(envman: Envman, project: Path) -> None:
    (project / "blueprints/show.yaml").write_text("extends: base\n")
    assert "show has no lock" in envman("bundle", "create", "show", "-o", "it", status=1).err
    assert "EV002" in envman("bundle", "show", "show", status=1).err


def test_options_may_come_first(envman: Envman) -> None:
    assert "dev has no lock" in envman("bundle", "-o", "it", "dev", status=1).err
    envman("use", "dev")
    assert "dev has no lock" in envman("bundle", "--output", "it", status=1).err
    assert "Missing option" in envman("bundle", "dev", status=2).err
    assert "load" in envman("bundle", "--help").out
