"""Making a bundle: an environment, its images and, where asked for, data, as one file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envman.bundle.carried import carried_files
from envman.bundle.checking import Bundle, open_bundle
from envman.bundle.container import PIECE, BrokenBundleError, NewerBundleError, fits
from envman.bundle.contents import DOCUMENT, OCI, SNAPSHOTS, Contents
from envman.bundle.layout import LAYOUT, index, load_list, read_manifest
from envman.bundle.wanted import platforms_of, wanted_images
from envman.bundle.writing import MODE, Ingredient, ingredient, write_bundle
from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.lock.lock import Lock
from envman.lock.text import lock_text
from envman.model.environment import Environment
from envman.operations.bundled_images import Gathered, Gathering
from envman.operations.platforms import platform_of_engine
from envman.operations.progress import Progress
from envman.operations.snapshots import shelf_of
from envman.operations.workspace import Workspace
from envman.render.document import escape
from envman.snapshot.shelf import MANIFEST
from envman.source.files import explain_os_error
from envman.source.writer import write_yaml
from envman.version import installed_version

if TYPE_CHECKING:
    from envman.engine.registry import Registries


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was written: where, what is in it, its size and SHA-256."""

    path: Path
    contents: Contents
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bundle is to hold: snapshots (``NAME``, or ``ENVIRONMENT/NAME`` of another), and for which platform."""

    snapshots: tuple[str, ...] = ()
    platform: str | None = None


def make_bundle(workspace: Workspace, environment: Environment, path: Path, asked: Asked, progress: Progress) -> Made:
    """Write a bundle of ``environment`` to ``path`` and say what is in it; ``path`` is whole, or as it was.

    Raises:
        EnvmanError: EV680 where the environment is not locked or not as it was locked, EV681 and EV682 for an image,
            EV640 and EV643 for a snapshot, EV683 where the file cannot be written.
    """
    lock = locked(workspace, environment)
    platform = asked.platform or _platform(workspace, lock)
    wanted = wanted_images(lock, platform)
    _check_target(path)
    snapshots, data = _snapshots(workspace, environment, asked.snapshots)
    carried = carried_files(environment, workspace.project.root)
    with _written(path), tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        gathered = Gathering(workspace, _registries(workspace), platform, Path(folder), progress).gather(wanted)
        outline = Contents(
            project=environment.project,
            environment=environment.name,
            platform=platform,
            envman=installed_version(),
            images=tuple(gathered.images),
            parts=(),
            snapshots=snapshots,
            left_out=tuple(sorted(carried.left_out, key=lambda one: (one.what, one.why))),
        )
        files = {
            **{one.name: one for one in carried.files.values()},
            **{one.name: one for one in data},
            **gathered.files,
            **{one.name: one for one in _described(outline, gathered)},
            outline.lock: ingredient(outline.lock, lock_text(lock).encode()),
            DOCUMENT: ingredient(DOCUMENT, write_yaml(document_of(workspace, environment)).encode()),
        }
        progress.step(f"writing {path}")
        unfinished = Path(folder) / "unfinished"
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
            contents, sha256 = write_bundle(file, outline, files.values())
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        unfinished.replace(path)
        _keep_name(path.parent)
    return Made(path, contents, size, sha256)


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _described(outline: Contents, gathered: Gathered) -> Iterator[Ingredient]:
    """Yield the files that say to other tools what images there are."""
    manifests = {one.name: b"".join(one.read()) for one in gathered.files.values() if one.layer is None}
    images = [
        (image, read_manifest(manifests[f"blobs/sha256/{image.manifest.removeprefix('sha256:')}"]))
        for image in outline.images
    ]
    texts = (index(outline.images, outline.platform), load_list(images), LAYOUT)
    yield from (ingredient(name, text) for name, text in zip(OCI, texts, strict=True))


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the disk, or with what is copied, into a diagnostic."""
    try:
        yield
    except OSError as error:
        raise fail(
            "EV683",
            f"{path} could not be written: {explain_os_error(error)}",
            help="nothing half-made is left; make room, or choose another place with `-o`",
        ) from None
    except BrokenBundleError as error:
        raise fail(
            "EV683", f"{path} could not be written: {error}", help="nothing half-made is left; repeat the command"
        ) from None


def _check_target(path: Path) -> None:
    """Raise EV683 where ``path`` cannot become a bundle, or is something else than one."""
    try:
        if path.is_dir():
            raise fail("EV683", f"{path} is a folder", expected="a file", help="write `-o FILE`")
        if not path.parent.is_dir():
            raise fail("EV683", f"there is no folder {path.parent}", help="make it first, or choose another place")
        with open_bundle(path) as file:
            Bundle(file)
    except FileNotFoundError:
        return
    except NewerBundleError:
        return
    except (BrokenBundleError, OSError):
        raise fail(
            "EV683",
            f"{path} is there already, and is no bundle",
            help="it was left as it is; choose another name, or remove it",
        ) from None


# --- what goes in


def locked(workspace: Workspace, environment: Environment) -> Lock:
    """Return the lock of ``environment``, which it must be as it is.

    Raises:
        EnvmanError: EV680 where there is none, or where the environment differs from it.
    """
    from envman.lock.text import read_lock

    lock = read_lock(workspace.project.root, environment.name)
    if lock is None:
        raise fail(
            "EV680",
            f"{environment.name} is not locked: a bundle holds exactly what a lock says",
            help=f"`envman lock {environment.name}` first",
        )
    return lock


def document_of(workspace: Workspace, environment: Environment) -> dict[str, object]:
    """Return the document of ``environment`` as it is on every machine."""
    return escape(environment.data)


def _registries(workspace: Workspace) -> Registries | None:
    try:
        from envman.engine.registry import Registries
    except ImportError:
        return None
    return Registries.of(None, workspace.environ)


def _platform(workspace: Workspace, lock: Lock) -> str:
    """Return the platform of a bundle for which none was named: the only one, else the engine's."""
    platforms = platforms_of(lock)
    if len(platforms) == 1:
        return platforms[0]
    if not platforms:
        # Which images lack which platform is said by who looks for them.
        return "linux/amd64"
    try:
        own = platform_of_engine(workspace.engine)
    except EnvmanError:
        own = ""
    if own in platforms:
        return own
    raise fail(
        "EV682",
        f"the lock of {lock.environment} is for {', '.join(platforms)}, and the bundle can be for one of them",
        help="choose it with `--platform`",
    )


def _snapshots(
    workspace: Workspace, environment: Environment, names: Sequence[str]
) -> tuple[tuple[str, ...], list[Ingredient]]:
    """Return the names of snapshots as ``ENVIRONMENT/NAME``, and their files."""
    found: dict[str, list[Ingredient]] = {}
    for asked in names:
        key, slash, name = asked.rpartition("/")
        key = key if slash else environment.key
        shelf = shelf_of(workspace, key)
        manifest = shelf.read(name)
        folder = f"{SNAPSHOTS}{key}/{name}/"
        files = []
        for archive in manifest.archives:
            if not fits(folder + archive.file):
                raise fail("EV643", f"snapshot {name} of {key} has a file of no valid name", help="use another one")
            files.append(_file(folder + archive.file, shelf.path(name) / archive.file, archive.sha256))
        text = (shelf.path(name) / MANIFEST).read_bytes()
        files.append(ingredient(folder + MANIFEST, text))
        found[f"{key}/{name}"] = files
    return tuple(sorted(found)), [one for files in found.values() for one in files]


def _file(name: str, path: Path, sha256: str) -> Ingredient:
    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    return Ingredient(name, path.stat().st_size, read, sha256)
