"""The pages of `docs/stories`: each is carried out as its reader would, and shows what its commands write.

What cannot be had here is said where it is missing: no hub of this suite has Redis, so the page that adds it ends with
the plan, and does not bring it up.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from readme import ROOT, Story, run_story
from real_registry import RealRegistry
from stacks import remove_project

STORIES = ROOT / "docs" / "stories"
# Where builds are behind a proxy that intercepts TLS, this file has its authorities.
AUTHORITIES = Path(os.environ.get("ENVMAN_CA_CERTIFICATES") or "/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a project that nobody else has; what a story leaves of it is removed."""
    name = f"t{secrets.token_hex(4)}"
    yield name
    remove_project(name)


@pytest.fixture
def registry() -> Iterator[RealRegistry]:
    with RealRegistry() as one:
        yield one
        one.forget_on_engine()


def assert_as_shown(story: Story) -> None:
    for one in story.typed:
        assert one.as_expected(), f"$ {one.command}\n{one.out}{one.err}\nis not what the page shows:\n{one.expected}"


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_your_own_data(name: str, tmp_path: Path) -> None:
    assert_as_shown(run_story(STORIES / "your-own-data.md", tmp_path, name, AUTHORITIES))


def test_add_a_service(name: str, tmp_path: Path) -> None:
    assert_as_shown(run_story(STORIES / "add-a-service.md", tmp_path, name, AUTHORITIES))


def test_to_production(name: str, tmp_path: Path, registry: RealRegistry) -> None:
    """A real registry is at the place of the page's."""
    others = {"registry.example.com": registry.address}
    story = run_story(STORIES / "to-production.md", tmp_path, name, AUTHORITIES, others=others)
    assert_as_shown(story)
    assert registry.tags("team/api") == ["dev", "prod", "staging"]
