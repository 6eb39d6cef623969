"""Who owns a stack: a random ID per checkout.

Two people's ``/app`` are not one project, and a folder that moved is still the same checkout. The ID lies in the
project (``.envman/checkout``) and in the state folder, so that neither ``git clean -fdx`` nor a move loses it. Both
also say which folder it was given to, because a copy of the project holds the ID too: file systems keep a folder's
number when it is renamed, and give a copy another one. A folder that cannot be shown to be the one on record gets an
ID of its own; ``--adopt`` takes the stacks of the other ID over.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import EnvmanError, fail
from envman.source.files import explain_os_error
from envman.state.atomic import private_folder, write_whole
from envman.state.record import Record, read_private

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
    """Return where the render of the environment with ``key`` lies in the checkout at ``root``.

    Raises:
        EnvmanError: EV007 where a link would lead out of the project.
    """
    return private_path(root, *key.split("/"), COMPOSE_FILE)


def private_path(root: Path, *parts: str) -> Path:
    """Return a path below ``.envman`` of the project, on which no existing part is a link.

    Raises:
        EnvmanError: EV007 where one is.
    """
    # What lies there decides whether it may be written to, not what an answer is: this look is not recorded.
    path = Path(os.fspath(root))
    for part in (PRIVATE, *parts):
        path /= part
        if path.is_symlink():
            raise fail("EV007", f"{path} is a link", help="remove it: envman follows no links below .envman")
    return path


def state_home(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_STATE_HOME/envman``, by default ``~/.local/state/envman``."""
    configured = environ.get("XDG_STATE_HOME", "")
    # The XDG specification: a relative path in these variables is to be ignored.
    base = Path(configured) if configured.startswith("/") else Path.home() / ".local" / "state"
    return base / "envman"


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the state folder says of its checkout: where it was last seen, and the marks of that folder."""

    id: str
    project: str
    path: str
    marks: tuple[int, ...] = ()


_REMEDY: Final = "remove PATH; the folder then gets another ID, and `envman up ENV --adopt` takes its stacks over"
_CHECKOUT: Final[Record[_Recorded]] = Record(_Recorded, _REMEDY)


def open_checkout(root: Path, project: str, environ: Mapping[str, str]) -> Checkout:
    """Return the checkout that ``root`` is, giving it an ID if it has none.

    Raises:
        EnvmanError: EV510 where the state folder cannot be used, EV501 where the folder is another user's checkout,
            EV509 where its record is damaged, EV007 where a link leads out of the project.
    """
    home = state_home(environ)
    known = _known(root, project, home)
    if known is not None:
        return known
    # Of several first commands, one gives the ID, and the others find it.
    with _alone(home):
        return _known(root, project, home) or _identify(root, project, home)


def adopt_checkout(root: Path, project: str, environ: Mapping[str, str], identity: str) -> Checkout:
    """Make ``identity`` this checkout's ID, for one whose own was lost, and return it.

    Raises:
        EnvmanError: EV508 for what is no ID, EV008, EV510.
    """
    if not _ID.fullmatch(identity):
        raise fail("EV508", f'"{identity}" is not a checkout ID')
    home = state_home(environ)
    with _alone(home):
        return _give(root, project, home, identity)


def _known(root: Path, project: str, home: Path) -> Checkout | None:
    """Return the checkout of a folder that is on record as it is, or None."""
    identity, _ = _read_pointer(private_path(root, _POINTER))
    if identity is None:
        return None
    state = home / f"{project}-{identity}"
    if not _CHECKOUT.holds(state / _RECORD, _Recorded(identity, project, str(root), _marks(root))):
        return None
    _use(state)
    return Checkout(identity, root, state)


def _identify(root: Path, project: str, home: Path) -> Checkout:
    """Find out which checkout the folder is, and put that on record."""
    pointer = private_path(root, _POINTER)
    identity, given_to = _read_pointer(pointer)
    records = dict(_records(home, project))
    if identity is None:
        # After `git clean -fdx`. Another folder in the place of one that was moved away is not that one.
        for found, one in records.items():
            if Path(one.path) == root and (not one.marks or one.marks[0] == _number(root)):
                return _give(root, project, home, found)
        return _give(root, project, home, _new())
    recorded = records.get(identity)
    if recorded is not None:
        seen = Path(recorded.path)
        is_there = seen == root or _same_folder(seen, root)
        is_beside = not is_there and _read_pointer(seen / PRIVATE / _POINTER)[0] == identity
        # An older envman recorded no marks: there the path has to do.
        if _is_same(recorded.marks, root) if recorded.marks else not is_beside:
            notice = "" if is_there else f"this checkout has moved here from {seen}"
            return _give(root, project, home, identity, notice, path=recorded.path if is_there else "")
        if is_beside:
            return _give(root, project, home, _new(), f"this folder is a copy of {seen}; it got an ID of its own")
        copied = (
            f"this folder is a copy of checkout {identity}, last seen at {seen}; it got an ID of its own. If it is "
            "that checkout, moved from another file system or restored, `envman up ENV --adopt` takes its stacks over"
        )
        return _give(root, project, home, _new(), copied)
    for found, one in records.items():
        # Another XDG_STATE_HOME was in use meanwhile.
        if _is_same(one.marks, root):
            return _give(root, project, home, found)
    owner = pointer.stat().st_uid
    if owner != os.getuid():
        raise fail(
            "EV501",
            f"this folder is a checkout of user {_user(owner)}, whose state is not in {home}",
            help=f"run envman as {_user(owner)}, or work in a clone of your own",
        )
    if given_to and not _is_same(given_to, root):
        copied = f"this folder is a copy of checkout {identity}; it got an ID of its own"
        return _give(root, project, home, _new(), copied)
    return _give(root, project, home, identity)


def _new() -> str:
    return os.urandom(6).hex()


def _give(root: Path, project: str, home: Path, identity: str, notice: str = "", *, path: str = "") -> Checkout:
    """Write the ID into the project, and the project into the state folder."""
    state = home / f"{project}-{identity}"
    try:
        private_folder(state, below=home)
    except OSError as error:
        raise _unusable(state, error) from None
    _use(state)
    ignore_private(root)
    pointer = private_path(root, _POINTER)
    text = f"{identity}\n{_number(root)} {_number(root / PRIVATE)}\n"
    if _read_text(pointer) != text:
        write_whole(pointer, text)
    recorded = _Recorded(identity, project, path or str(root), _marks(root))
    if not _CHECKOUT.holds(state / _RECORD, recorded):
        _CHECKOUT.write(state / _RECORD, recorded)
    return Checkout(identity, root, state, notice)


def _use(state: Path) -> None:
    if not os.access(state, os.W_OK | os.X_OK):
        raise _unusable(state, PermissionError(13, "Permission denied"))


def _unusable(folder: Path, error: OSError) -> EnvmanError:
    return fail(
        "EV510",
        f"{folder} cannot be used: {explain_os_error(error)}",
        help="set XDG_STATE_HOME to a folder that is yours",
    )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one process at a time give out IDs.

    Raises:
        EnvmanError: EV510 where the state folder cannot be used.
    """
    try:
        private_folder(home, below=home)
        descriptor = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(home, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def ignore_private(root: Path) -> None:
    """Keep the folder of renders out of repositories.

    Raises:
        EnvmanError: EV008.
    """
    ignore = root / PRIVATE / ".gitignore"
    if not ignore.exists():
        write_whole(ignore, "*\n")


def _read_pointer(path: Path) -> tuple[str | None, tuple[int, ...]]:
    """Return the ID that a project holds, if any, and the marks of the folder that it was given to."""
    lines = _read_text(path).splitlines()
    if not lines or not _ID.fullmatch(lines[0].strip()):
        return None, ()
    numbers = lines[1].split() if len(lines) > 1 else []
    return lines[0].strip(), tuple(int(one) for one in numbers if one.isdecimal())


def _read_text(path: Path) -> str:
    data = read_private(path, "remove PATH; the folder then gets its ID from the state folder, or a new one")
    return (data or b"").decode("ascii", "replace")


def _records(home: Path, project: str) -> Iterator[tuple[str, _Recorded]]:
    """Yield the ID and the record of every checkout of ``project`` that the state folder knows."""
    for state in sorted(home.glob(f"{project}-*")) if home.is_dir() else []:
        identity = state.name.removeprefix(f"{project}-")
        recorded = _CHECKOUT.read(state / _RECORD) if _ID.fullmatch(identity) else None
        if recorded is not None:
            yield identity, recorded


def _marks(root: Path) -> tuple[int, ...]:
    """Return what stays as it is when the folder is renamed, and what a copy of it has otherwise.

    The numbers of the folder and of ``.envman`` in it, and when the pointer was last changed: some network file
    systems give out other numbers at each mount.
    """
    private = root / PRIVATE
    return (_number(root), _number(private), _changed(private / _POINTER))


def _is_same(marks: tuple[int, ...], root: Path) -> bool:
    return any(one == other for one, other in zip(marks, _marks(root), strict=False) if one)


def _number(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _changed(path: Path) -> int:
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return 0


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
