"""Which images an environment is made of, who names them, and where. Pure: Dockerfiles are read elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from envman.diagnostics import Diagnostic, EnvmanError, Note, Source, Span
from envman.model.active import wanted_services
from envman.model.environment import Environment
from envman.model.service import Workload
from envman.registry.dockerfile import SYNTAX, Base, base_images, context_name
from envman.registry.reference import Reference, parse_reference
from envman.render.compose import IMAGE_CONTEXT
from envman.source.places import is_elsewhere
from envman.source.scalars import text_of
from envman.source.tree import Path


class Place(NamedTuple):
    """Who names an image (``services.db``, ``services.api.build``), and where."""

    what: str
    span: Span

    @property
    def workload(self) -> str:
        """The service or job."""
        return self.what.split(".")[1]


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image that comes from a registry: its name, as it is written (in each way that it is), and who names it."""

    reference: Reference
    written: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class NamedBuild:
    """What a service or job builds.

    ``bases`` are the images that it starts from, by the name that BuildKit looks for a context under (of a Dockerfile's
    syntax: ``# syntax``). ``section`` is ``services`` or ``jobs``.
    """

    section: str
    name: str
    span: Span
    bases: Mapping[str, Reference] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """The build in words of the blueprint: ``services.api.build``."""
        return f"{self.section}.{self.name}.build"


@dataclass(frozen=True, slots=True)
class Uses:
    """All images of an environment, by canonical name, its builds by service, and what could not be told."""

    images: Mapping[str, NamedImage]
    builds: Mapping[str, NamedBuild]
    problems: tuple[Diagnostic, ...]


def workloads(environment: Environment) -> Iterator[tuple[str, str, Workload]]:
    """Yield section, name and definition of each service and job."""
    for name, service in environment.stack.services.items():
        if service.provider is None:
            yield "services", name, service
    for name, job in environment.stack.jobs.items():
        yield "jobs", name, job


def resting(environment: Environment, profiles: Iterable[str] = ()) -> frozenset[str]:
    """Return the services that do not start: behind profiles that neither the blueprint nor ``profiles`` activate."""
    return frozenset(environment.stack.services) - set(wanted_services(environment, None, frozenset(profiles)))


def needed_by(image: NamedImage, services: Collection[str]) -> bool:
    """Return whether nothing but ``services`` names ``image``."""
    return all(one.what.startswith("services.") and one.workload in services for one in image.places)


def local_context(environment: Environment, section: str, name: str) -> str | None:
    """Return the folder that a build sends, as written; None where it is none of this machine's."""
    build = environment.data[section][name].get("build") or {}
    context = str(build.get("context") or ".")
    return None if is_elsewhere(context) else context


def image_uses(environment: Environment, dockerfiles: Mapping[str, Source | None], process: Mapping[str, str]) -> Uses:
    """Return the images of ``environment``.

    ``dockerfiles`` are those of its builds, by service or job, None where there is none on this machine; ``process``
    gives build arguments their value that have a name only.
    """
    return _Uses(environment, dockerfiles, process).all()


class _Uses:
    def __init__(
        self, environment: Environment, dockerfiles: Mapping[str, Source | None], process: Mapping[str, str]
    ) -> None:
        self.environment, self.dockerfiles, self.process = environment, dockerfiles, process
        self.images: dict[str, tuple[Reference, dict[str, None], dict[Place, None]]] = {}
        self.builds: dict[str, NamedBuild] = {}
        self.problems: list[Diagnostic] = []

    def all(self) -> Uses:
        for section, name, workload in workloads(self.environment):
            where = f"{section}.{name}"
            if workload.build is not None:
                self._build(section, name, workload)
            elif workload.image is not None:
                self._named(workload.image, where, (section, name, "image"))
            for index, hook in enumerate(getattr(workload, "pre_start", None) or ()):
                if hook.image is not None:
                    self._named(hook.image, f"{where}.pre_start[{index}]", (section, name, "pre_start", index, "image"))
            for index, mount in enumerate(workload.volumes or ()):
                if mount.type == "image" and mount.source:
                    self._named(mount.source, f"{where}.volumes", (section, name, "volumes", index, "source"))
        images = {
            name: NamedImage(reference, tuple(written), tuple(places))
            for name, (reference, written, places) in sorted(self.images.items())
        }
        return Uses(images, self.builds, tuple(self.problems))

    def _named(self, written: str, what: str, path: Path) -> Reference | None:
        span = self.environment.span(*path)
        reference = parse_reference(written)
        if reference is None:
            self.problems.append(
                Diagnostic(
                    "EV536",
                    f"{written} of {what} is no name of an image that a registry could know",
                    span,
                    "a name such as `postgres:17`",
                    help="an ID means something on one engine alone: tag the image, or push it",
                )
            )
            return None
        self._add(reference, written, Place(what, span))
        return reference

    def _add(self, reference: Reference, written: str, place: Place) -> None:
        _, names, places = self.images.setdefault(reference.canonical, (reference, {}, {}))
        names[written] = None
        places[place] = None

    def _build(self, section: str, name: str, workload: Workload) -> None:
        environment, build = self.environment, workload.build
        assert build is not None  # the caller looked
        span = environment.key_span(section, name, "build")
        what = f"{section}.{name}.build"
        contexts = build.additional_contexts or {}
        for key, value in contexts.items():
            if value.startswith(IMAGE_CONTEXT):
                path = (section, name, "build", "additional_contexts", key)
                self._named(value.removeprefix(IMAGE_CONTEXT), what, path)
        bases: dict[str, Reference] = {}
        source = self.dockerfiles.get(name)
        if source is not None:
            try:
                arguments = self._arguments(section, name)
                found = base_images(source, arguments=arguments, target=build.target, contexts=contexts)
            except EnvmanError as error:
                note = Note(f"the Dockerfile of {what}", span)
                self.problems += [Diagnostic(one.code, one.message, one.span, one.expected, (*one.notes, note),
                                             one.help) for one in error.diagnostics]  # fmt: skip
                found = []
            for base in found:
                self._base(base, what, bases)
        self.builds[name] = NamedBuild(section, name, span, bases)

    def _base(self, base: Base, what: str, bases: dict[str, Reference]) -> None:
        reference = parse_reference(base.name)
        if reference is None:
            self.problems.append(
                Diagnostic("EV541", f"{base.how} {base.name} of {what} names no image", base.span, "an image's name")
            )
            return
        self._add(reference, base.name, Place(what, base.span))
        bases[SYNTAX if base.how == SYNTAX else context_name(base.name)] = reference

    def _arguments(self, section: str, name: str) -> dict[str, str]:
        given = (self.environment.data[section][name].get("build") or {}).get("args") or {}
        values = {key: self.process.get(key) if value is None else text_of(value) for key, value in given.items()}
        return {key: value for key, value in values.items() if value is not None}
