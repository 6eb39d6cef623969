"""The Compose files and settings that `docker compose` would take where none are named.

Source: https://docs.docker.com/compose/how-tos/environment-variables/envvars/, and what Compose 2.40 made of each.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as Map
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from envman.diagnostics import Report, Source, Span
from envman.diagnostics.diagnostic import fail
from envman.language.references import expanded
from envman.source.dotenv import parse_dotenv
from envman.source.files import read_text

_NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES: Final = (
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"
)  # fmt: skip
_VARIABLES: Final = ("COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME")


class Choice(NamedTuple):
    """The files to import, the files that hold variables, and what said so: ``COMPOSE_FILE in .env``."""

    files: tuple[Path, ...]
    env_files: tuple[Path, ...]
    taken: tuple[str, ...]


def choose(directory: Path, files: Sequence[Path], env_files: Sequence[Path], process: Map[str, str]) -> Choice:
    """Return what `docker compose` in ``directory`` would read: what is named, else what its variables say.

    Raises:
        EnvmanError: EV002 where nothing is named and there is no Compose file, or a file cannot be read.
    """
    taken: list[str] = []
    if not env_files and process.get("COMPOSE_ENV_FILES"):
        env_files = [directory / one for one in process["COMPOSE_ENV_FILES"].split(",")]
        taken.append("COMPOSE_ENV_FILES in the process")
    dotenv: dict[str, str] = {}
    default = (files[0].parent if files else directory) / ".env"
    for path in env_files or ([default] if default.is_file() else []):
        dotenv |= _values(path, process)
    values = {**dotenv, **process}
    for name in ("COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME") if files else _VARIABLES:
        if values.get(name):
            place = "the process" if name in process else ", ".join(one.name for one in env_files) or ".env"
            taken.append(f"{name} in {place}")
    if not files:
        files = _listed(values, directory) or _found(directory)
    return Choice(tuple(files), tuple(env_files), tuple(taken))


def _values(path: Path, process: Map[str, str]) -> dict[str, str]:
    def expand(text: str, before: Map[str, str], _: Span) -> str | None:
        return expanded(text, process, before)

    source = Source(str(path), read_text(path, str(path)), confidential=True)
    return {name: value for name, (value, _) in parse_dotenv(source, Report(), expand).items()}


def _listed(values: Map[str, str], directory: Path) -> list[Path]:
    text = values.get("COMPOSE_FILE", "")
    separator = values.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    return [directory / one for one in text.split(separator)] if text else []


def _found(directory: Path) -> list[Path]:
    for folder in (directory, *directory.parents):
        main = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
        if main is not None:
            override = next((folder / name for name in _OVERRIDES if (folder / name).is_file()), None)
            return [main, *([override] if override is not None else [])]
    raise fail("EV002", f"there is no Compose file in {directory}", expected=", ".join(_NAMES), help="name the file")
