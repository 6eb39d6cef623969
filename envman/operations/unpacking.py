"""The files of a bundle onto a disk: the project into a new folder, snapshots onto a project's shelf."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from envman.bundle.carried import is_dotenv
from envman.bundle.checking import Bundle
from envman.bundle.contents import PROJECT, SNAPSHOTS
from envman.diagnostics.diagnostic import fail
from envman.operations.shelves import ignore_inside, shelf_folder, shelf_of, written
from envman.operations.workspace import Workspace
from envman.snapshot.manifest import read_manifest
from envman.snapshot.shelf import MANIFEST
from envman.source.files import explain_os_error
from envman.source.root import PROJECT_FILE

_HELP: Final = "nothing is left of it; make room, or name another folder with `--into`"


@contextmanager
def unpacked(bundle: Bundle, into: Path | None) -> Iterator[Callable[[], None]]:
    """Unpack the project of a checked ``bundle`` beside ``into``; yield what gives it that name.

    Where the body fails, nothing is left of it. Without ``into`` nothing is unpacked.

    Raises:
        EnvmanError: EV688 where ``into`` is no empty or new folder, or the disk refuses.
    """
    if into is None:
        yield lambda: None
        return
    with _explained(into):
        _check_free(into)
        existed = into.is_dir()
        into.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{into.name}.", dir=into.parent))
    moved: list[Path] = []

    def settle() -> None:
        with _explained(into):
            if not existed:
                unfinished.chmod(0o755)
                # Takes the place of an empty folder, and of nothing else.
                unfinished.rename(into)
                moved.append(into)
                return
            # An empty folder stays the one that it is: somebody's shell may be in it. What makes it a project is last.
            for one in sorted(unfinished.iterdir(), key=lambda one: (one.name == PROJECT_FILE, one.name)):
                one.rename(into / one.name)
                moved.append(into / one.name)
            unfinished.rmdir()

    try:
        with _explained(into):
            for part in bundle.contents.under(PROJECT):
                _write(bundle, part.name, unfinished / part.name.removeprefix(PROJECT), executable=part.executable)
        yield settle
    except BaseException:
        for one in (*moved, unfinished):
            _remove(one)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _check_free(into: Path) -> None:
    if into.is_dir() and not into.is_symlink() and not any(into.iterdir()):
        return
    if into.is_symlink() or into.exists():
        raise fail(
            "EV688",
            f"{into} is there already, and is no empty folder",
            help="nothing was loaded; name a new folder with `--into`",
        )


@contextmanager
def _explained(into: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise fail("EV688", f"{into} cannot be unpacked: {explain_os_error(error)}", help=_HELP) from None


def _write(bundle: Bundle, name: str, path: Path, *, executable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Somebody will fill in the values that were left out.
    mode = 0o600 if is_dotenv(path.name) else 0o755 if executable else 0o644
    # O_EXCL: on a disk that takes capitals and small letters for the same, two names can be one.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        for piece in bundle.stream(name):
            file.write(piece)


def shelve(workspace: Workspace, bundle: Bundle) -> tuple[str, ...]:
    """Put the snapshots of a checked ``bundle`` on the project's shelf; return those that are there now.

    Raises:
        EnvmanError: EV641 where another one has its name, EV645 where the disk refuses; none of them is there then.
    """
    made: list[Path] = []
    try:
        for snapshot in bundle.contents.snapshots:
            path = _shelve(workspace, bundle, snapshot)
            if path is not None:
                made.append(path)
    except BaseException:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)
        raise
    return bundle.contents.snapshots


def _shelve(workspace: Workspace, bundle: Bundle, snapshot: str) -> Path | None:
    """Put one snapshot on its shelf; return None where the same one is there."""
    key, _, name = snapshot.partition("/")
    folder = f"{SNAPSHOTS}{snapshot}/"
    shelf = shelf_of(workspace, key)
    text = bundle.read(folder + MANIFEST)
    manifest = read_manifest(text.decode())
    if name in shelf.names() and shelf.read(name) == manifest:
        return None
    shelf.check_free(name)
    ignore_inside(workspace, shelf_folder(workspace))
    with written(name):
        unfinished = shelf.begin(name)
        try:
            for archive in manifest.archives:
                path = unfinished / archive.file
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    for piece in bundle.stream(folder + archive.file):
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
            return shelf.commit(unfinished, manifest)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
