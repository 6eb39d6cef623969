"""Compose files into a project: blueprints, and what they need beside them, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envman.adopt.adoption import Adoption, Wish, adopt
from envman.adopt.reached import files_outside
from envman.diagnostics import Report
from envman.diagnostics.diagnostic import fail
from envman.project import BLUEPRINTS, check_environment_name, open_project
from envman.source.dotenv import dotenv_line, parse_dotenv
from envman.source.files import read_source, read_text
from envman.source.root import PROJECT_FILE, find_root
from envman.state.atomic import write_if_changed, write_whole


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written, relative to the project's root, and what there is to say about it."""

    root: Path
    written: tuple[Path, ...]
    report: Report


def project_root(directory: Path, *, given: bool) -> Path:
    """Return the root of the project to import into: ``directory`` where it was ``given``, else the nearest upward.

    Raises:
        EnvmanError: EV004 where the name of its folder is not UTF-8.
    """
    directory = directory.resolve() if ".." in directory.parts else directory.absolute()
    if not given and any((folder / PROJECT_FILE).is_file() for folder in (directory, *directory.parents)):
        return find_root(directory)
    return directory


def wider_root(files: Sequence[Path], root: Path, home: Path) -> tuple[Path, Path] | None:
    """Return the nearest folder above ``root`` that holds all that the Compose ``files`` name, and one such path.

    None where ``root`` does, and where that folder would be the ``home`` folder or one above it.
    """
    outside = files_outside(files, root)
    common = Path(os.path.commonpath([root, *outside.values()]))
    if common == root or home.is_relative_to(common):
        return None
    return common, next(iter(outside))


def import_compose(wish: Wish, process: Mapping[str, str], *, overwrite: bool = False) -> Imported:
    """Write the blueprints for the Compose files of ``wish``, and make the project around them where there is none.

    Raises:
        EnvmanError: EV004 for a bad name, EV801 where the blueprint is already there, EV008 where a file cannot be
            written, and with everything that is wrong with the Compose files.
    """
    check_environment_name(wish.environment)
    if (wish.root / PROJECT_FILE).is_file():
        open_project(wish.root)
    existing = {
        path.stem: read_source(path, root=wish.root).text for path in sorted((wish.root / BLUEPRINTS).glob("*.yaml"))
    }
    adoption = adopt(wish, process, existing)
    for name, text in adoption.blueprints.items():
        if existing.get(name, text) != text and not overwrite:
            raise fail(
                "EV801",
                f"{BLUEPRINTS}/{name}.yaml is already there",
                help="import under another name with --environment NAME, or replace it with --overwrite",
            )
    return Imported(wish.root, tuple(_write(wish, adoption)), adoption.report)


def _write(wish: Wish, adoption: Adoption) -> list[Path]:
    written: list[Path] = []
    values = f".env.{wish.environment}"
    # The file that keeps secrets out of git first, the blueprint that needs all others last.
    secret_files = [*([values] if adoption.values else []), *([".env"] if adoption.secret_dotenv else [])]
    if secret_files and keep_out_of_git(wish.root / ".gitignore", secret_files):
        written.append(Path(".gitignore"))
    if adoption.values and _keep_values(wish.root, values, adoption.values):
        written.append(Path(values))
    if not (wish.root / PROJECT_FILE).exists():
        write_whole(wish.root / PROJECT_FILE, f"name: {adoption.project}\nlanguage: 1\n")
        written.append(Path(PROJECT_FILE))
    for name, text in adoption.blueprints.items():
        path = Path(BLUEPRINTS) / f"{name}.yaml"
        if write_if_changed(wish.root / path, text):
            written.append(path)
    return written


def keep_out_of_git(path: Path, names: list[str]) -> bool:
    """Let the `.gitignore` at ``path`` name each of ``names``, and return whether it had to be changed.

    Raises:
        EnvmanError: EV002 where it is no text, EV008.
    """
    text = read_text(path, path.name) if path.is_file() else ""
    lines = {line.strip().removeprefix("/") for line in text.splitlines()}
    missing = [name for name in names if not {name, ".env*", "*.env*", ".env.*" if name != ".env" else name} & lines]
    if missing:
        start = text if not text or text.endswith("\n") else text + "\n"
        write_whole(path, start + "".join(f"/{name}\n" for name in missing))
    return bool(missing)


def _keep_values(root: Path, name: str, values: Mapping[str, str]) -> bool:
    """Add ``values`` to the ``.env`` file ``name``, in the place of what it says of the same names."""
    path = root / name
    lines: list[str] = []
    if path.is_file():
        source = read_source(path, root=root, confidential=True)
        found = parse_dotenv(source, Report())
        replaced = {span.line for variable, (_, span) in found.items() if variable in values}
        lines = [line for number, line in enumerate(source.text.splitlines(), 1) if number not in replaced]
    lines += [dotenv_line(variable, value) for variable, value in values.items()]
    return write_if_changed(path, "".join(f"{line}\n" for line in lines), mode=0o600)
