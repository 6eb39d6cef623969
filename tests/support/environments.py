"""Environments for unit tests, written as YAML."""

from __future__ import annotations

import textwrap
from pathlib import Path

from envman.diagnostics import Diagnostic, Report
from envman.facts import Facts
from envman.model.environment import Environment
from envman.project import load_environment, open_project


def load(
    root: Path,
    name: str = "dev",
    *,
    settings: dict[str, str] | None = None,
    process: dict[str, str] | None = None,
    instance: str | None = None,
    **blueprints: str,
) -> Environment:
    """Write ``blueprints`` into a project below ``root`` and return its environment ``name``."""
    environment, problems = attempt(root, name, settings=settings, process=process, instance=instance, **blueprints)
    assert environment is not None, [f"{one.span}: {one.message}" for one in problems]
    return environment


def attempt(
    root: Path,
    name: str = "dev",
    *,
    settings: dict[str, str] | None = None,
    process: dict[str, str] | None = None,
    instance: str | None = None,
    **blueprints: str,
) -> tuple[Environment | None, list[Diagnostic]]:
    """Return environment ``name``, if it loads, and what was reported."""
    (root / "blueprints").mkdir(exist_ok=True)
    (root / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    for blueprint, text in blueprints.items():
        (root / "blueprints" / f"{blueprint}.yaml").write_text(textwrap.dedent(text))
    report = Report()
    environment = load_environment(
        open_project(root), name, report, settings=settings or {}, process=process or {}, instance=instance
    )
    return environment, list(report)


def facts(root: Path, **known: object) -> Facts:
    """Return facts with ``known`` in them and a fixed checkout."""
    return Facts(project_directory=root, state_directory=root / "state", checkout="0123456789ab", **known)  # type: ignore[arg-type]
