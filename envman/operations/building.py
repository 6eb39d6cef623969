"""Building the images of an environment: several at once with bake, and with Compose where that cannot be."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from envman.diagnostics import EnvmanError, Note
from envman.diagnostics.diagnostic import fail
from envman.operations.build_failure import read_failure
from envman.operations.planning import inputs_of, remember_builds
from envman.operations.prepare import Prepared
from envman.operations.progress import Progress
from envman.operations.stamps import stamps_of
from envman.operations.trouble import trouble
from envman.operations.workspace import Workspace
from envman.render.bake import InexpressibleError, Stamp, bake

if TYPE_CHECKING:
    from envman.engine.command import Handle

TAIL: Final = 40
# bake tries standard input as a Compose file first, and takes every `$` of an argument for a variable then.
_MISREAD: Final = re.compile(r'WARNING: The "?\w+"? variable is not set\. Defaulting to a blank string')


def build(
    workspace: Workspace,
    prepared: Prepared,
    services: Sequence[str],
    progress: Progress,
    *,
    no_cache: bool = False,
    pull_bases: bool = False,
) -> None:
    """Build the images of ``services``, the output goes to ``progress``, and remember what they were built from.

    Raises:
        EnvmanError: EV602 with the end of the build's own output.
    """
    progress.step(f"building {', '.join(services)}")
    inputs = inputs_of(workspace, prepared.document, services)
    stamps = stamps_of(workspace, prepared.document, inputs)
    started = _start_bake(workspace, prepared, services, stamps, progress, no_cache=no_cache, pull_bases=pull_bases)
    if started is None:
        stamps = {}
        flags = [*(["--no-cache"] if no_cache else []), *(["--pull"] if pull_bases else [])]
        handle = prepared.compose.start("--progress", "plain", "--profile", "*", "build", *flags, *services)
        targets: Mapping[str, str] = {name: name for name in services}
    else:
        handle, targets = started
    if drain(handle, progress) != 0:
        raise _failed(workspace, prepared, services, targets, handle, progress)
    remember_builds(workspace, prepared.environment, inputs, stamps)


def _start_bake(
    workspace: Workspace,
    prepared: Prepared,
    services: Sequence[str],
    stamps: Mapping[str, Stamp],
    progress: Progress,
    *,
    no_cache: bool,
    pull_bases: bool,
) -> tuple[Handle, Mapping[str, str]] | None:
    """Start bake, and return it with the targets by service; None where Compose has to build, which is said."""
    from envman.engine.bake import MINIMUM_BUILDX, Buildx

    root = Path(os.fspath(workspace.project.root))
    compose = prepared.compose
    buildx = Buildx(compose.endpoint, compose.environ, compose.secrets, root)
    builder = buildx.builder()
    if builder is None:
        oldest = ".".join(map(str, MINIMUM_BUILDX))
        progress.warning(f"Compose builds, as there is no buildx of {oldest} or newer: without labels and set times")
        return None
    try:
        baked = bake(
            prepared.document,
            root,
            services,
            environ=compose.environ,
            stamps=stamps,
            no_cache=no_cache,
            pull=pull_bases,
            # The engine's own builder has no way to: it unpacks what it exports.
            rewrite_timestamps=builder.driver != "docker",
        )
    except InexpressibleError as error:
        progress.warning(f"Compose builds, as {error}, which bake does not know: without labels and set times")
        return None
    names = list(dict.fromkeys(baked.targets.values()))
    return buildx.start(baked.definition, names, baked.allow, attested=baked.attested), baked.targets


def _failed(
    workspace: Workspace,
    prepared: Prepared,
    services: Sequence[str],
    targets: Mapping[str, str],
    handle: Handle,
    progress: Progress,
) -> EnvmanError:
    from envman.operations.described import dockerfile_of

    environment, tail = prepared.environment, handle.tail(TAIL)
    known = trouble(prepared, tail)
    if known is not None:
        return EnvmanError(known)
    failed = [name for name in services if re.search(_failure(targets[name]), tail)] or [
        name for name in services if re.search(rf"\[{re.escape(targets[name])}[ \]]", tail)
    ]
    first = (failed or list(services))[0]
    section = "services" if first in environment.stack.services else "jobs"
    span = environment.key_span(section, first, "build")
    found = read_failure(tail)
    dockerfile = dockerfile_of(workspace.project.root, environment, section, first, []) if found is not None else None
    if found is None or dockerfile is None:
        # What was written already is not written again.
        detail, message = "" if progress.keeps_lines else tail, f"building {', '.join(failed or services)} failed"
    else:
        detail = "" if progress.keeps_lines else "\n".join(found.output)
        message = f"building {first} failed: {found.reason}"
    again = f"`envman build {environment.name} {first}` shows all of the build's output"
    above = "the build's own output is above"
    return fail(
        "EV602",
        message,
        found.span(dockerfile) if found is not None and dockerfile is not None else span,
        notes=(Note(f"{first} is built here", span),) if dockerfile is not None else (),
        help=above if progress.keeps_lines else again,
        detail=detail,
    )


def _failure(target: str) -> str:
    """Return what bake says of a target that failed, as a pattern."""
    return rf"(?m)^(?:ERROR: )?target {re.escape(target)}: |^ > \[{re.escape(target)}[ \]]"


def drain(handle: Handle, progress: Progress | None) -> int:
    """Wait for ``handle``, pass its lines on, and return its exit status; an interrupt ends it first."""
    try:
        for line in handle.lines():
            if progress is not None and not _MISREAD.match(line):
                progress.line(line)
        return handle.wait()
    except BaseException:
        handle.interrupt()
        raise
