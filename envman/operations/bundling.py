"""Making a bundle: an environment, its images and, where asked for, data, as one file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from envman.bundle.carried import carried_files
from envman.bundle.checking import Bundle, open_bundle
from envman.bundle.container import PIECE, BrokenBundleError, NewerBundleError, fits
from envman.bundle.contents import DOCUMENT, OCI, SNAPSHOTS, Contents
from envman.bundle.layout import LAYOUT, index, load_list, read_manifest
from envman.bundle.wanted import platforms_of, wanted_images
from envman.bundle.writing import MODE, Ingredient, ingredient, write_bundle
from envman.diagnostics import EnvmanError, Report
from envman.diagnostics.diagnostic import fail
from envman.lock.canonical import Canonical, canonical_document
from envman.lock.lock import Lock
from envman.lock.text import lock_text
from envman.model.environment import Environment
from envman.model.files import Use
from envman.operations.bundled_images import Gathered, Gathering
from envman.operations.described import without_instance
from envman.operations.frozen import advice
from envman.operations.locking import reachable_engine
from envman.operations.progress import Progress
from envman.operations.resolving import engine_platform, same_platform
from envman.operations.shelves import shelf_of
from envman.operations.verify import check_lock
from envman.operations.workspace import Workspace
from envman.render.document import escape
from envman.snapshot.shelf import MANIFEST
from envman.source.files import explain_os_error
from envman.source.places import is_file
from envman.source.tree import Scalar, dotted, leaves, node_at
from envman.source.writer import write_yaml
from envman.version import installed_version


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
        EnvmanError: EV532 to EV535 where the environment is not locked, or not as it was locked; EV681 and EV682 for
            an image, EV640 and EV643 for a snapshot, EV683 where the file cannot be written.
    """
    from envman.engine.registry import Registries

    key = environment.key
    environment = without_instance(workspace, environment)
    lock = locked(workspace, environment, progress)
    platform = asked.platform or _platform(workspace, lock)
    wanted = wanted_images(lock, platform)
    _check_target(path)
    engine = reachable_engine(workspace)
    snapshots, data = _snapshots(workspace, key, asked.snapshots)
    document = canonical_document(environment, workspace.file_digests(environment, Use.CONTENT))
    _warn_of_secrets(workspace, environment, document)
    carried = carried_files(environment, workspace.project.root, outer_values(workspace, environment, lock))
    with (
        _written(path),
        tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder,
        Registries.of(engine, workspace.environ, places=workspace.places) as registries,
    ):
        gathered = Gathering(engine, registries, Path(folder), progress).gather(wanted)
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
            DOCUMENT: ingredient(DOCUMENT, write_yaml(escape(document.data)).encode()),
        }
        progress.step(f"writing {path}")
        unfinished = Path(folder) / "unfinished"
        contents, size, sha256 = _write(unfinished, outline, files.values())
        unfinished.replace(path)
        _keep_name(path.parent)
    return Made(path, contents, size, sha256)


def _write(path: Path, outline: Contents, files: Iterable[Ingredient]) -> tuple[Contents, int, str]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
        contents, sha256 = write_bundle(file, outline, files)
        file.flush()
        os.fsync(file.fileno())
        return contents, file.tell(), sha256


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
        if path.exists() and not path.is_file():
            raise fail(
                "EV683",
                f"{path} is a pipe or a device",
                expected="a file",
                help="a bundle gets its name when it is whole, so it cannot be written as it comes; copy the file",
            )
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


def locked(workspace: Workspace, environment: Environment, progress: Progress) -> Lock:
    """Return the lock of ``environment``, which must be as it says; what a build would send now need not.

    Raises:
        EnvmanError: EV532 where there is none, EV533 to EV535 for each thing in which they part.
    """
    file, found, _ = check_lock(workspace, environment)
    refused = [one for one in found if one.kind != "context"]
    if refused:
        raise EnvmanError(*(one.diagnostic(advice(environment)) for one in refused))
    for one in found:
        progress.warning(f"{one.message}; the image that was locked is what goes into the bundle")
    return file.lock


def outer_values(workspace: Workspace, environment: Environment, lock: Lock) -> dict[str, str]:
    """Return the locked values that come from outside of the blueprints, by their names in ``.env`` files."""
    files = {*environment.files, *(name for names in environment.reached for name in names)}
    found = {}
    for path, one in lock.variables.items():
        if one.value is None or any(one.origin == name or f"({name})" in one.origin for name in files):
            continue
        # A variable that a container is given by its name alone is locked by its place.
        name = path.rpartition(".")[2]
        value = str(one.value).lower() if isinstance(one.value, bool) else str(one.value)
        found[name if name != path else _outer_name(workspace, environment, name)] = value
    return found


def _outer_name(workspace: Workspace, environment: Environment, variable: str) -> str:
    name = variable
    for layer in environment.layers:
        read = workspace.project.layer(layer, Report())
        node = node_at(read.tree, ("variables", variable, "env")) if read is not None else None
        name = str(node.value) if isinstance(node, Scalar) else name
    return name


def _warn_of_secrets(workspace: Workspace, environment: Environment, document: Canonical) -> None:
    """EV690: values that look like secrets and stand in a blueprint, which goes into a bundle as it is."""
    files = {*environment.files, *(name for names in environment.reached for name in names)}
    for path, leaf in leaves(environment.tree):
        if dotted(path) not in document.withheld:
            continue
        origins = [environment.scope[name].origin.span for name in leaf.variables] if leaf.variables else [leaf.span]
        span = next((one for one in origins if one is not None and one.source.name in files), None)
        if span is not None:
            workspace.report.warning(
                "EV690",
                f"{dotted(path)} looks like a secret, and stands in a blueprint: it is in the bundle",
                span,
                help="make it a secret, or a variable that gets its value from outside of the blueprints",
            )


def _platform(workspace: Workspace, lock: Lock) -> str:
    """Return the platform of a bundle for which none was named: the only one, else the engine's."""
    platforms = platforms_of(lock)
    if len(platforms) == 1:
        return platforms[0]
    if not platforms:
        # Which images lack which platform is said by who looks for them.
        return "linux/amd64"
    engine = reachable_engine(workspace)
    own = engine_platform(engine.facts()) if engine is not None else ""
    found = next((one for one in platforms if same_platform(one, own)), None)
    if found is not None:
        return found
    raise fail(
        "EV682",
        f"the lock of {lock.environment} is for {', '.join(platforms)}, and the bundle can be for one of them",
        help="choose it with `--platform`",
    )


def _snapshots(workspace: Workspace, own: str, names: Sequence[str]) -> tuple[tuple[str, ...], list[Ingredient]]:
    """Return the names of snapshots as ``ENVIRONMENT/NAME``, and their files."""
    found: dict[str, list[Ingredient]] = {}
    for asked in names:
        key, slash, name = asked.rpartition("/")
        key = key if slash else own
        shelf = shelf_of(workspace, key)
        manifest = shelf.read(name)
        folder = f"{SNAPSHOTS}{key}/{name}/"
        files = []
        for archive in manifest.archives:
            path = shelf.path(name) / archive.file
            if not fits(folder + archive.file) or not is_file(path) or path.stat().st_size != archive.stored:
                raise fail(
                    "EV643",
                    f"snapshot {name} of {key} is damaged: {archive.file} is not what was written",
                    help="no bundle was written; use another snapshot",
                )
            files.append(Ingredient(folder + archive.file, archive.stored, partial(_pieces, path), archive.sha256))
        text = (shelf.path(name) / MANIFEST).read_bytes()
        files.append(ingredient(folder + MANIFEST, text))
        found[f"{key}/{name}"] = files
    return tuple(sorted(found)), [one for files in found.values() for one in files]


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
