"""Where the blueprints and the template lie that come with envman."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """Return the folder ``blueprints`` or ``cookiecutter-mlproject``: of the installed package, else of this tree."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped_files" / name
    return installed if installed.is_dir() else package.parent / name
