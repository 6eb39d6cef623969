"""Image names to digests: what registries say, and where one has no answer, which image of which service it was for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from envman.diagnostics import Diagnostic, EnvmanError, Note, Severity
from envman.lock.lock import LockedImage, LockedPlatform
from envman.lock.uses import NamedImage, Place
from envman.model.environment import Environment
from envman.registry.reference import Reference

if TYPE_CHECKING:
    from envman.engine.connection import EngineFacts

_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i386": "386", "i686": "386"}


class PlatformAnswer(Protocol):
    """What a registry says of an image for one platform."""

    @property
    def digest(self) -> str:
        """The digest of its manifest."""

    @property
    def image(self) -> str:
        """The image ID: the digest of its configuration."""


class Answer(Protocol):
    """What a registry says of a name."""

    @property
    def digest(self) -> str:
        """The digest that the name leads to."""

    @property
    def platforms(self) -> Mapping[str, PlatformAnswer]:
        """What it holds, by platform."""


class Resolver(Protocol):
    """Who asks registries."""

    def resolve_all(self, references: Iterable[Reference]) -> Mapping[Reference, Answer | EnvmanError]:
        """Return what each of ``references`` is, or why that cannot be known."""


def platform_of(operating_system: str, machine: str) -> str:
    """Return the platform of an engine in the words of images: ``linux/amd64`` for Linux on ``x86_64``."""
    return f"{operating_system.lower()}/{_MACHINES.get(machine, machine)}"


def engine_platform(facts: EngineFacts) -> str:
    """Return the platform that an engine runs images for."""
    return platform_of("windows" if "windows" in facts.operating_system.lower() else "linux", facts.architecture)


def same_platform(one: str, other: str) -> bool:
    """Whether two names mean the same platform: 64-bit ARM has one variant."""
    return one.removesuffix("/v8") == other.removesuffix("/v8")


def locked_image(answer: Answer, image: NamedImage) -> LockedImage:
    """Return the entry of ``image`` in a lock."""
    return LockedImage(
        digest=answer.digest,
        platforms={
            name: LockedPlatform(manifest=one.digest, image=one.image or None) for name, one in answer.platforms.items()
        },
        used_by=used_by(image),
    )


def used_by(image: NamedImage) -> list[str]:
    """Return who names ``image``, sorted, each once."""
    return sorted({place.what for place in image.places})


def explained(error: EnvmanError, image: NamedImage) -> list[Diagnostic]:
    """Return ``error``, which concerns ``image``, with the places that name it."""
    notes = tuple(Note(f"{place.what} names it", place.span) for place in _each_once(image.places))
    found = []
    for one in error.diagnostics:
        if one.span is None and notes:
            found.append(replace(one, span=notes[0].span, notes=(*one.notes, Note(f"for {notes[0].text.split()[0]}"),
                                                                 *notes[1:])))  # fmt: skip
        else:
            found.append(replace(one, notes=(*one.notes, *notes)))
    return found


def is_missing(error: EnvmanError) -> bool:
    """Whether a registry answered that it has no such image."""
    return any(one.code == "EV421" for one in error.diagnostics)


def _each_once(places: Iterable[Place]) -> list[Place]:
    return list({place.what: place for place in reversed(list(places))}.values())[::-1]


def lacking_platforms(
    environment: Environment, image: NamedImage, platforms: Iterable[str], default: str | None
) -> Iterator[Diagnostic]:
    """Yield EV537 for each place that needs ``image`` for a platform which is not among ``platforms``.

    An error is what the blueprint asks for; a warning what the engine here (its platform is ``default``) lacks, as the
    lock may be meant for another one.
    """
    held = sorted(platforms)
    for place in _each_once(image.places):
        asked = _asked_platforms(environment, place)
        for wanted in asked or ([default] if default else []):
            if not any(same_platform(wanted, one) for one in held):
                yield Diagnostic(
                    "EV537",
                    f"{image.reference.familiar} of {place.what} is not there for {wanted}",
                    place.span,
                    f"one of {', '.join(held)}" if held else "an image that says for which platform it is",
                    help="name another tag, or say under `platform:` which of these the service is to run",
                    severity=Severity.ERROR if asked else Severity.WARNING,
                )


def _asked_platforms(environment: Environment, place: Place) -> list[str]:
    section, name = place.what.split(".")[:2]
    workload = getattr(environment.stack, section)[name]
    if place.what.endswith(".build") and workload.build is not None and workload.build.platforms:
        return list(workload.build.platforms)
    return [workload.platform] if workload.platform else []
