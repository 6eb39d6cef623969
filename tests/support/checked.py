"""What `check` says of blueprints, by code: other rules may have more to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from environments import load

from envman.checks import check_environment, check_together
from envman.diagnostics import Diagnostic, Report
from envman.project import load_environment, open_project


def complaints(root: Path, code: str, name: str = "dev", **blueprints: Any) -> list[Diagnostic]:
    """Return what the rules for one environment say under ``code``."""
    report = Report()
    check_environment(load(root, name, **blueprints), root, report)
    return [one for one in report if one.code == code]


def joint_complaints(root: Path, code: str, names: list[str], **blueprints: Any) -> list[Diagnostic]:
    """Return what the rules over several environments of one project say under ``code``."""
    load(root, names[0], **blueprints)
    report, project = Report(), open_project(root)
    environments = [load_environment(project, name, report, settings={}, process={}) for name in names]
    check_together([one for one in environments if one is not None], report, whole=False)
    return [one for one in report if one.code == code]
