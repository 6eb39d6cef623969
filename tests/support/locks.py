"""Locks in tests that need neither a registry nor an engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments import load

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.operations.workspace import Workspace
from envman.registry.reference import Reference

# No engine: a lock is made and checked without.
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def digest(word: str) -> str:
    return "sha256:" + hashlib.sha256(word.encode()).hexdigest()


@dataclass(frozen=True)
class AnsweredPlatform:
    digest: str
    image: str


@dataclass(frozen=True)
class Answered:
    digest: str
    platforms: Mapping[str, AnsweredPlatform]


@dataclass
class Hub:
    """Registries that have every image, each for two platforms; ``moved`` tags lead to other images."""

    moved: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    asked: list[str] = field(default_factory=list)

    def resolve_all(self, references: Iterable[Reference]) -> Mapping[Reference, Answered | EnvmanError]:
        return {one: self._answer(one) for one in references}

    def config(self, reference: Reference, identity: str) -> dict[str, Any]:  # noqa: ARG002
        return {"created": "2026-01-02T03:04:05Z"}

    def _answer(self, reference: Reference) -> Answered | EnvmanError:
        name = reference.canonical
        self.asked.append(name)
        if name in self.missing:
            return fail("EV421", f"there is no {reference.familiar}")
        word = self.moved.get(name, name)
        return Answered(
            reference.digest or digest(word),
            {one: AnsweredPlatform(digest(f"{word} {one}"), digest(f"{word} {one} id")) for one in self.platforms},
        )


def workspace(root: Path, home: Path, **environ: str) -> Workspace:
    return Workspace.at(root, {"XDG_STATE_HOME": str(home / "state"), **NO_ENGINE, **environ})


def project(root: Path, name: str = "dev", files: Mapping[str, str] | None = None, **blueprints: str) -> Environment:
    """Write a project with ``files`` and return its environment ``name``."""
    for path, text in (files or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return load(root, name, **blueprints)  # type: ignore[arg-type]
