"""What Compose makes of a file, less what an environment is meant to own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def understood(
    files: list[Path], folder: Path, *, environ: dict[str, str] | None = None, options: tuple[str, ...] = ()
) -> dict[str, Any] | str:
    """Return `docker compose config` of ``files`` with ``folder`` as project directory, or Compose's refusal."""
    argv = ["docker", "compose", "--project-directory", str(folder), *options]
    for file in files:
        argv += ["--file", str(file)]
    done = subprocess.run(
        [*argv, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(environ or {})},
    )
    return meaning(json.loads(done.stdout)) if done.returncode == 0 else done.stderr.strip()


def meaning(document: dict[str, Any]) -> dict[str, Any]:
    """Return what Compose understood without the project's name, names made from it, and envman's labels."""
    project = document.pop("name", None)
    for kind in ("networks", "volumes", "secrets", "configs"):
        section = document.get(kind) or {}
        for key, entry in section.items():
            if isinstance(entry, dict):
                if entry.get("name") == f"{project}_{key}":
                    del entry["name"]
                _without_own_labels(entry)
        if not section:
            document.pop(kind, None)
    for service in (document.get("services") or {}).values():
        _without_own_labels(service)
    return document


def _without_own_labels(entry: dict[str, Any]) -> None:
    labels = entry.get("labels")
    if isinstance(labels, dict):
        entry["labels"] = {key: value for key, value in labels.items() if not key.startswith("dev.envman.")}
        if not entry["labels"]:
            del entry["labels"]
