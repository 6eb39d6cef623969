from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
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
