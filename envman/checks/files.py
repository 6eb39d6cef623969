"""Files of the project that the stack needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from envman.diagnostics import Diagnostic, Severity
from envman.model.environment import Environment
from envman.model.service import Service
from envman.model.types import truth


def missing_files(environment: Environment, root: Path) -> Iterator[Diagnostic]:
    """EV307: build contexts, Dockerfiles, env files, configs, secrets and binds that are not there."""
    for name, service in environment.stack.services.items():
        yield from _of_service(environment, root, name, service)
    for kind, entries in (("configs", environment.stack.configs), ("secrets", environment.stack.secrets)):
        for name, entry in entries.items():
            if entry.file is not None and not (root / entry.file).expanduser().exists():
                yield _missing(environment, entry.file, kind, name, "file")


def _of_service(environment: Environment, root: Path, name: str, service: Service) -> Iterator[Diagnostic]:
    build = service.build
    if build is not None and build.context is not None and _is_local(build.context):
        context = (root / build.context).expanduser()
        if not context.is_dir():
            yield _missing(environment, build.context, "services", name, "build", "context")
        elif build.dockerfile_inline is None:
            dockerfile = build.dockerfile or "Dockerfile"
            if not (context / dockerfile).is_file():
                attribute = "dockerfile" if build.dockerfile else "context"
                yield _missing(environment, dockerfile, "services", name, "build", attribute)
    for index, file in enumerate(service.env_file or ()):
        required = file.required is None or truth(file.required)
        if required and not (root / file.path).expanduser().is_file():
            # The one of these that Compose itself refuses, for every command.
            yield _missing(environment, file.path, "services", name, "env_file", index, "path", severity=Severity.ERROR)
    for index, mount in enumerate(service.volumes or ()):
        if mount.type == "bind" and mount.source and not (root / mount.source).expanduser().exists():
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


def _is_local(context: str) -> bool:
    return "://" not in context and not context.startswith("git@") and not context.startswith("github.com/")


def _missing(
    environment: Environment, file: str, *path: str | int, severity: Severity = Severity.WARNING
) -> Diagnostic:
    return Diagnostic(
        "EV307", f"{file} does not exist", environment.span(*path), "a path that exists", severity=severity
    )
