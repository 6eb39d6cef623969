"""Who owns a stack: a random ID per checkout. The path is only information.

Two people's ``/app`` are not one project, and a folder that moved is still the same checkout. The ID lies in the
project (``.envman/checkout``) and in the state folder, each of which can be found from the other, so that neither
``git clean -fdx`` nor a move loses it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from envman.diagnostics.diagnostic import fail
from envman.source.files import explain_os_error
from envman.state.atomic import private_folder, write_whole

PRIVATE: Final = ".envman"
COMPOSE_FILE: Final = "docker-compose.yml"
_POINTER: Final = "checkout"
_RECORD: Final = "checkout.json"
_ID: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout's ID, its state folder, and what the user should know of how it was found."""

    id: str
    root: Path
    state: Path
    notice: str = ""

    @property
    def private(self) -> Path:
        """The folder in the project that holds renders and the pointer."""
        return self.root / PRIVATE


def render_path(root: Path, key: str) -> Path:
    """Return where the render of the environment with ``key`` lies in the checkout at ``root``."""
    return root / PRIVATE / key / COMPOSE_FILE


def state_home(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_STATE_HOME/envman``, by default ``~/.local/state/envman``."""
    configured = environ.get("XDG_STATE_HOME", "")
    # The XDG specification: a relative path in these variables is to be ignored.
    base = Path(configured) if configured.startswith("/") else Path.home() / ".local" / "state"
    return base / "envman"


def open_checkout(root: Path, project: str, environ: Mapping[str, str]) -> Checkout:
    """Return the checkout that ``root`` is, giving it an ID if it has none.

    Raises:
        EnvmanError: EV510 where the state folder cannot be used.
    """
    home = state_home(environ)
    pointer = root / PRIVATE / _POINTER
    recorded = _read_pointer(pointer)
    if recorded is not None:
        state = home / f"{project}-{recorded}"
        path = _recorded_path(state)
        if path is None or path == root or _same_folder(path, root):
            return _enter(recorded, root, project, state, write=path is None)
        if _read_pointer(path / PRIVATE / _POINTER) == recorded:
            return _create(root, project, home, f"this folder is a copy of {path}; it got an ID of its own")
        return _enter(recorded, root, project, state, write=True, notice=f"this checkout has moved here from {path}")
    for state in sorted(home.glob(f"{project}-*")) if home.is_dir() else []:
        found = state.name.removeprefix(f"{project}-")
        if _ID.fullmatch(found) and _recorded_path(state) == root:
            checkout = _enter(found, root, project, state, write=False)
            _write_pointer(root, found)
            return checkout
    return _create(root, project, home, "")


def adopt_checkout(root: Path, project: str, environ: Mapping[str, str], identity: str) -> Checkout:
    """Make ``identity`` this checkout's ID, for one whose own was lost, and return it.

    Raises:
        EnvmanError: EV508 for what is no ID, EV008.
    """
    if not _ID.fullmatch(identity):
        raise fail("EV508", f'"{identity}" is not a checkout ID')
    home = state_home(environ)
    checkout = _enter(identity, root, project, home / f"{project}-{identity}", write=True)
    _write_pointer(root, identity)
    return checkout


def _create(root: Path, project: str, home: Path, notice: str) -> Checkout:
    identity = os.urandom(6).hex()
    checkout = _enter(identity, root, project, home / f"{project}-{identity}", write=True, notice=notice)
    _write_pointer(root, identity)
    return checkout


def _write_pointer(root: Path, identity: str) -> None:
    write_whole(root / PRIVATE / _POINTER, identity + "\n")
    ignore_private(root)


def ignore_private(root: Path) -> None:
    """Keep the folder of renders out of repositories.

    Raises:
        EnvmanError: EV008.
    """
    ignore = root / PRIVATE / ".gitignore"
    if not ignore.exists():
        write_whole(ignore, "*\n")


def _enter(identity: str, root: Path, project: str, state: Path, *, write: bool, notice: str = "") -> Checkout:
    try:
        private_folder(state, below=state.parent)
        if not os.access(state, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise fail(
            "EV510",
            f"{state} cannot be used: {explain_os_error(error)}",
            help="set XDG_STATE_HOME to a folder that is yours",
        ) from None
    if write:
        record = {"id": identity, "project": project, "path": str(root)}
        write_whole(state / _RECORD, json.dumps(record, indent=2) + "\n")
    return Checkout(identity, root, state, notice)


def _read_pointer(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if _ID.fullmatch(text) else None


def _recorded_path(state: Path) -> Path | None:
    record = read_json(state / _RECORD)
    path = record.get("path") if isinstance(record, dict) else None
    return Path(path) if isinstance(path, str) else None


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def read_json(path: Path) -> Any:
    """Return the JSON in ``path``, or None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
