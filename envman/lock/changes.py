"""What one lock says differently from another, for review. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from envman.lock.lock import Lock, LockedBuild, LockedImage, LockedSecret, LockedVariable


class LockChange(NamedTuple):
    """One entry that was added (``old`` is None), removed (``new`` is None) or changed.

    ``kind`` is image, build, variable, secret or part; ``old`` and ``new`` are words, of a secret only that there is
    one.
    """

    kind: str
    name: str
    old: str | None
    new: str | None


def lock_changes(old: Lock | None, new: Lock) -> list[LockChange]:
    """Return what ``new`` says differently from ``old``; who made it and where values come from do not count."""
    found: list[LockChange] = []
    for kind, field in (("image", "images"), ("build", "builds"), ("variable", "variables"), ("secret", "secrets"),
                        ("part", "parts")):  # fmt: skip
        before: dict[str, Any] = {} if old is None else getattr(old, field)
        found += _section(kind, before, getattr(new, field))
    if old is not None and not found and old.document != new.document:
        found.append(LockChange("document", "document", old.document, new.document))
    return found


def _section(kind: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[LockChange]:
    for name in sorted({*before, *after}):
        old, new = (_words(one[name]) if name in one else None for one in (before, after))
        if old != new:
            yield LockChange(kind, name, old, new)


def _ids(entry: LockedImage | LockedBuild) -> str:
    return ", ".join(sorted(one.image for one in entry.platforms.values() if one.image))


def _words(entry: Any) -> str:
    if isinstance(entry, LockedImage):
        return entry.digest or _ids(entry)
    if isinstance(entry, LockedBuild):
        known = entry.digest or _ids(entry) or "not built"
        return f"{entry.image} {known} from {entry.context or 'elsewhere'}"
    if isinstance(entry, LockedVariable):
        return "not set" if entry.value is None else str(entry.value)
    if isinstance(entry, LockedSecret):
        return f"{entry.fingerprint} ({entry.key})"
    return str(entry)
