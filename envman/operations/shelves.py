"""Where a project's snapshots lie: naming, finding, listing and deleting them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.operations.workspace import Workspace
from envman.snapshot.manifest import Manifest
from envman.snapshot.shelf import Shelf
from envman.source.files import explain_os_error
from envman.state.atomic import write_whole
from envman.state.copying import read_copying


def shelf_folder(workspace: Workspace) -> Path:
    """Return where the project's snapshots lie: where ``envman.yaml`` says, else in the state folder."""
    configured = workspace.project.file.snapshots
    if configured is None:
        return workspace.checkout.state / "snapshots"
    return workspace.project.root / Path(configured).expanduser()


def shelf_of(workspace: Workspace, key: str) -> Shelf:
    """Return the snapshots of the environment with ``key``."""
    return Shelf(shelf_folder(workspace) / key, key)


def environments_with_snapshots(workspace: Workspace) -> list[str]:
    """Return the keys of the environments that have snapshots, sorted."""
    folder = shelf_folder(workspace)
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and Shelf(path, path.name).names())


def catalogue(workspace: Workspace, key: str) -> list[tuple[str, Manifest | None]]:
    """Return the snapshots of an environment, the oldest first; None for one that is damaged."""
    shelf = shelf_of(workspace, key)
    found: list[tuple[str, Manifest | None]] = []
    for name in shelf.names():
        try:
            manifest = shelf.read(name)
        except EnvmanError:
            found.append((name, None))
            continue
        whole = all(_has(shelf.path(name) / one.file, one.stored) for one in manifest.archives)
        found.append((name, manifest if whole else None))
    return sorted(found, key=lambda one: (one[1].created if one[1] is not None else 0.0, one[0]))


def _has(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def free_name(shelf: Shelf, prefix: str = "") -> str:
    """Return a name made of the time that no snapshot has yet."""
    name = prefix + time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    taken = set(shelf.names())
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    return free


def ignore_inside(workspace: Workspace, folder: Path) -> None:
    """Keep snapshots that lie inside the project out of repositories.

    Raises:
        EnvmanError: EV008.
    """
    ignore = folder / ".gitignore"
    if folder.is_relative_to(workspace.project.root) and not ignore.exists():
        write_whole(ignore, "*\n")


@contextmanager
def written(name: str) -> Iterator[None]:
    """Raise EV645 in the place of the disk's errors."""
    try:
        yield
    except OSError as error:
        raise fail(
            "EV645",
            f"snapshot {name} could not be written: {explain_os_error(error)}",
            help="nothing half-made is left; make room, or name another place with `snapshots:` in envman.yaml",
        ) from None


def outdated(workspace: Workspace, key: str, keep: int) -> list[str]:
    """Return the snapshots of an environment but for the newest ``keep``; the one that a restore needs stays too."""
    copying = read_copying(workspace.checkout.state, key)
    needed = {copying.safety, copying.snapshot} if copying is not None else set()
    names = [name for name, _ in catalogue(workspace, key)]
    return [name for name in names[: max(0, len(names) - keep)] if name not in needed]


def check_deletable(workspace: Workspace, shelf: Shelf, names: Sequence[str]) -> None:
    """Make sure that ``names`` are there and that nothing needs them.

    Raises:
        EnvmanError: EV640 for an unknown one, EV650 for one that an interrupted restore needs.
    """
    known = shelf.names()
    copying = read_copying(workspace.checkout.state, shelf.environment)
    for name in names:
        if name not in known:
            shelf.read(name)
        if copying is not None and copying.refilling and name == copying.safety:
            raise fail(
                "EV650",
                f"snapshot {name} is all that is left of {', '.join(copying.refilling)}: a restore was interrupted",
                help="finish the restore first; nothing was deleted",
            )


def delete(shelf: Shelf, names: Sequence[str]) -> None:
    """Delete snapshots ``names``; raises EnvmanError with EV645 where the disk refuses."""
    for name in names:
        with written(name):
            shelf.delete(name)
