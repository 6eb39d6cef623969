"""What a lock of an environment would say now, read from this machine. No engine is asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from envman.diagnostics import Diagnostic, EnvmanError, Report, Source
from envman.lock.canonical import canonical_document
from envman.lock.current import Current, context_digest, describe
from envman.lock.uses import image_uses, local_context, workloads
from envman.model.environment import Environment
from envman.model.files import Use, named_files
from envman.operations.workspace import Workspace
from envman.project import BLUEPRINTS, load_environment
from envman.registry.places import mapped
from envman.source.files import read_text
from envman.source.places import is_file, locate
from envman.state.builds import read_hashes, write_hashes
from envman.state.checkout import PRIVATE

_DEFAULT: Final = "Dockerfile"


def described(workspace: Workspace, environment: Environment, *, contexts: bool = True) -> Current:
    """Return what a lock of ``environment`` would say; of an instance, what it would say of the environment.

    Without ``contexts`` the files that builds send are not looked at.

    Raises:
        EnvmanError: EV536 and EV541 for images that cannot be told.
    """
    shared = without_instance(workspace, environment)
    builds = {name: (section, one.build) for section, name, one in workloads(shared) if one.build is not None}
    problems: list[Diagnostic] = []
    dockerfiles = {name: dockerfile_of(workspace.project.root, shared, section, name, problems)
                   for name, (section, _) in builds.items()}  # fmt: skip
    uses = image_uses(shared, dockerfiles, workspace.environ)
    problems += uses.problems
    if problems:
        raise EnvmanError(*problems)
    sections = {name: shared.data[section][name]["build"] for name, (section, _) in builds.items()}
    local = {name: one for name, one in sections.items() if local_context(shared, builds[name][0], name) is not None}
    digests = _contexts(workspace, local) if contexts else {}
    store = workspace.store(environment)
    return describe(
        shared,
        canonical_document(shared, workspace.file_digests(shared, Use.CONTENT)),
        uses,
        contexts={name: digests.get(name) for name in builds},
        process=workspace.environ,
        values=_values(workspace, environment),
        mark=store.mark,
        key=store.key_name(),
    )


def mapped_bases(workspace: Workspace, environment: Environment) -> dict[str, dict[str, str]]:
    """Return the images that builds start from where the registry map takes them from elsewhere, as in ``Facts``.

    What cannot be told of a Dockerfile the build itself will say.
    """
    builds = [(section, name) for section, name, one in workloads(environment) if one.build is not None]
    dockerfiles = {name: dockerfile_of(workspace.project.root, environment, section, name, [])
                   for section, name in builds}  # fmt: skip
    found: dict[str, dict[str, str]] = {}
    for name, build in image_uses(environment, dockerfiles, workspace.environ).builds.items():
        for key, base in build.bases.items():
            place = mapped(base, workspace.places)
            if place != base:
                found.setdefault(name, {})[key] = place.familiar
    return found


def without_instance(workspace: Workspace, environment: Environment) -> Environment:
    """Return ``environment`` as it is beside its instances: they share its lock.

    Raises:
        EnvmanError: as ``load_environment``, where the blueprint has changed meanwhile.
    """
    if environment.instance is None:
        return environment
    report = Report()
    found = load_environment(
        workspace.project, environment.name, report, settings=workspace.settings, process=workspace.environ
    )
    report.raise_errors()
    assert found is not None  # there was no error
    return found


def dockerfile_of(
    root: Path, environment: Environment, section: str, name: str, problems: list[Diagnostic]
) -> Source | None:
    """Return the Dockerfile of a service or job, also one that stands in the blueprint; None where it is not here.

    ``problems`` get why it cannot be read.
    """
    build = environment.data[section][name]["build"]
    if build.get("dockerfile_inline"):
        span = environment.span(section, name, "build", "dockerfile_inline")
        return Source(f"{span.source.name} ({name}.build.dockerfile_inline)", str(build["dockerfile_inline"]))
    context = local_context(environment, section, name)
    if context is None:
        return None
    written = str(build.get("dockerfile") or _DEFAULT)
    path = locate(root, str(Path(context) / written))
    if path is None or not is_file(path):
        return None  # EV307 warns of it, and a build says so
    shown = os.path.normpath(Path(context) / written)
    try:
        return Source(shown, read_text(path, shown))
    except EnvmanError as error:
        problems += error.diagnostics
        return None


def _contexts(workspace: Workspace, builds: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    from envman.source.context import FileHashes, build_inputs

    # Looked at anew each time, as in a plan: no record is kept of these looks.
    state, root = (Path(os.fspath(one)) for one in (workspace.checkout.state, workspace.project.root))
    hashes = FileHashes(read_hashes(state))
    found: dict[str, str | None] = {}
    for name, build in builds.items():
        files = build_inputs(build, root, hashes).files
        if files is None:
            found[name] = None
            continue
        found[name] = digest_of_files(root, str(build.get("context") or "."), files)
    if not hashes.fresh.items() <= hashes.known.items():
        write_hashes(state, {**hashes.known, **hashes.fresh})
    return found


def digest_of_files(root: Path, context: str, files: Mapping[str, str]) -> str:
    """Return the digest of what a build from folder ``context`` sends; what is envman's own does not count."""
    base = Path(os.path.normpath(root / context))
    return context_digest({path: one for path, one in files.items() if not _is_envmans(root, base, path)})


def _is_envmans(root: Path, base: Path, path: str) -> bool:
    """Whether a file of a context is envman's own: no lock can hold its own digest, and renders are a machine's."""
    try:
        parts = (base / path).relative_to(root).parts
    except ValueError:
        return False
    return parts[0] == PRIVATE or (len(parts) == 2 and parts[0] == BLUEPRINTS and path.endswith(".lock"))


def _values(workspace: Workspace, environment: Environment) -> dict[str, bytes]:
    """Return the values of secrets that are there, and the contents of env files, by name."""
    store = workspace.store(environment)
    values: dict[str, bytes] = {}
    for name, secret in environment.stack.secrets.items():
        if secret.file is not None and secret.source is None:
            content = workspace.content(secret.file)
            if content is not None:
                values[name] = content
        elif secret.environment is not None and secret.source is None:
            if secret.environment in environment.handed.values:
                values[name] = environment.handed.values[secret.environment].encode()
        # What is generated an instance has of its own.
        elif not (secret.source == "generate" and environment.instance is not None):
            value = store.read(name)
            if value is not None:
                values[name] = value.encode()
    for file in named_files(environment.data):
        content = workspace.content(file.name) if file.use is Use.VARIABLES else None
        if content is not None:
            values[f"env_file {file.name}"] = content
    return values
