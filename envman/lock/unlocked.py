"""What a lock cannot hold of an environment, and what may therefore change while blueprint and lock stay. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from envman.diagnostics import Diagnostic, Severity
from envman.lock.lock import LockedBuild
from envman.lock.uses import workloads
from envman.model.environment import Environment
from envman.source.places import is_elsewhere

# A commit behind the `#` of a git address, before the folder in it; and BuildKit's own way to name one.
_COMMIT: Final = re.compile(r"#[0-9a-f]{40}(?:[0-9a-f]{24})?(?::|$)|[?&](?:checksum|commit)=[0-9a-f]{40}")
# Images are in the lock by their digests (`uses`); the others are this machine's folders, or other builds of the stack.
_HELD: Final = ("docker-image:", "oci-layout:", "target:", "service:")
_DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")


def unlocked(environment: Environment, builds: Mapping[str, LockedBuild]) -> Iterator[Diagnostic]:
    """Yield a warning EV543 for each place elsewhere that a build takes from, and each model, that may change.

    What an address or a name fixes itself (a commit, a digest) does not; nor does a build whose image was pushed, which
    is among ``builds`` by its digest.
    """
    for section, name, workload in workloads(environment):
        build = workload.build
        if build is None or (name in builds and builds[name].digest is not None):
            continue
        path = (section, name, "build")
        context = build.context or "."
        if is_elsewhere(context):
            yield from _address(environment, context, *path, "context")
            if build.dockerfile_inline is None:
                yield _warning(
                    environment,
                    (*path, "context"),
                    f"the images that {context} is built from are not locked: its Dockerfile is not here",
                    f"`envman push {environment.name} {name}`, and then `lock` again, locks what was made of them",
                )
        for key, place in (build.additional_contexts or {}).items():
            if not place.startswith(_HELD):
                yield from _address(environment, place, *path, "additional_contexts", key)
    for name, model in environment.stack.models.items():
        if not _DIGEST.search(model.model):
            yield _warning(
                environment,
                ("models", name, "model"),
                f"model {model.model} is not locked: envman knows no digests of models",
                "keep to a name that leads to the same for ever, or bring the model in an image or a volume",
            )


def _address(environment: Environment, address: str, *path: str) -> Iterator[Diagnostic]:
    if is_elsewhere(address) and not _COMMIT.search(address):
        text = f"what {address} holds is not locked"
        yield _warning(environment, path, text, "name a commit by its whole hash: ADDRESS#HASH, ADDRESS#HASH:FOLDER")


def _warning(environment: Environment, path: tuple[str, ...], text: str, help_: str) -> Diagnostic:
    return Diagnostic("EV543", text, environment.span(*path), help=help_, severity=Severity.WARNING)
