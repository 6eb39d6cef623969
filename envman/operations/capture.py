"""A stack that runs into a project: its blueprint and the lock of it, written whole or not at all."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from envman.capture.blueprint import blueprint_text
from envman.capture.locked import locked_images
from envman.capture.stack import Captured, capture
from envman.capture.suspects import Suspect, is_telling, without
from envman.checks import as_file, check_environment
from envman.diagnostics import EnvmanError, Report
from envman.diagnostics.diagnostic import fail
from envman.lock.canonical import canonical_document
from envman.lock.lock import Makers, lock_path
from envman.lock.text import lock_text, sealed
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.operations.importing import keep_out_of_git
from envman.operations.workspace import file_mark
from envman.project import BLUEPRINTS, check_environment_name, load_environment, open_project
from envman.source.files import read_source
from envman.source.places import is_file, locate
from envman.source.root import PROJECT_FILE
from envman.state.atomic import write_if_changed, write_whole
from envman.version import installed_version

if TYPE_CHECKING:
    from envman.engine.endpoint import Endpoint

# What a check says of things that a capture says itself, or that can only be known where the stack is brought up.
_SAID_ELSEWHERE: Final = frozenset({"EV307", "EV309"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What to capture, and as what.

    ``project`` is a Compose project or a Swarm stack, ``containers`` are names; with neither the only stack is meant.
    """

    root: Path
    environment: str
    project: str | None = None
    containers: tuple[str, ...] = ()
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from the engine: the stack, and the engine's version."""

    captured: Captured
    engine_version: str


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written, relative to the project's root, what must be given, and what there is to say.

    ``variables`` are the names under which the values that stayed behind are looked for.
    """

    files: tuple[Path, ...]
    variables: tuple[str, ...]
    report: Report


def read_stack(endpoint: Endpoint, wish: Wish) -> Reading:
    """Return the stack that runs on the engine at ``endpoint``. Nothing on it is changed.

    Raises:
        EnvmanError: EV004 for a bad name, EV820 and EV821 where it is not clear or not there, EV4xx for the engine.
    """
    from envman.engine.connection import connect
    from envman.engine.inspect import read_running

    check_environment_name(wish.environment)
    if (wish.root / PROJECT_FILE).is_file():
        open_project(wish.root)
    running = read_running(connect(endpoint), wish.project, wish.containers)
    return Reading(capture(running), str(running.engine.get("ServerVersion", "")))


def write_captured(wish: Wish, reading: Reading, secrets: Sequence[Suspect], plain: Sequence[Suspect]) -> Written:
    """Write blueprint and lock; of ``secrets`` only references, ``plain`` as they are.

    Raises:
        EnvmanError: EV801 and EV011 where other files are there already, EV831 where a secret's value would be
            written, EV008 where a file cannot be, and with what is wrong with the blueprint.
    """
    captured = reading.captured
    data = without(captured.data, secrets)
    report = Report([*captured.report.diagnostics])
    _say_secrets(wish, secrets, plain, report)
    text = blueprint_text(captured, data)
    environment, staged = _loaded(wish, captured, data, text)
    report.extend(one for one in staged if one.code not in _SAID_ELSEWHERE)
    report.raise_errors()
    assert environment is not None  # there was no error
    files = {
        **{Path(name): content for name, content in captured.files.items()},
        Path(lock_path(wish.environment)): _lock(wish, environment, reading),
        # The blueprint, which needs all others, last.
        Path(BLUEPRINTS) / f"{wish.environment}.yaml": text,
    }
    _refuse_leaks(files, secrets)
    _refuse_existing(wish, files)
    variables = tuple(str(one["env"]) for one in (data.get("variables") or {}).values()) + tuple(
        str(one["variable"]) for one in (data.get("secrets") or {}).values() if one.get("variable")
    )
    return Written(tuple(_write(wish, captured, files, variables)), variables, report)


def _say_secrets(wish: Wish, secrets: Sequence[Suspect], plain: Sequence[Suspect], report: Report) -> None:
    if secrets:
        one = len(secrets) == 1
        report.warning(
            "EV824",
            f"{', '.join(each.where for each in secrets)}: {'this value looks' if one else 'these values look'} secret "
            f"and {'stays' if one else 'stay'} behind",
            help=f"whoever brings {wish.environment} up gives {'it' if one else 'them'}: in .env.{wish.environment}, "
            "which git ignores, or in the process environment",
        )
    for each in plain:
        report.warning("EV824", f"{each.where} looks secret ({each.why}) and stands in the blueprint, as you wanted")


def _loaded(wish: Wish, captured: Captured, data: Mapping[str, Any], text: str) -> tuple[Environment | None, Report]:
    """Return the environment that the text makes, and what a check says of it, before anything is written."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="envman-") as folder:
        root = Path(folder).resolve()
        (root / BLUEPRINTS).mkdir()
        (root / PROJECT_FILE).write_text(_project_file(wish, captured), encoding="utf-8")
        (root / BLUEPRINTS / f"{wish.environment}.yaml").write_text(text, encoding="utf-8")
        blank = dict.fromkeys(data.get("variables") or {}, "")
        environment = load_environment(open_project(root), wish.environment, report, settings=blank, process={})
        if environment is not None:
            found = Report()
            check_environment(environment, root, found)
            report.extend(as_file(found.diagnostics))
    return environment, report


def _lock(wish: Wish, environment: Environment, reading: Reading) -> str:
    canonical = canonical_document(environment, _contents(wish, environment, reading.captured))
    return lock_text(
        sealed(
            environment=environment.name,
            document=canonical.digest,
            made_with=Makers(envman=installed_version(), engine=reading.engine_version),
            images=locked_images(reading.captured),
            parts=dict(canonical.parts),
        )
    )


def _contents(wish: Wish, environment: Environment, captured: Captured) -> dict[str, str]:
    """Return the digests of files whose content containers get, as a lock counts them: of those here and to come."""
    named = {one.name for one in named_files(environment.data) if one.use is Use.CONTENT}
    found = {name: locate(wish.root, name) for name in named}
    here = {name: path.read_bytes() for name, path in found.items() if path is not None and is_file(path)}
    written = {name: text.encode() for name, text in captured.files.items() if name in named}
    return {name: file_mark(content) for name, content in {**here, **written}.items()}


def _refuse_leaks(files: Mapping[Path, str], secrets: Sequence[Suspect]) -> None:
    leaks = {(each.where, path) for path, text in files.items() for each in secrets
             if is_telling(each.value) and each.value in text}  # fmt: skip
    if leaks:
        raise EnvmanError(
            *(
                fail(
                    "EV831",
                    f"the value of {where} also stands in another place of {path}",
                    help="nothing was written; change the secret, or what is named after it, and capture again",
                ).diagnostics[0]
                for where, path in sorted(leaks)
            )
        )


def _refuse_existing(wish: Wish, files: Mapping[Path, str]) -> None:
    if wish.replace:
        return
    for path, text in files.items():
        there = wish.root / path
        if there.exists() and there.read_text(encoding="utf-8", errors="replace") != text:
            raise fail(
                "EV801" if path.suffix == ".yaml" else "EV011",
                f"{path} is already there",
                help="capture under another name with --environment NAME, or replace it with --replace",
            )


def _write(wish: Wish, captured: Captured, files: Mapping[Path, str], variables: Sequence[str]) -> list[Path]:
    written: list[Path] = []
    if variables and keep_out_of_git(wish.root / ".gitignore", [f".env.{wish.environment}"]):
        written.append(Path(".gitignore"))
    if not (wish.root / PROJECT_FILE).exists():
        write_whole(wish.root / PROJECT_FILE, _project_file(wish, captured))
        written.append(Path(PROJECT_FILE))
    written += [path for path, text in files.items() if write_if_changed(wish.root / path, text)]
    return written


def _project_file(wish: Wish, captured: Captured) -> str:
    """Return the project file: the one that is there, else a new one, named after what was captured."""
    there = wish.root / PROJECT_FILE
    if there.is_file():
        return read_source(there, root=wish.root).text
    name = re.sub(r"[^a-z0-9]+", "-", captured.name.lower()).strip("-")
    name = name if name[:1].isalpha() else f"captured-{name}".strip("-")
    return f"name: {name[:40].strip('-')}\nlanguage: 1\n"
