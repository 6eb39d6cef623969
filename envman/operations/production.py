"""What a reproduction copies: production's environment as it was locked, and the images to run it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from envman.checks.reproduction import unknown_stand_ins
from envman.diagnostics import Diagnostic, EnvmanError, Note, Report
from envman.diagnostics.diagnostic import fail
from envman.lock.compare import Difference, concerns_only, differences
from envman.lock.current import Current
from envman.lock.lock import Lock, LockedBuild, LockedImage
from envman.lock.pins import Held, Names, is_locked_image, names_to_look_for
from envman.lock.text import LockFile, lock_in, read_lock_file
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.operations.described import described
from envman.operations.frozen import names_of, required_lock
from envman.operations.progress import Progress
from envman.operations.resolving import engine_platform, same_platform
from envman.operations.workspace import Workspace
from envman.project import load_environment, open_project
from envman.registry.reference import parse_reference
from envman.reproduction.draft import Images
from envman.source.files import read_source
from envman.source.scalars import text_of

_VARIABLES = "variables."


@dataclass(frozen=True, slots=True)
class Origin:
    """Where production is read from: a project (``workspace``), its lock, and in words what both came from."""

    workspace: Workspace
    name: str
    file: LockFile
    words: str


@dataclass(frozen=True, slots=True)
class Production:
    """Production as it was locked.

    ``images`` are the names to run it with here; ``locked`` what the lock says of the image of each service.
    """

    environment: Environment
    lock: Lock
    words: str
    images: Images
    locked: Mapping[str, LockedImage | LockedBuild]
    platform: str


def origin_of(workspace: Workspace, name: str, source: str | None, progress: Progress, folder: Path) -> Origin:
    """Return where ``name`` is read from: its lock, or ``source``: a file with a lock or bundle, an environment.

    A bundle's images are loaded, and its project is unpacked into ``folder``.

    Raises:
        EnvmanError: EV532 where there is no lock, EV666 where ``source`` is none, EV530, EV531 and EV542 for the lock,
            EV68x for the bundle.
    """
    if source is None:
        file = read_lock_file(workspace.project.root, name)
        if file is None:
            file = required_lock(workspace, workspace.environment(name))
        return Origin(workspace, name, file, f"blueprints/{name}.lock")
    path = Path(source)
    if path.is_file() and is_bundle(path):
        return _bundled(workspace, name, path, progress, folder)
    if path.is_file():
        file = lock_in(read_source(path, root=workspace.project.root))
        if file.lock.environment != name:
            raise fail(
                "EV542",
                f"{source} is the lock of {file.lock.environment}, not of {name}",
                help=f"`envman reproduce {file.lock.environment} --from {source}`",
            )
        return Origin(workspace, name, file, source)
    if source in workspace.project.blueprints:
        # A captured environment is one of this project's, with a lock of its own.
        return origin_of(workspace, source, None, progress, folder)
    raise fail(
        "EV666",
        f"there is nothing called {source} to reproduce {name} from",
        expected="a lock, a bundle, or an environment that was captured",
        help=f"without --from it is blueprints/{name}.lock",
    )


def is_bundle(path: Path) -> bool:
    """Whether the file at ``path`` is no text, and so no lock."""
    try:
        with path.open("rb") as stream:
            return b"\0" in stream.read(1024)
    except OSError:
        return False


def _bundled(workspace: Workspace, name: str, path: Path, progress: Progress, folder: Path) -> Origin:
    from envman.operations.bundle import load_bundle, opened

    # Before any image of it is loaded.
    with opened(path) as bundle:
        held = bundle.contents.environment
    if held != name:
        raise fail("EV666", f"{path} holds {held}, not {name}", help=f"`envman reproduce {held} --from {path}`")
    load_bundle(workspace, path, progress, into=folder)
    there = Workspace(open_project(folder), workspace.environ, {}, workspace.context)
    there.__dict__["checkout"] = workspace.checkout
    file = read_lock_file(folder, name)
    assert file is not None  # no bundle is without one
    return Origin(there, name, file, str(path))


def refuse_other_files(workspace: Workspace, origin: Origin, environment: Environment) -> None:
    """Make sure that what containers read of the project is here as it is there, where that is another folder.

    Raises:
        EnvmanError: EV668 for each file that is missing here, or another one.
    """
    there = origin.workspace
    if there.project.root == workspace.project.root:
        return
    uses = {Use.CONTENT, Use.LABELS, Use.MOUNT, Use.VARIABLES}
    named = {one.name for one in named_files(environment.data) if one.use in uses}
    problems = []
    for name in sorted(named):
        wanted = there.content(name)
        if wanted is not None and wanted != workspace.content(name):
            how = "is another one here" if workspace.content(name) is not None else "is not here"
            problems.append(
                Diagnostic(
                    "EV668",
                    f"{name}, which containers of {origin.name} read, {how}",
                    expected=f"the file that {origin.words} holds",
                    help=f"`envman bundle load {origin.words} --into DIR` makes a project with the bundle's files: "
                    "reproduce there",
                )
            )
    if problems:
        raise EnvmanError(*problems)


def production(workspace: Workspace, origin: Origin) -> Production:
    """Return production as its lock has it: under the variables of the lock, whatever this machine's are.

    Secret values of production's are not asked for: a fixed text stands for each.

    Raises:
        EnvmanError: EV533 to EV535 for all in which lock and blueprint part, EV540 for an image that is locked for
            another platform, EV660 for one that is neither here nor in a registry, EV668 for files that are not the
            bundle's.
    """
    there = _as_locked(origin)
    try:
        loaded = _loaded(there, origin)
    except EnvmanError:
        # A secret that has to be a number, or to fit a pattern, has to come from this machine.
        there = _as_locked(origin, texts=False)
        loaded = _loaded(there, origin)
    environment = _given(loaded, origin.file.lock)
    named = list(unknown_stand_ins(environment))
    if named:
        raise EnvmanError(*named)
    refuse_other_files(workspace, origin, environment)
    current = described(there, environment)
    parted = [one for one in differences(origin.file, current) if not _is_value(one)]
    kept = frozenset(origin.file.lock.builds)
    refused = [one for one in parted if not concerns_only(one, kept, origin.file, current)]
    if refused:
        advice = f"take the blueprints as they were when {origin.words} was written, or `envman lock {origin.name}`"
        raise EnvmanError(*(one.diagnostic(advice) for one in refused))
    platform = engine_platform(workspace.engine.facts())
    names = names_of(workspace, environment)
    images = _images(workspace, origin, current, names, platform)
    locked: dict[str, LockedImage | LockedBuild] = {}
    for service, one in environment.stack.services.items():
        found = _locked_for(origin.file.lock, current, service, one.image)
        if found is not None:
            locked[service] = found
    return Production(environment, origin.file.lock, origin.words, images, locked, platform)


def _is_value(one: Difference) -> bool:
    """Whether a difference is of secrets' values: a copy has its own. What is in an env file is all but secrets."""
    return one.kind == "secret" and not one.name.startswith("env_file ")


def _as_locked(origin: Origin, *, texts: bool = True) -> Workspace:
    """Return a workspace in which variables have the values that are in the lock.

    With ``texts`` a fixed text stands for each secret one.
    """
    before, lock = origin.workspace, origin.file.lock
    settings = {
        name: text_of(one.value)
        for name, one in lock.variables.items()
        if not name.startswith("services.") and one.value is not None
    }
    for name in lock.secrets if texts else ():
        if name.startswith(_VARIABLES):
            settings[name.removeprefix(_VARIABLES)] = placeholder(name.removeprefix(_VARIABLES))
    passed = {name.rpartition(".")[2]: str(one.value) for name, one in lock.variables.items() if "." in name}
    environ = {**before.environ, **passed}
    there = Workspace(before.project, environ, settings, before.context)
    there.__dict__["checkout"] = before.checkout
    return there


def placeholder(variable: str) -> str:
    """Return the text that stands for the secret value of ``variable``."""
    return f"not-the-{variable}-of-production"


def _loaded(there: Workspace, origin: Origin) -> Environment:
    report = Report()
    found = load_environment(there.project, origin.name, report, settings=there.settings, process=there.environ)
    report.raise_errors()
    assert found is not None  # there was no error
    null = {
        name
        for one in found.data.get("services", {}).values()
        for name, value in (one.get("environment") or {}).items()
        if value is None
    }
    locked = {name.rpartition(".")[2] for name in origin.file.lock.variables if "." in name}
    # What production's machine did not have no process may give here.
    there.environ = {name: one for name, one in there.environ.items() if name not in null - locked}
    return found


def _given(environment: Environment, lock: Lock) -> Environment:
    """Return ``environment`` with the values that Compose took from production's process."""
    services = dict(environment.data.get("services") or {})
    for path, one in lock.variables.items():
        section, _, rest = path.partition(".")
        service, _, name = rest.partition(".environment.")
        if section == "services" and name and service in services:
            given = {**(services[service].get("environment") or {}), name: str(one.value)}
            services[service] = {**services[service], "environment": given}
    return replace(environment, data={**environment.data, "services": services})


def _locked_for(lock: Lock, current: Current, service: str, image: str | None) -> LockedImage | LockedBuild | None:
    if service in current.uses.builds:
        return lock.builds.get(service)
    reference = parse_reference(image) if image else None
    return lock.images.get(reference.canonical) if reference is not None else None


def _images(workspace: Workspace, origin: Origin, current: Current, names: Names, platform: str) -> Images:
    from envman.engine.images import find_images

    lock = origin.file.lock
    local = find_images(workspace.engine, names_to_look_for(lock, current, names))
    problems: list[Diagnostic] = []
    built, named = {}, {}
    for what, written, locked in _needed(lock, current, names):
        called = locked.image if isinstance(locked, LockedBuild) else written
        name = _chosen(called, names, locked, local, platform)
        elsewhere = locked.platforms and not any(same_platform(platform, one) for one in locked.platforms)
        if elsewhere and not _runs_as(current.environment, what):
            problems.append(
                Diagnostic(
                    "EV540",
                    f"{what} is locked for {', '.join(sorted(locked.platforms))}, and would run on {platform}",
                    expected=f"an image for {platform}",
                    help="lock an image that is there for both, or say under `platform:` what it is to run as",
                )
            )
        elif name is None:
            problems.append(_absent(origin, current, what, locked))
        elif what in current.uses.builds:
            built[what] = name
        else:
            named[written] = name
    if problems:
        raise EnvmanError(*problems)
    return Images(built, named)


def _absent(origin: Origin, current: Current, what: str, locked: LockedImage | LockedBuild) -> Diagnostic:
    """Return the error of an image that neither a registry nor this engine has."""
    name = current.environment.name
    note = Note("the lock says so here", origin.file.span("builds" if what in current.uses.builds else "images", what))
    known = next((one.image for one in locked.platforms.values() if one.image), None)
    if known is None and what in current.uses.builds:
        return Diagnostic(
            "EV660",
            f"the image of {what} was not built when {name} was locked",
            notes=(note,),
            help=f"`envman build {name}` builds it, and `envman lock {name}` locks what was built; then do this again",
        )
    return Diagnostic(
        "EV660",
        f"the image of {what} was not pushed, and this engine does not have it",
        expected=known or "a digest in the lock",
        notes=(note,),
        help="push it where it was built and lock again, or bring it along with `envman bundle`",
    )


def _runs_as(environment: Environment, what: str) -> bool:
    service = environment.stack.services.get(what)
    return service is not None and service.platform is not None


def _needed(lock: Lock, current: Current, names: Names) -> Iterator[tuple[str, str, LockedImage | LockedBuild]]:
    """Yield who runs an image, how it is called, and what is locked: no image that only builds start from."""
    for canonical, image in current.uses.images.items():
        places = [one for one in image.places if not one.what.endswith(".build") and one.what.startswith("services.")]
        if places and canonical in lock.images:
            for written in image.written:
                yield places[0].workload, written, lock.images[canonical]
    for name, build in current.uses.builds.items():
        if name in lock.builds and build.section == "services":
            yield name, names.built[name], lock.builds[name]


def _chosen(
    written: str, names: Names, locked: LockedImage | LockedBuild, local: Mapping[str, Held], platform: str
) -> str | None:
    """Return a name that leads to nothing but the locked image: one with its digest, else its ID."""
    reference = parse_reference(written)
    pinned = []
    if locked.digest is not None and reference is not None:
        elsewhere = names.pinned(written, locked.digest)
        pinned = [one for one in (elsewhere, reference.pinned(locked.digest).familiar) if one is not None]
    for name in pinned:
        if name in local:
            return name
    for name in (*(one.image for one in locked.platforms.values() if one.image), *names.of(written)):
        held = local.get(name)
        if held is not None and is_locked_image(locked, held, platform):
            return held.id
    return pinned[0] if pinned else None
