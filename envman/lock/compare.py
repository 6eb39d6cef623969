"""A lock against what the blueprints say now: where they part, item by item, with both places. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from envman.diagnostics import Diagnostic, Note, Span
from envman.lock.current import Current
from envman.lock.text import LockFile
from envman.lock.uses import needed_by, resting
from envman.registry.reference import parse_reference

_LONGEST: Final = 80
_OF_BUILDING: Final = frozenset({"context", "bases"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a lock and its blueprint part.

    ``kind`` is image, build, context, variable, secret or part; ``name`` which one. ``locked`` and ``now`` are what
    each side says (None: nothing), with the places ``lock_span`` and ``span``.
    """

    code: str
    kind: str
    name: str
    message: str
    locked: Any = None
    now: Any = None
    span: Span | None = None
    lock_span: Span | None = None
    expected: str = ""

    def diagnostic(self, help_text: str) -> Diagnostic:
        """Return it as an error; ``help_text`` says what to do next."""
        places = [(self.span, ""), (self.lock_span, "the lock has it here")]
        (first, _), *rest = [one for one in places if one[0] is not None] or [(None, "")]
        notes = tuple(Note(text, span) for span, text in rest)
        return Diagnostic(self.code, self.message, first, self.expected, notes, help_text)


def differences(file: LockFile, current: Current) -> list[Difference]:
    """Return where ``file`` and ``current`` part, in a fixed order. Secrets under another key are not compared.

    What the lock lacks of services that do not start without a profile is no difference: see ``unheld``.
    """
    resting_services = resting(current.environment)
    return [
        *_images(file, current, resting_services),
        *_builds(file, current, resting_services),
        *_variables(file, current),
        *_secrets(file, current),
        *_parts(file, current),
    ]


def unheld(file: LockFile, current: Current) -> frozenset[str]:
    """Return the services that do not start without a profile, and that the lock lacks an image of."""
    services = resting(current.environment)
    lacking = {
        place.workload
        for name, image in current.uses.images.items()
        if name not in file.lock.images and needed_by(image, services)
        for place in image.places
    }
    return frozenset(lacking | (services & set(current.uses.builds) - set(file.lock.builds)))


def incomparable(file: LockFile, current: Current) -> list[str]:
    """Return the names of the values that nobody can compare here: their fingerprints have another key."""
    return [name for name, one in file.lock.secrets.items() if name in current.secrets and one.key != current.key]


def concerns_only(one: Difference, kept: frozenset[str], file: LockFile, current: Current) -> bool:
    """Whether a difference is about nothing but how images are built that are ``kept`` as they are."""
    if one.kind in _OF_BUILDING:
        return one.name in kept
    if one.kind == "image":
        image = current.uses.images.get(one.name)
        places = [place.what for place in image.places] if image is not None else file.lock.images[one.name].used_by
        return bool(places) and all(what.endswith(".build") and what.split(".")[1] in kept for what in places)
    return False


def _images(file: LockFile, current: Current, resting_services: Collection[str]) -> Iterator[Difference]:
    locked, named = file.lock.images, current.uses.images
    left = [name for name in locked if name not in named]
    for name, image in named.items():
        if name in locked or needed_by(image, resting_services):
            continue
        places = ", ".join(dict.fromkeys(place.what for place in image.places))
        message = f"image {image.reference.familiar} of {places} is not in the lock"
        # Of the same repository, it is another tag that somebody wrote.
        before = next((one for one in left if _repository(one) == image.reference.repository), None)
        if before is not None:
            left.remove(before)
            message += f", which has {_familiar(before)}"
        yield Difference(
            "EV533", "image", name, message, before, image.reference.familiar, image.places[0].span,
            file.span("images", before) if before is not None else None,
        )  # fmt: skip
    for name in left:
        text = f"the lock holds {_familiar(name)} for {', '.join(locked[name].used_by)}, which names it no more"
        yield Difference("EV534", "image", name, text, locked=name, lock_span=file.span("images", name))


def _repository(name: str) -> str | None:
    reference = parse_reference(name)
    return None if reference is None else reference.repository


def _familiar(name: str) -> str:
    reference = parse_reference(name)
    return name if reference is None else reference.familiar


def _builds(file: LockFile, current: Current, resting_services: Collection[str]) -> Iterator[Difference]:
    locked, builds = file.lock.builds, current.uses.builds
    for name, build in builds.items():
        if name not in locked and name in resting_services:
            continue
        if name not in locked:
            text = f"the build of {name} is not in the lock"
            yield Difference("EV533", "build", name, text, span=build.span)
            continue
        one = locked[name]
        image = current.image_of(name)
        if one.image != image:
            yield Difference(
                "EV535", "build", name, f"{name} builds {image}; the lock has {one.image}", one.image, image,
                build.span, file.span("builds", name, "image"),
            )  # fmt: skip
        context = current.contexts.get(name)
        if context is not None and one.context is not None and context != one.context:
            yield Difference(
                "EV535", "context", name, f"the files that {name} is built from have changed since they were locked",
                one.context, context, build.span, file.span("builds", name, "context"),
            )  # fmt: skip
        bases = sorted(reference.canonical for reference in build.bases.values())
        if context is not None and bases != one.bases:
            yield Difference(
                "EV535", "bases", name,
                f"{name} starts from {_listed(bases)}; the lock has {_listed(one.bases)}",
                one.bases, bases, build.span, file.span("builds", name, "bases"),
            )  # fmt: skip
    for name in locked:
        if name not in builds:
            text = f"the lock holds a build of {name}, which is none any more"
            yield Difference("EV534", "build", name, text, locked[name].image, lock_span=file.span("builds", name))


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"


def _variables(file: LockFile, current: Current) -> Iterator[Difference]:
    locked, variables = file.lock.variables, current.variables
    for name, now in variables.items():
        if name not in locked:
            text = f"variable {name} is not in the lock"
            yield Difference("EV533", "variable", name, text, now=now.value, span=now.span)
        elif not same(locked[name].value, now.value):
            text = (
                f"variable {name} is {_shown(now.value)} from {now.origin}; the lock has {_shown(locked[name].value)}"
            )
            yield Difference("EV534", "variable", name, text, locked[name].value, now.value, now.span,
                             file.span("variables", name))  # fmt: skip
    for name, one in locked.items():
        if name not in variables:
            text = f"the lock holds variable {name}, which nothing uses any more"
            yield Difference("EV534", "variable", name, text, one.value, lock_span=file.span("variables", name))


def same(one: Any, other: Any) -> bool:
    """Whether two values of variables are the same; 1 is not true."""
    return type(one) is type(other) and bool(one == other)


def _shown(value: Any) -> str:
    text = "not set" if value is None else f'"{value}"' if isinstance(value, str) else str(value).lower()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _secrets(file: LockFile, current: Current) -> Iterator[Difference]:
    locked: Mapping[str, Any] = file.lock.secrets
    for name, now in current.secrets.items():
        if name in locked and locked[name].key == current.key and locked[name].fingerprint != now.mark:
            text = f"the value of {name} has changed since it was locked; values are not shown"
            yield Difference("EV534", "secret", name, text, span=now.span, lock_span=file.span("secrets", name))


def _parts(file: LockFile, current: Current) -> Iterator[Difference]:
    locked, parts = file.lock.parts, current.parts
    found = False
    for part, digest in parts.items():
        if locked.get(part) == digest:
            continue
        found = True
        known = part in locked
        text = f"{part} is not what it was when it was locked" if known else f"{part} is not in the lock"
        yield Difference(
            "EV534" if known else "EV533", "part", part, text, locked.get(part), digest, current.part_span(part),
            file.span("parts", part) if known else None,
        )  # fmt: skip
    for part in locked:
        if part not in parts:
            found = True
            text = f"the lock holds {part}, which no blueprint has any more"
            yield Difference("EV534", "part", part, text, locked[part], lock_span=file.span("parts", part))
    if not found and file.lock.document != current.document:
        yield Difference(
            "EV534", "document", "document", "the environment's document is not what it was when it was locked",
            file.lock.document, current.document, None, file.span("document"),
        )  # fmt: skip
