from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
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
