from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from crowd import Crowd
from readme import Story, run_readme
from stacks import Checkout, remove_project


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.engine)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """An empty checkout with a name of its own; its stacks are removed afterwards."""
    name = f"t{secrets.token_hex(4)}"
    root = tmp_path / "project"
    root.mkdir()
    yield Checkout(root, name)
    remove_project(name)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """What makes many containers of other projects; they are removed afterwards."""
    others = Crowd()
    yield others
    others.remove()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, to be filled."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0755", "tmpfs", str(folder)], check=False)
    if made.returncode != 0:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The template's project after the README's commands: local is up and serves a model, dev is stopped.

    The whole suite brings the template's stacks up only here.
    """
    name = f"t{secrets.token_hex(4)}"
    # Where builds are behind a proxy that intercepts TLS, this file has its authorities.
    authorities = Path(os.environ.get("ENVMAN_CA_CERTIFICATES") or "/etc/ssl/certs/ca-certificates.crt")
    try:
        yield run_readme(tmp_path_factory.mktemp("readme"), name, authorities)
    finally:
        remove_project(name)
