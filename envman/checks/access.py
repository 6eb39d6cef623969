"""Files that are there, and that the container's user cannot read all the same."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from envman.diagnostics import Diagnostic, Severity
from envman.model.environment import Environment
from envman.model.service import Service
from envman.model.types import truth
from envman.source import places
from envman.source.tree import Path as TreePath


def unreadable_files(environment: Environment, root: Path) -> Iterator[Diagnostic]:
    """EV318: a host file, mounted for a user who is not root, whose mode forbids that user to read it.

    Compose mounts the files of configs and secrets as they are: ``uid``, ``gid`` and ``mode`` of a grant are for Swarm.
    """
    for name, service in environment.stack.services.items():
        if service.user is None or service.user.partition(":")[0] in {"", "0", "root"}:
            continue
        for path, place in _mounted(environment, name, service):
            mode = _status(root, path)
            if mode is not None and not _may_read(service.user, mode):
                kind = "folder" if stat.S_ISDIR(mode.st_mode) else "file"
                yield Diagnostic(
                    "EV318",
                    f"{name} runs as user {service.user}, who may not read the {kind} {path} "
                    f"(mode {stat.S_IMODE(mode.st_mode):04o})",
                    environment.span(*place),
                    "a path that others may read",
                    help=f"chmod o+r{'x' if kind == 'folder' else ''} {path}"
                    + (", or make it a secret with `source: file`" if kind == "file" else ""),
                    severity=Severity.WARNING,
                )


def unwritable_grants(environment: Environment, *, remote: bool = False) -> Iterator[Diagnostic]:
    """EV319: Compose writes what is in no file into the container, and refuses to where that is read-only.

    On a ``remote`` engine envman hands its own secrets over that way too; there this is an error.
    """
    for name, service in environment.stack.services.items():
        if service.read_only is None or not truth(service.read_only):
            continue
        for index, grant in enumerate(service.secrets or ()):
            secret = environment.stack.secrets.get(grant.source)
            if secret is None or not (secret.environment or (remote and secret.source)):
                continue
            yield Diagnostic(
                "EV319",
                f'secret "{grant.source}" cannot be written into {name}, whose file system is read-only',
                environment.span("services", name, "secrets", index, "source"),
                "a service that is not `read_only`" if remote else "a secret that is a file",
                help="use a local engine, where secrets are mounted, or remove `read_only:`"
                if remote
                else f"write `source: env` with `variable: {secret.environment}` instead of `environment:`",
                severity=Severity.ERROR if remote else Severity.WARNING,
            )
        for index, grant in enumerate(service.configs or ()):
            config = environment.stack.configs.get(grant.source)
            if config is not None and (config.content is not None or config.environment):
                yield Diagnostic(
                    "EV319",
                    f'config "{grant.source}" cannot be written into {name}, whose file system is read-only',
                    environment.span("services", name, "configs", index, "source"),
                    "a config that is a file",
                    help="put the content into a file, and name it with `file:`",
                    severity=Severity.WARNING,
                )


def _mounted(environment: Environment, name: str, service: Service) -> Iterator[tuple[str, TreePath]]:
    for index, mount in enumerate(service.volumes or ()):
        if mount.type == "bind" and mount.source:
            yield mount.source, ("services", name, "volumes", index, "source")
    stack = environment.stack
    for grant in service.configs or ():
        config = stack.configs.get(grant.source)
        if config is not None and config.file:
            yield config.file, ("configs", grant.source, "file")
    for grant in service.secrets or ():
        secret = stack.secrets.get(grant.source)
        if secret is not None and secret.file:
            yield secret.file, ("secrets", grant.source, "file")


def _status(root: Path, path: str) -> os.stat_result | None:
    status = places.status(root, path)
    return status if status is not None and stat.S_IFMT(status.st_mode) in {stat.S_IFREG, stat.S_IFDIR} else None


def _may_read(user: str, status: os.stat_result) -> bool:
    """Whether the mode lets ``user`` read. A user by name has an unknown number: others' rights must do."""
    uid, _, gid = user.partition(":")
    wanted = 0o5 if stat.S_ISDIR(status.st_mode) else 0o4
    if uid == str(status.st_uid):
        wanted <<= 6
    elif gid == str(status.st_gid):
        wanted <<= 3
    return status.st_mode & wanted == wanted
