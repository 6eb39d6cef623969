"""What is there against what should be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from envman.model.active import is_one_shot, wanted_services
from envman.model.environment import Environment
from envman.plan.causes import Cause, causes_of_change
from envman.plan.defined import engine_name
from envman.plan.dependencies import NAMESPACES, all_dependencies, dependencies, shared
from envman.plan.known import Known
from envman.plan.observed import ContainerState, Observed
from envman.plan.plan import Action, Plan, Step
from envman.plan.resources import creation_steps
from envman.plan.rolling import Rolling, rolling_of
from envman.plan.unnamed import Unnamed, inherited_targets, left_behind, unnamed_volumes
from envman.render.document import Document

_UP: Final = frozenset({"running", "restarting"})
_SHORT: Final = 12


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
    created = frozenset(engine_name(document, "networks", step.name) for step in steps if step.kind == "network")
    work = _Services(environment, document, observed, known, recreate, created)
    for name in wanted:
        steps.extend(work.steps(name))
    if services is None:
        steps.extend(_orphans(environment, document, observed))
    return Plan(tuple(steps))


class _Services:
    def __init__(
        self,
        environment: Environment,
        document: Document,
        observed: Observed,
        known: Known,
        recreate: frozenset[str],
        networks: frozenset[str],
    ) -> None:
        self.environment, self.document, self.known, self.asked = environment, document, known, recreate
        # The networks that are created: containers are attached to others that had their names.
        self.networks = networks
        # By service: those whose containers are made anew, those of them that Compose replaces, and those that start.
        self.made: set[str] = set()
        self.replaced: set[str] = set()
        self.started: set[str] = set()
        # The one-shots that have completed and run again.
        self.again: set[str] = set()
        # The container of a service that others share, None where it is made anew.
        self.shared: dict[str, ContainerState | None] = {}
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
                self.made.add(name)
                self.shared[name] = None
                count = (f"{service.replicas} containers",) if service.replicas > 1 else ()
                yield Step(Action.CREATE, "service", name, (self._why_new(name),), count)
            return
        causes = self._why_anew(name, containers)
        if image is not None:
            for one in containers:
                causes.setdefault(one.id, []).append(Cause("its image is built anew"))
        # Compose first removes those that it would have to make anew, the oldest first (an engine lists the newest
        # first), then those with the highest numbers. Source: pkg/compose/convergence.go, ensureService.
        ordered = sorted(containers, key=lambda one: (True, 0) if one.id in causes else (False, one.number))
        staying, going = ordered[: service.replicas], ordered[service.replicas :]
        anew = [one for one in staying if one.id in causes]
        if staying:
            # Source: Compose's pkg/compose/convergence.go, resolveSharedNamespaces: the first by name.
            first = min(staying, key=lambda one: one.name)
            self.shared[name] = None if first in anew else first
        rolling = rolling_of(self.environment, self.document, name, containers) if anew else None
        if anew:
            yield self._recreate(name, containers, anew, causes, rolling, new_image=image is not None)
        if len(containers) != service.replicas:
            yield self._scale(name, containers, going, rolling)
        if rolling is None:
            yield from self._starts(name, [one for one in staying if one not in anew])

    def _recreate(
        self,
        name: str,
        containers: list[ContainerState],
        anew: list[ContainerState],
        causes: Mapping[str, list[Cause]],
        rolling: Rolling | None,
        *,
        new_image: bool,
    ) -> Step:
        self.made.add(name)
        left, said = self._left(name, anew, new_image=new_image)
        running = sum(one.state == "running" for one in containers)
        how = [rolling.describe(running)] if rolling is not None else []
        if rolling is None:
            self.replaced.add(name)
            if len(anew) < len(containers):
                how.append(
                    f"{len(anew)} of {len(containers)} containers: {', '.join(sorted(one.name for one in anew))}"
                )
        if is_one_shot(self.environment, name):
            how.append("runs again")
        reasons = dict.fromkeys(cause for one in anew for cause in causes[one.id])
        data = (*how, *self._kept(name, anew), *said)
        force = any(one.state != "running" and self._lost_networks(name, one) for one in anew)
        return Step(Action.RECREATE, "service", name, tuple(reasons), data, left, force)

    def _scale(
        self, name: str, containers: list[ContainerState], going: list[ContainerState], rolling: Rolling | None
    ) -> Step:
        span = self.environment.span("services", name, "deploy", "replicas")
        replicas = self.environment.stack.services[name].replicas
        change = Cause(f"{len(containers)} -> {replicas} containers", span)
        if rolling is not None:
            return Step(Action.SCALE, "service", name, (change,))
        removed = (f"removes {', '.join(sorted(one.name for one in going))}",) if going else ()
        left = tuple(unnamed_volumes(going))
        return Step(Action.SCALE, "service", name, (change,), (*removed, *map(_leaving, left)), left)

    def _starts(self, name: str, containers: list[ContainerState]) -> Iterator[Step]:
        """Yield what is done to containers that are neither made anew nor removed."""
        if not containers:
            return
        done = len(containers) == self.environment.stack.services[name].replicas and all(
            map(_has_completed, containers)
        )
        if done and is_one_shot(self.environment, name):
            again = next(self._why_again(name), None)
            if again is not None:
                self.again.add(name)
                left = tuple(unnamed_volumes(containers))
                yield Step(Action.RERUN, "service", name, (again,), tuple(map(_leaving, left)), left)
            return
        restart = list(self._why_restart(name, containers))
        up = [one for one in containers if one.state in _UP or (restart and one.state == "paused")]
        down = [one for one in containers if one not in up]
        if down:
            self.started.add(name)
            yield Step(Action.START, "service", name, tuple(Cause(f"{one.name} is {one.state}") for one in down))
        if up and restart:
            self.started.add(name)
            yield Step(Action.RESTART, "service", name, tuple(restart))

    def _why_again(self, name: str) -> Iterator[Cause]:
        """Yield why a one-shot that has completed runs again: what it did may be gone.

        Compose starts it with each `up`, also where only what waits for it is made anew.
        """
        for other in all_dependencies(self.document.services, name):
            if other in self.made:
                yield Cause(f"it has completed, and {other}, which it depends on, is made anew")
            elif other in self.again:
                yield Cause(f"it has completed, and {other}, which it depends on, runs again")
            elif other in self.started and _forgets(self.document.services[other]):
                yield Cause(f"it has completed, and {other}, which it depends on, starts with an empty tmpfs")

    def _why_restart(self, name: str, containers: list[ContainerState]) -> Iterator[Cause]:
        service = self.document.services[name]
        namespaces = {other: attribute for attribute, other in shared(service) if attribute in NAMESPACES}
        for other, restarts in dependencies(service).items():
            provider = self.shared.get(other)
            if restarts and other in self.replaced:
                yield Cause(f"restarts with {other}, which is made anew")
            elif other in namespaces and provider is not None:
                what = f"shares the {namespaces[other].removesuffix('_mode')} of {other}"
                if other in self.started:
                    yield Cause(f"{what}, which is started")
                elif any(_started_before(one, provider) for one in containers):
                    yield Cause(f"{what}, which was started after it")

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

    def _why_anew(self, name: str, containers: list[ContainerState]) -> dict[str, list[Cause]]:
        """Return why containers are made anew, by ID; those that stay as they are have no entry."""
        environment, digest = self.environment, self.document.digests[name]
        causes: dict[str, list[Cause]] = {}
        changes: dict[str | None, list[Cause]] = {digest: []}
        for one in containers:
            if one.digest not in changes:
                previous = self.known.definitions.get(one.digest or "")
                changes[one.digest] = list(
                    causes_of_change(environment, self.document, name, previous, self.known.directory)
                )
            found = changes[one.digest] or self._why_replaced(name, one)
            if name in self.asked:
                found = [*found, Cause("asked for with --recreate")]
            found = [*found, *self._why_shared(name, one)]
            if found:
                causes[one.id] = found
        if any(one.id in causes and one.state != "running" and self._lost_networks(name, one) for one in containers):
            # Compose makes a stopped container anew only if it is told to, and then all of its service.
            for one in containers:
                causes.setdefault(one.id, [])
        return causes

    def _why_shared(self, name: str, one: ContainerState) -> Iterator[Cause]:
        """Yield why a container no longer shares what it should: the other one's ID is part of its definition."""
        for attribute, other in shared(self.document.services[name]):
            what = f"shares the {attribute.removesuffix('_mode').replace('volumes_from', 'volumes')} of {other}"
            if other not in self.shared:
                continue
            provider = self.shared[other]
            if provider is None:
                yield Cause(f"{what}, which is made anew")
            elif one.inspected and not self._is_current(other, _shared_containers(one, attribute)):
                yield Cause(f"{what}, whose container is another one now")

    def _is_current(self, name: str, identities: Iterable[str]) -> bool:
        """Whether one of ``identities`` is a container of service ``name``.

        Any will do: where Compose makes several anew, it does not take the one that it takes the next time.
        """
        return any(one.id in identities for one in self.containers.get(name, ()))

    def _why_replaced(self, name: str, one: ContainerState) -> list[Cause]:
        """Return what is wrong with a container whose definition has not changed."""
        image = self.known.images.get(self.document.image(name) or "")
        causes = []
        # Where a registry map changes, Compose replaces the container although the image is the same.
        reference = self.document.image(name) if self.environment.stack.services[name].build is None else None
        span = self.environment.span("services", name, "image")
        if image is not None and one.image_id != image.id:
            old, new = (_short(identity) for identity in (one.image_id, image.id))
            causes.append(Cause(f"{image.reference} is another image now: {old} -> {new}", span))
        elif reference is not None and one.image != reference and not _is_identity(one.image):
            causes.append(Cause(f"its image is to come from {reference}, and came from {one.image}", span))
        lost = self._lost_networks(name, one)
        return [*causes, *(Cause(f"{one.name} is not attached to network {network} any more") for network in lost)]

    def _lost_networks(self, name: str, one: ContainerState) -> list[str]:
        service = self.document.services[name]
        if service.get("network_mode") or one.digest != self.document.digests[name]:
            return []
        expected = {engine_name(self.document, "networks", key) for key in service.get("networks") or ("default",)}
        return sorted(expected - (set(one.networks) - self.networks))

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
        self, name: str, replaced: list[ContainerState], *, new_image: bool
    ) -> tuple[tuple[Unnamed, ...], list[str]]:
        """Return the anonymous volumes that are left behind, and what is to be said of them.

        Nobody knows yet which volumes a ``new_image``, which is still to be built or pulled, will want.
        """
        image = self.known.images.get(self.environment.image(name) or "")
        left = tuple(left_behind(replaced, inherited_targets(self.document.services[name], image)))
        if new_image:
            return (), [f"{_leaving(one)}, unless the new image wants it" for one in left]
        return left, list(map(_leaving, left))


def _has_completed(one: ContainerState) -> bool:
    return one.state == "exited" and one.exit_code == 0


def _started_before(one: ContainerState, other: ContainerState) -> bool:
    return one.started_at is not None and other.started_at is not None and one.started_at < other.started_at


def _shared_containers(one: ContainerState, attribute: str) -> list[str]:
    """Return the IDs of the containers whose namespace or volumes a container was made to share."""
    host: Mapping[str, Any] = one.inspected.get("HostConfig") or {}
    if attribute == "volumes_from":
        return [str(entry).partition(":")[0] for entry in host.get("VolumesFrom") or ()]
    key = {"network_mode": "NetworkMode", "ipc": "IpcMode", "pid": "PidMode"}[attribute]
    return [str(host.get(key) or "").removeprefix("container:")]


def _forgets(service: Mapping[str, Any]) -> bool:
    """Return whether a service loses data when it stops."""
    return bool(service.get("tmpfs")) or any(mount.get("type") == "tmpfs" for mount in service.get("volumes") or ())


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
