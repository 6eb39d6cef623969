"""Files of the project that the stack needs."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from envman.diagnostics import Diagnostic, EnvmanError, Severity
from envman.model.environment import Environment
from envman.model.service import Service
from envman.model.types import truth
from envman.source.files import examine
from envman.source.places import is_elsewhere, locate, status


def missing_files(environment: Environment, root: Path) -> Iterator[Diagnostic]:
    """EV307: build contexts, Dockerfiles, env files, configs, secrets and binds that are not there."""
    for name, service in environment.stack.services.items():
        yield from _of_service(environment, root, name, service)
    for kind, entries in (("configs", environment.stack.configs), ("secrets", environment.stack.secrets)):
        for name, entry in entries.items():
            if entry.file is not None and status(root, entry.file) is None:
                yield _missing(environment, entry.file, kind, name, "file")


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
    for index, file in enumerate(service.env_file or ()):
        required = file.required is None or truth(file.required)
        if required and status(root, file.path) is None:
            # The one of these that Compose itself refuses, for every command.
            yield _missing(environment, file.path, "services", name, "env_file", index, "path", severity=Severity.ERROR)
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


def unfit_env_files(environment: Environment, root: Path) -> Iterator[Diagnostic]:
    """EV002, EV110: env files that Compose would wait for or choke on. EV007: those that are not in the project."""
    for name, service in environment.stack.services.items():
        for index, file in enumerate(service.env_file or ()):
            path = locate(root, file.path)
            if path is None or status(root, file.path) is None:
                continue
            span = environment.span("services", name, "env_file", index, "path")
            try:
                examine(path, file.path)
            except EnvmanError as error:
                yield from (dataclasses.replace(one, span=span) for one in error.diagnostics)
                continue
            if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
                yield Diagnostic(
                    "EV007",
                    f"{file.path} leads out of the project",
                    span,
                    "a file of the project",
                    help="a checkout on another machine will not have it; copy it into the project",
                    severity=Severity.WARNING,
                )


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
