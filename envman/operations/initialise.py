"""An existing repository into a project: blueprints that fit what is found there; no file that is there is touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.model.header import ENVIRONMENT_NAME
from envman.project import BLUEPRINTS
from envman.scaffold import check_project_name, suggested_name
from envman.source.files import read_source, read_text
from envman.source.root import PROJECT_FILE
from envman.starter.blueprints import BASE, STANDARD, Found, blueprint_texts
from envman.starter.dockerfile import exposed_ports
from envman.state.atomic import write_whole
from envman.state.checkout import PRIVATE
from envman.state.editor import write_schema

# In Compose's own order: https://docs.docker.com/compose/intro/compose-application-model/#the-compose-file
COMPOSE_FILES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_DOCKERFILES: Final = ("Dockerfile", "Containerfile", "docker/Dockerfile", "build/Dockerfile", ".docker/Dockerfile")


@dataclass(frozen=True, slots=True)
class Initialised:
    """The project's name, the files that were written, what they build, and what is left to do by hand."""

    name: str
    root: Path
    written: tuple[Path, ...]
    found: Found
    advice: tuple[str, ...]


def initialise(
    root: Path, name: str | None, environments: Sequence[str] | None, *, beside_compose: bool = False
) -> Initialised:
    """Write ``envman.yaml`` and blueprints for ``environments`` (default: the usual four) into the folder ``root``.

    Raises:
        EnvmanError: EV004 for a bad name, EV011 where a project or blueprints are there already, EV717 where Compose
            files are, unless ``beside_compose``; EV002 for an ignore file that is no text; EV008 where a file cannot be
            written.
    """
    root = root.absolute()
    chosen = name or suggested_name(root.name, otherwise=root.name)
    check_project_name(chosen)
    names = tuple(dict.fromkeys(environments or STANDARD))
    for one in names:
        if not re.fullmatch(ENVIRONMENT_NAME, one) or one == BASE:
            raise fail(
                "EV004",
                f'"{one}" is not a name for an environment',
                expected=f'lower-case letters, digits and _, a letter first; not "{BASE}", which all extend',
            )
    _refuse_what_is_there(root, beside_compose=beside_compose)
    found = _look(root)
    advice = tuple(_advice(root, found))
    written = []
    try:
        for blueprint, text in blueprint_texts(found, names).items():
            write_whole(root / BLUEPRINTS / f"{blueprint}.yaml", text)
            written.append(Path(BLUEPRINTS) / f"{blueprint}.yaml")
        write_schema(root)
    except BaseException:
        # Half a project would be refused the next time.
        for path in written:
            (root / path).unlink(missing_ok=True)
        raise
    # Last: it is what makes a project of the folder.
    write_whole(root / PROJECT_FILE, f"name: {chosen}\nlanguage: 1\n")
    return Initialised(chosen, root, (Path(PROJECT_FILE), *written), found, advice)


def _refuse_what_is_there(root: Path, *, beside_compose: bool) -> None:
    there = [root / PROJECT_FILE, *sorted((root / BLUEPRINTS).glob("*.yaml"))]
    for path in there:
        if path.exists():
            raise fail("EV011", f"{path} is already there", help="`envman check` reads it")
    compose = [one for one in COMPOSE_FILES if (root / one).is_file()]
    if compose and not beside_compose:
        raise fail(
            "EV717",
            f"{compose[0]} is here: what runs today is better imported than written anew",
            help=f"`envman import {compose[0]}` makes an environment of it; "
            "`envman init --beside-compose` begins anew, beside it",
        )


def _look(root: Path) -> Found:
    for candidate in _DOCKERFILES:
        if (root / candidate).is_file():
            return Found(candidate, tuple(exposed_ports(read_source(root / candidate, root=root).text)))
    return Found(None, ())


def _advice(root: Path, found: Found) -> list[str]:
    """Say which lines belong into files that are the user's own."""
    advice = []
    for file, lines, why in (
        (".gitignore", (".env", ".env.*"), "values of one machine, and secrets"),
        (".dockerignore", (f"{PRIVATE}/", ".env", ".env.*"), "what no image should hold"),
    ):
        if file == ".dockerignore" and found.dockerfile is None:
            continue
        missing = [line for line in lines if line.strip("/") not in _patterns(root / file)]
        if missing:
            advice.append(f"add to {file}: {'  '.join(missing)}   ({why})")
    if found.dockerfile is not None and not found.ports:
        advice.append(f"{found.dockerfile} exposes no port: if the service has one, add it under `ports`")
    return advice


def _patterns(path: Path) -> set[str]:
    """Return the lines of an ignore file, with those that cover what is asked for."""
    if not path.exists():
        return set()
    lines = {line.strip().strip("/").removeprefix("**/") for line in read_text(path, path.name).splitlines()}
    if "*" in lines:
        return lines | {PRIVATE, ".env", ".env.*"}
    if ".env*" in lines:
        return lines | {".env", ".env.*"}
    return lines
