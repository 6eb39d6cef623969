"""Whether what is locked is still in its registry, and what its tag leads to now."""

from __future__ import annotations

from envman.diagnostics import Diagnostic, EnvmanError, Note, Severity
from envman.lock.text import LockFile
from envman.model.environment import Environment
from envman.operations.described import described
from envman.operations.resolving import Resolver, explained, is_missing
from envman.operations.workspace import Workspace


def look_up(workspace: Workspace, environment: Environment, file: LockFile, resolver: Resolver) -> list[Diagnostic]:
    """Return EV538 for each locked image that its registry has no more, a warning EV539 for each tag that has moved.

    Where a registry has no answer at all, that is returned as it is.

    Raises:
        EnvmanError: EV536 and EV541 for images that cannot be told.
    """
    current = described(workspace, environment, contexts=False)
    pinned = {
        name: (image, image.reference.pinned(digest))
        for name, image in current.uses.images.items()
        if name in file.lock.images and (digest := file.lock.images[name].digest) is not None
    }
    tags = [image.reference for image, _ in pinned.values() if image.reference.digest is None]
    answers = resolver.resolve_all([*tags, *(reference for _, reference in pinned.values())])
    found: list[Diagnostic] = []
    for name, (image, reference) in pinned.items():
        digest, place = reference.digest, file.span("images", name)
        answer = answers[reference]
        if isinstance(answer, EnvmanError):
            if not is_missing(answer):
                found += explained(answer, image)
                continue
            found.append(
                Diagnostic(
                    "EV538",
                    f"{image.reference.familiar} as it is locked ({digest}) is gone from its registry",
                    place,
                    notes=tuple(Note(f"{one.what} names it", one.span) for one in image.places),
                    help=f"`envman lock {environment.name} --upgrade` locks what its tag leads to now; an engine that "
                    "has the image can push it again",
                )
            )
            continue
        tagged = answers.get(image.reference)
        if tagged is not None and not isinstance(tagged, EnvmanError) and tagged.digest != digest:
            found.append(
                Diagnostic(
                    "EV539",
                    f"{image.reference.familiar} leads to {tagged.digest} now; the lock holds {digest}",
                    place,
                    help=f"`envman lock {environment.name} --upgrade` moves the lock; until then it holds",
                    severity=Severity.WARNING,
                )
            )
    return found
