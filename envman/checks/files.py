"""Files of the project that the stack needs."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from envman.diagnostics import Diagnostic, EnvmanError, Severity
from envman.model.environment import Environment
from envman.model.files import NamedFile, Use, named_files
from envman.model.service import Service
from envman.model.types import truth
from envman.source.files import examine
from envman.source.places import is_elsewhere, locate, status


def missing_files(environment: Environment, root: Path) -> Iterator[Diagnostic]:
    """EV307: files and folders that an environment names and that are not there."""
    for name, service in environment.stack.services.items():
        yield from _of_service(environment, root, name, service)
    for file in _named(environment):
        if file.place[-2:] in _OF_A_BUILD or _is_mount(file):
            continue
        # What `source: file` names, who provides it says (EV504).
        if file.place[0] == "secrets" and file.place[-1] == "path":
            continue
        if status(root, file.name) is None and (file.required or file.use is not Use.VARIABLES):
            # Compose itself refuses what a service requires.
            severity = Severity.ERROR if file.required else Severity.WARNING
            yield _missing(environment, file.name, *file.place, severity=severity)


def _named(environment: Environment) -> Iterator[NamedFile]:
    services = environment.stack.services
    for file in named_files(environment.data):
        if file.place[0] != "services" or file.place[1] in services:
            yield file


# Looked at together: one lies in the other.
_OF_A_BUILD: Final = frozenset({("build", "context"), ("build", "dockerfile")})


def _is_mount(file: NamedFile) -> bool:
    return file.use is Use.MOUNT and file.place[0] == "services" and file.place[2] == "volumes"


def _of_service(environment: Environment, root: Path, name: str, service: Service) -> Iterator[Diagnostic]:
    build = service.build
    if build is not None and build.context is not None and not is_elsewhere(build.context):
        context = locate(root, build.context)
        if context is None or not _is_folder(root, build.context):
            yield _missing(environment, build.context, "services", name, "build", "context")
        elif build.dockerfile_inline is None:
            dockerfile = build.dockerfile or "Dockerfile"
            if status(context, dockerfile) is None:
                attribute = "dockerfile" if build.dockerfile else "context"
                yield _missing(environment, dockerfile, "services", name, "build", attribute)
    for index, mount in enumerate(service.volumes or ()):
        if mount.type == "bind" and mount.source and status(root, mount.source) is None:
            path = ("services", name, "volumes", index, "source")
            creates = (
                mount.bind is not None
                and mount.bind.create_host_path is not None
                and truth(mount.bind.create_host_path)
            )
            yield Diagnostic(
                "EV307",
                f"{mount.source} does not exist"
                + ("; the engine would make a folder that belongs to root" if creates else ""),
                environment.span(*path),
                "a path that exists",
                help="create it before `envman up`",
                severity=Severity.WARNING,
            )


def unfit_files(environment: Environment, root: Path) -> Iterator[Diagnostic]:
    """EV002, EV110: files that Compose would wait for or choke on. EV007: those that are not in the project."""
    for file in _named(environment):
        if file.use not in _READ or file.place[0] == "configs":
            continue
        path = locate(root, file.name)
        if path is None or status(root, file.name) is None:
            continue
        span = environment.span(*file.place)
        try:
            examine(path, file.name)
        except EnvmanError as error:
            yield from (dataclasses.replace(one, span=span) for one in error.diagnostics)
            continue
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            yield Diagnostic(
                "EV007",
                f"{file.name} leads out of the project",
                span,
                "a file of the project",
                help="a checkout on another machine will not have it; copy it into the project",
                severity=Severity.WARNING,
            )


# Files that are read to their end, and not only mounted.
_READ: Final = frozenset({Use.CONTENT, Use.LABELS, Use.VARIABLES})


def _is_folder(root: Path, path: str) -> bool:
    found = status(root, path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def _missing(
    environment: Environment, file: str, *path: str | int, severity: Severity = Severity.WARNING
) -> Diagnostic:
    return Diagnostic(
        "EV307", f"{file} does not exist", environment.span(*path), "a path that exists", severity=severity
    )


def binds_with_colons(environment: Environment, root: Path) -> Iterator[Diagnostic]:
    """EV104: Compose hands a bind to the engine as ``SOURCE:TARGET``, which no colon in a path survives.

    With ``create_host_path: false`` it uses the engine's other form, which takes any path.
    """
    for name, service in environment.stack.services.items():
        for index, mount in enumerate(service.volumes or ()):
            source = locate(root, mount.source) if mount.type == "bind" and mount.source else None
            if source is None or ":" not in f"{source}{mount.target}":
                continue
            creates = mount.bind.create_host_path if mount.bind is not None else None
            if creates is None or truth(creates):
                yield Diagnostic(
                    "EV104",
                    f"{source} has a colon, so Compose cannot mount it",
                    environment.span("services", name, "volumes", index, "source"),
                    "a path without a colon",
                    help="rename the folder, or write the bind in its long form with `create_host_path: false`",
                )
