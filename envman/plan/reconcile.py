"""What is there against what should be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from envman.model.environment import Environment
from envman.plan.causes import Cause, causes_of_change
from envman.plan.defined import engine_name
from envman.plan.known import Known
from envman.plan.observed import ContainerState, Observed
from envman.plan.plan import Action, Plan, Step
from envman.plan.resources import creation_steps
from envman.plan.rolling import rolling_of
from envman.plan.unnamed import Unnamed, inherited_targets, left_behind, unnamed_volumes
from envman.plan.wanted import is_one_shot, wanted_services
from envman.render.document import Document

_UP: Final = frozenset({"running", "restarting"})
_SHORT: Final = 12
# Attributes by which one service lives inside another one's container.
_SHARING: Final = ("network_mode", "ipc", "pid")


def reconcile(
    environment: Environment,
    document: Document,
    observed: Observed,
    known: Known,
    *,
    services: Iterable[str] | None = None,
    profiles: frozenset[str] = frozenset(),
    recreate: frozenset[str] = frozenset(),
    dependencies: bool = True,
) -> Plan:
    """Return what has to be done so that ``observed`` becomes ``document``, each step with its causes.

    ``services`` limits the plan to those named and what they depend on. ``profiles`` are active beside the
    blueprint's own. ``recreate`` are services to be made anew in any case. ``dependencies`` as for ``wanted_services``.
    """
    wanted = wanted_services(environment, services, profiles, dependencies=dependencies)
    steps = list(creation_steps(environment, document, observed, wanted))
    work = _Services(environment, document, observed, known, recreate)
    for name in wanted:
        steps.extend(work.steps(name))
    if services is None:
        steps.extend(_orphans(environment, document, observed))
    return Plan(tuple(steps))


class _Services:
    def __init__(
        self, environment: Environment, document: Document, observed: Observed, known: Known, recreate: frozenset[str]
    ) -> None:
        self.environment, self.document, self.known, self.asked = environment, document, known, recreate
        self.recreated: set[str] = set()
        self.containers: dict[str, list[ContainerState]] = {}
        for one in observed.containers:
            if not one.oneoff:
                self.containers.setdefault(one.service, []).append(one)
        # A container that took over another service's definition under a new name.
        self.orphans = [one for one in observed.containers if one.service not in document.services and not one.oneoff]

    def steps(self, name: str) -> Iterator[Step]:
        service = self.environment.stack.services[name]
        if service.provider is not None:
            return
        image = self._image(name)
        if image is not None:
            yield image
        containers = self.containers.get(name, [])
        if not containers:
            if service.replicas:
                self.recreated.add(name)
                yield Step(Action.CREATE, "service", name, (self._why_new(name),))
            return
        causes = [*self._why_anew(name, containers), *([Cause("its image is built anew")] if image else [])]
        if causes:
            self.recreated.add(name)
            left, said = self._left(name, containers, new_image=image is not None)
            rolling = rolling_of(self.environment, self.document, name, containers)
            running = sum(one.state == "running" for one in containers)
            how = (rolling.describe(running),) if rolling is not None else ()
            data = (*how, *self._kept(name, containers), *said)
            yield Step(Action.RECREATE, "service", name, tuple(causes), data, left)
        elif len(containers) != service.replicas:
            span = self.environment.span("services", name, "deploy", "replicas")
            change = Cause(f"{len(containers)} -> {service.replicas} containers", span)
            everywhere = frozenset(one.target for one in unnamed_volumes(containers))
            left = tuple(left_behind(containers, service.replicas, everywhere))
            yield Step(Action.SCALE, "service", name, (change,), tuple(map(_leaving, left)), left)
        else:
            down = [one for one in containers if self._is_down(name, one)]
            if down:
                yield Step(Action.START, "service", name, tuple(Cause(f"{one.name} is {one.state}") for one in down))

    def _is_down(self, name: str, one: ContainerState) -> bool:
        if one.state in _UP:
            return False
        return not (is_one_shot(self.environment, name) and one.state == "exited" and not one.exit_code)

    def _image(self, name: str) -> Step | None:
        service, reference = self.environment.stack.services[name], self.document.image(name)
        if reference is None:
            return None
        here = reference in self.known.images
        if service.build is None:
            missing = Cause(f"image {reference} is not on the engine", self.environment.span("services", name, "image"))
            return None if here else Step(Action.PULL, "service", name, (missing,))
        if not here:
            return Step(Action.BUILD, "service", name, (Cause(f"image {reference} is not built yet"),))
        changes = self.known.builds.get(name, ())
        return Step(Action.BUILD, "service", name, tuple(map(Cause, changes))) if changes else None

    def _why_new(self, name: str) -> Cause:
        digest = self.document.digests[name]
        former = next((one.service for one in self.orphans if one.digest == digest), None)
        span = self.environment.key_span("services", name)
        return Cause(f"renamed from {former}" if former else "no container yet", span)

    def _why_anew(self, name: str, containers: list[ContainerState]) -> Iterator[Cause]:
        environment, digest = self.environment, self.document.digests[name]
        changed = next((one for one in containers if one.digest != digest), None)
        if changed is not None:
            previous = self.known.definitions.get(changed.digest or "")
            yield from causes_of_change(environment, self.document, name, previous, self.known.directory)
        else:
            yield from self._why_replaced(name, containers)
        if name in self.asked:
            yield Cause("asked for with --recreate")
        service = self.document.services[name]
        for attribute in _SHARING:
            other = str(service.get(attribute) or "").removeprefix("service:")
            if other in self.recreated and str(service[attribute]).startswith("service:"):
                yield Cause(f"shares the {attribute.removesuffix('_mode')} of {other}, which is made anew")

    def _why_replaced(self, name: str, containers: list[ContainerState]) -> Iterator[Cause]:
        """Yield what is wrong with containers whose definition has not changed."""
        image = self.known.images.get(self.document.image(name) or "")
        for one in containers:
            if image is not None and one.image_id != image.id:
                old, new = (_short(identity) for identity in (one.image_id, image.id))
                span = self.environment.span("services", name, "image")
                yield Cause(f"{image.reference} is another image now: {old} -> {new}", span)
                break
            # Where a registry map changes, Compose replaces the container although the image is the same.
            reference = self.document.image(name) if self.environment.stack.services[name].build is None else None
            if reference is not None and one.image != reference and not _is_identity(one.image):
                span = self.environment.span("services", name, "image")
                yield Cause(f"its image is to come from {reference}, and came from {one.image}", span)
                break
        service = self.document.services[name]
        if service.get("network_mode"):
            return
        expected = {engine_name(self.document, "networks", key) for key in service.get("networks") or ("default",)}
        for one in containers:
            for network in sorted(expected - set(one.networks)):
                yield Cause(f"{one.name} is not attached to network {network} any more")

    def _kept(self, name: str, containers: list[ContainerState]) -> Iterator[str]:
        """Say what becomes of the data of a service that is made anew."""
        targets = {
            str(mount["target"]): mount
            for mount in self.document.services[name].get("volumes") or ()
            if mount["type"] == "volume"
        }
        sources = {str(mount["source"]) for mount in targets.values() if mount.get("source")}
        mounted = {mount.name for one in containers for mount in one.mounts if mount.kind == "volume"}
        yield from (
            f"keeps volume {volume}"
            for volume in sorted(engine_name(self.document, "volumes", source) for source in sources)
            if volume in mounted
        )
        unnamed = {one.volume for one in unnamed_volumes(containers)}
        for one in containers:
            for mount in one.mounts:
                if mount.kind == "volume" and mount.target not in targets and mount.name not in unnamed:
                    yield f"leaves volume {mount.name} of {mount.target} behind"

    def _left(
        self, name: str, containers: list[ContainerState], *, new_image: bool
    ) -> tuple[tuple[Unnamed, ...], list[str]]:
        """Return the anonymous volumes that are left behind, and what is to be said of them.

        Nobody knows yet which volumes a ``new_image``, which is still to be built or pulled, will want.
        """
        image = self.known.images.get(self.document.image(name) or "")
        inherited = inherited_targets(self.document.services[name], image)
        left = tuple(left_behind(containers, self.environment.stack.services[name].replicas, inherited))
        if new_image:
            return (), [f"{_leaving(one)}, unless the new image wants it" for one in left]
        return left, list(map(_leaving, left))


def _leaving(one: Unnamed) -> str:
    return (
        f"leaves anonymous volume {_short(one.volume)} of {one.target} behind, after a snapshot of what was written "
        "there (`--no-snapshot` does without)"
    )


def _is_identity(image: str) -> bool:
    """Whether the engine tells an image by its ID, as it does where the name leads to another one by now."""
    return re.fullmatch(r"(sha256:)?[0-9a-f]{12,64}", image) is not None


def _short(identity: str) -> str:
    bare = identity.removeprefix("sha256:")
    return bare[:_SHORT] if len(bare) == 64 else bare


def _orphans(environment: Environment, document: Document, observed: Observed) -> Iterator[Step]:
    present = {one.service for one in observed.containers if not one.oneoff}
    for name in sorted(present - set(environment.stack.services)):
        digests = {one.digest for one in observed.containers if one.service == name}
        heir = next((new for new, one in document.digests.items() if one in digests and new not in present), None)
        cause = Cause(f"renamed to {heir}" if heir else "no blueprint names it any more")
        left = tuple(unnamed_volumes(one for one in observed.containers if one.service == name))
        yield Step(Action.REMOVE, "service", name, (cause,), ("its volumes stay", *map(_leaving, left)), left)
