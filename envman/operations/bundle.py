"""Using a bundle: checked from end to end, then loaded. What goes wrong on the way is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from envman.bundle.checking import Bundle, open_bundle
from envman.bundle.container import PIECE, BrokenBundleError, NewerBundleError
from envman.bundle.contents import PROJECT, SNAPSHOTS, Contents
from envman.bundle.wanted import check_images
from envman.diagnostics import EnvmanError, Source
from envman.diagnostics.diagnostic import fail
from envman.engine.connection import Engine
from envman.lock.lock import Lock
from envman.lock.text import lock_in
from envman.operations.loading import Taken, loaded_images
from envman.operations.progress import Progress
from envman.operations.unpacking import unpacked
from envman.operations.workspace import Workspace
from envman.snapshot.manifest import BrokenManifestError, Manifest, read_manifest
from envman.snapshot.shelf import MANIFEST
from envman.source.files import explain_os_error


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was taken from a bundle.

    ``images`` are the engine's IDs by the lock's names (``services.NAME`` for an image that is built), ``names`` what
    they are called there; ``fresh`` are the lock's names of those that were not there before. ``root`` is where the
    project lies, if it was unpacked; ``snapshots`` are ``ENVIRONMENT/NAME``, those that lie on its shelf now.
    """

    contents: Contents
    lock: Lock
    images: Mapping[str, str]
    names: Mapping[str, str]
    fresh: tuple[str, ...]
    root: Path | None = None
    snapshots: tuple[str, ...] = ()


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """Yield the bundle at ``path``, as far as its outline goes: its contents are checked by ``verify``.

    Raises:
        EnvmanError: EV002 where it cannot be read, EV684 where it is none, or found to be damaged inside, EV685 for one
            of a newer envman.
    """
    try:
        file = open_bundle(path)
    except OSError as error:
        reason = explain_os_error(error) if error.errno else str(error)
        raise fail("EV002", f"{path}: {reason}", help="name a file that `envman bundle ENV -o FILE` wrote") from None
    try:
        with file:
            yield Bundle(file)
    except OSError as error:
        raise fail("EV002", f"{path} cannot be read to its end: {explain_os_error(error)}") from None
    except NewerBundleError as error:
        raise fail(
            "EV685", f"{path} has format {error}, which this envman does not know", help="upgrade envman here"
        ) from None
    except BrokenBundleError as error:
        raise fail(
            "EV684",
            f"{path} is no bundle, or a damaged one: {error}",
            help="nothing was loaded; copy it again, and compare `sha256sum` at both ends",
        ) from None


def verify(bundle: Bundle) -> Lock:
    """Check all of ``bundle`` and return its lock.

    Raises:
        BrokenBundleError: where anything in it is not as it was written, or does not fit together.
    """
    bundle.check()
    lock = lock_of(bundle)
    check_images(bundle.contents, lock)
    names = set()
    for snapshot in bundle.contents.snapshots:
        manifest = snapshot_manifest(bundle, snapshot)
        names |= {f"{SNAPSHOTS}{snapshot}/{one}" for one in (MANIFEST, *(file.file for file in manifest.archives))}
        for archive in manifest.archives:
            part = bundle.contents.part(f"{SNAPSHOTS}{snapshot}/{archive.file}")
            if (part.size, part.sha256) != (archive.stored, archive.sha256):
                raise BrokenBundleError(f"snapshot {snapshot} is not what its manifest says")
    if names != {part.name for part in bundle.contents.under(SNAPSHOTS)}:
        raise BrokenBundleError("it has files that belong to no snapshot")
    return lock


def lock_of(bundle: Bundle) -> Lock:
    """Return the lock in ``bundle``; raises BrokenBundleError where it is none."""
    name = bundle.contents.lock
    try:
        return lock_in(Source(name.removeprefix(PROJECT), bundle.read(name).decode())).lock
    except (EnvmanError, UnicodeDecodeError):
        raise BrokenBundleError("its lock is not one") from None


def snapshot_manifest(bundle: Bundle, snapshot: str) -> Manifest:
    """Return the manifest of ``snapshot`` in ``bundle``; raises BrokenBundleError where it is none."""
    try:
        manifest = read_manifest(bundle.read(f"{SNAPSHOTS}{snapshot}/{MANIFEST}").decode())
    except (BrokenManifestError, UnicodeDecodeError) as error:
        raise BrokenBundleError(f"snapshot {snapshot}: {error}") from None
    if manifest.name != snapshot.rpartition("/")[2]:
        raise BrokenBundleError(f"snapshot {snapshot} is another one")
    return manifest


def check_sum(path: Path, expected: str) -> None:
    """Raise EV691 where the SHA-256 of ``path`` is not ``expected``."""
    import hashlib

    found_digest = hashlib.sha256()
    with open_bundle(path) as file:
        while piece := file.read(PIECE):
            found_digest.update(piece)
    found = found_digest.hexdigest()
    if found != expected.removeprefix("sha256:").lower():
        raise fail(
            "EV691",
            f"{path} has the SHA-256 {found}",
            expected=expected,
            help="nothing was loaded; it is another bundle than the one that you were told of, or it was changed",
        )


def load_bundle(workspace: Workspace, path: Path, progress: Progress, *, into: Path | None = None) -> Loaded:
    """Load the bundle at ``path`` into the workspace's engine; its project, if anywhere, goes ``into`` a new folder.

    Names that other images have stay theirs. Raises as ``load_onto``.
    """
    return load_onto(workspace.engine, path, progress, taken=Taken.BESIDE, into=into)


def load_onto(
    engine: Engine,
    path: Path,
    progress: Progress,
    *,
    taken: Taken,
    platform: str | None = None,
    into: Path | None = None,
    shelve: Callable[[Bundle], tuple[str, ...]] | None = None,
) -> Loaded:
    """Load the bundle at ``path`` onto ``engine``; its project, if anywhere, goes ``into`` a new folder.

    Everything in it is checked before anything is loaded. What a name that another image has becomes is ``taken``'s to
    say; ``platform`` names the bundle's where the engine's is another. ``shelve`` is called last, with everything else
    in place, and says which snapshots it has put on a shelf.

    Raises:
        EnvmanError: EV684, EV685 for the file, EV686 to EV689 and EV524 for what cannot be loaded or unpacked.
    """
    progress.step(f"checking {path}")
    with opened(path) as bundle:
        lock = verify(bundle)
        with unpacked(bundle, into) as settle, loaded_images(engine, bundle, progress, taken, platform) as images:
            settle()
            snapshots = shelve(bundle) if shelve is not None else ()
        return Loaded(bundle.contents, lock, images.ids, images.names, images.fresh, into, snapshots)
