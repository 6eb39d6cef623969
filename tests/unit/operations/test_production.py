"""What a reproduction reads of production, before an engine is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import FakeBundle
from environments import load
from locks import NO_ENGINE

from envman.diagnostics import EnvmanError, Source
from envman.lock.lock import Makers
from envman.lock.text import LockFile, lock_in, lock_text, sealed
from envman.operations.production import Origin, is_bundle, origin_of, refuse_other_files
from envman.operations.progress import Silent
from envman.operations.workspace import Workspace

TEXT = """
services: {api: {image: a, env_file: [app.env], configs: [conf], volumes: ["./pages:/pages", "./index.html:/i:ro"]}}
configs: {conf: {file: ./app.conf}}
"""


def lock_of(name: str) -> LockFile:
    made = sealed(environment=name, document="sha256:0", made_with=Makers(envman="0.1.0"))
    return lock_in(Source(f"blueprints/{name}.lock", lock_text(made)))


def test_files_that_containers_read_must_be_those_of_the_bundle(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        environment = load(folder, "prod", prod=TEXT)
        (folder / "app.env").write_text("A=1\n")
        (folder / "index.html").write_text("x")
    (there / "app.conf").write_text("a")
    (here / "index.html").write_text("y")
    mine = Workspace.at(here, {})
    origin = Origin(Workspace.at(there, {}), "prod", lock_of("prod"), "prod.bundle")
    with pytest.raises(EnvmanError) as caught:
        refuse_other_files(mine, origin, environment)
    assert [(one.code, one.message) for one in caught.value.diagnostics] == [
        ("EV668", "./app.conf, which containers of prod read, is not here"),
        ("EV668", "./index.html, which containers of prod read, is another one here"),
    ]
    (here / "app.conf").write_text("a")
    (here / "index.html").write_text("x")
    refuse_other_files(mine, origin, environment)


def test_a_bundle_is_told_from_a_lock(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("lock: 1\n")
    (tmp_path / "bundle").write_bytes(b"envman\0" + bytes(600))
    assert (is_bundle(tmp_path / "lock"), is_bundle(tmp_path / "bundle")) == (False, True)
    assert not is_bundle(tmp_path)


def test_a_bundle_of_another_environment_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    load(tmp_path, "dev", dev=TEXT)
    bundle = FakeBundle().write(tmp_path / "prod.bundle")
    with pytest.raises(EnvmanError) as caught:
        origin_of(Workspace.at(tmp_path, NO_ENGINE), "dev", str(bundle), Silent(), tmp_path / "unpacked")
    assert [(one.code, one.message) for one in caught.value.diagnostics] == [("EV666", f"{bundle} holds prod, not dev")]
    assert not (tmp_path / "unpacked").exists()
