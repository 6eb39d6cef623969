"""What a lock cannot hold is said, and what is held otherwise is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import load

from envman.diagnostics import Severity
from envman.lock.lock import LockedBuild
from envman.lock.unlocked import unlocked

COMMIT = "5c6e" * 10
GIT = "https://git.example.com/team/api.git"
FILES, BASES = (
    "what {} holds is not locked",
    "the images that {} is built from are not locked: its Dockerfile is not here",
)


def said(root: Path, text: str, **builds: LockedBuild) -> list[str]:
    found = list(unlocked(load(root, dev=text), builds))
    assert {(one.code, one.severity) for one in found} <= {("EV543", Severity.WARNING)}
    assert all(one.span is not None and one.help for one in found)
    return [one.message for one in found]


@pytest.mark.parametrize(
    "address", [GIT, f"{GIT}#main", f"{GIT}#v1:app", f"{GIT}#{COMMIT[:12]}", "git@example.com:a/b"]
)
def test_a_build_from_elsewhere_is_open(address: str, tmp_path: Path) -> None:
    text = f"services: {{api: {{build: {{context: '{address}'}}}}}}\n"
    assert said(tmp_path, text) == [FILES.format(address), BASES.format(address)]


@pytest.mark.parametrize("address", [f"{GIT}#{COMMIT}", f"{GIT}#{COMMIT}:app", f"{GIT}?tag=v1&checksum={COMMIT}"])
def test_a_commit_fixes_the_files_and_not_what_they_start_from(address: str, tmp_path: Path) -> None:
    text = f"services: {{api: {{build: {{context: '{address}'}}}}}}\n"
    assert said(tmp_path, text) == [BASES.format(address)]
    inline = f"services: {{api: {{build: {{context: '{address}', dockerfile_inline: 'FROM scratch'}}}}}}\n"
    assert said(tmp_path, inline) == []


def test_what_was_pushed_is_locked_whatever_it_was_built_from(tmp_path: Path) -> None:
    text = f"services: {{api: {{build: {{context: '{GIT}', additional_contexts: {{more: '{GIT}'}}}}}}}}\n"
    pushed = LockedBuild(image="x", digest=f"sha256:{'a' * 64}", bases=[])
    assert said(tmp_path, text, api=pushed) == []
    assert len(said(tmp_path, text, api=LockedBuild(image="x", bases=[]))) == 3


def test_contexts_beside_the_first_one(tmp_path: Path) -> None:
    text = f"""\
    services:
      api:
        build:
          context: .
          additional_contexts:
            here: ./here
            image: docker-image://busybox:1.37
            other: service:base
            layout: oci-layout://./layout
            fixed: "{GIT}#{COMMIT}"
            open: "{GIT}#main"
      base: {{build: ./base}}
    jobs:
      nightly: {{build: "{GIT}", triggers: {{manual: true}}}}
    """
    assert said(tmp_path, text) == [FILES.format(f"{GIT}#main"), FILES.format(GIT), BASES.format(GIT)]


def test_models(tmp_path: Path) -> None:
    text = f"models: {{llm: {{model: ai/smollm2}}, fixed: {{model: 'ai/smollm2@sha256:{'a' * 64}'}}}}\n"
    assert said(tmp_path, text) == ["model ai/smollm2 is not locked: envman knows no digests of models"]
