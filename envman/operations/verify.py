"""Lock, blueprint and what runs, held against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from envman.lock.compare import Difference, concerns_only, differences, incomparable
from envman.lock.current import Current
from envman.lock.glance import locked_image_of
from envman.lock.lock import Lock, LockedBuild, LockedImage
from envman.lock.pins import is_locked_image, kept_builds, pins
from envman.lock.text import LockFile
from envman.model.active import is_one_shot, wanted_services
from envman.model.environment import Environment
from envman.operations.described import described
from envman.operations.drift import compare
from envman.operations.frozen import advice, local_images, names_of, renamed_builds, required_lock, without_builds
from envman.operations.prepare import current_document, look
from envman.operations.services import difference_text
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, LocalImage, Observed
from envman.registry.reference import short_id


class Parting(NamedTuple):
    """Something that runs otherwise than it is locked or defined.

    ``kind`` is image, definition, drift, missing or stray; ``container`` is empty where there is none.
    """

    kind: str
    service: str
    container: str
    message: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Where lock, blueprint and what runs part, and the names of the values that cannot be compared here."""

    file: LockFile
    environment: Environment
    blueprint: tuple[Difference, ...]
    running: tuple[Parting, ...]
    unknown: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.blueprint or self.running)

    def remedies(self) -> list[str]:
        """Return what to do about what was found, in the order in which it has to be done."""
        instance = f" --instance {self.environment.instance}" if self.environment.instance else ""
        up = f"envman up {self.environment.name}{{}} --frozen{{}}{instance}".format
        changed = sorted({one.service for one in self.running if one.kind == "drift"})
        found = [advice(self.environment)] if self.blueprint else []
        if any(one.kind != "drift" for one in self.running):
            found.append(f"`{up('', '')}` makes what runs as it is locked")
        if changed:
            # A change by hand is in no definition that a plan compares.
            again = up("".join(f" {one}" for one in changed), " --recreate")
            found.append(f"`{again}` undoes what was changed by hand; without `--recreate` it stays")
        return found


def check_lock(workspace: Workspace, environment: Environment) -> tuple[LockFile, list[Difference], list[str]]:
    """Return the lock, where it and the blueprint part, and what cannot be compared. No engine, no registry is asked.

    Raises:
        EnvmanError: EV532 without a lock; EV530, EV531 and EV542 for one that does not count.
    """
    file = required_lock(workspace, environment)
    current = described(workspace, environment)
    return file, differences(file, current), incomparable(file, current)


def verify(workspace: Workspace, environment: Environment) -> Verification:
    """Compare the lock of ``environment`` with its blueprint and with what runs.

    Raises:
        EnvmanError: as ``check_lock``; EV4xx for the engine, EV501 and EV502 for a stack that is not this checkout's.
    """
    file = required_lock(workspace, environment)
    current = described(workspace, environment)
    observed = look(workspace, environment, details=True)
    names = names_of(workspace, environment)
    local = local_images(workspace, environment, file, current, names)
    kept = kept_builds(file.lock, current, names, local)
    workspace.pins[environment.key] = made = pins(file.lock, current, kept, names, local)
    found = [one for one in differences(file, current) if not concerns_only(one, kept, file, current)]
    unknown = incomparable(file, current)
    held = without_builds(environment, renamed_builds(made, names))
    partings = list(_partings(workspace, held, file.lock, current, observed, local.platform, unknown))
    return Verification(file, environment, tuple(found), tuple(partings), tuple(unknown))


def _partings(
    workspace: Workspace,
    environment: Environment,
    lock: Lock,
    current: Current,
    observed: Observed,
    platform: str,
    unknown: list[str],
) -> Iterator[Parting]:
    from envman.engine.images import find_images

    document = current_document(workspace, environment)
    containers = [one for one in observed.containers if not one.oneoff]
    used = {one.image_id for one in containers} | {name for one in document.services if (name := document.image(one))}
    images = find_images(workspace.engine, used)
    running = {one.service for one in containers if _counts(environment, one)}
    wanted = [name for name in wanted_services(environment, None) if environment.stack.services[name].replicas
              and environment.stack.services[name].provider is None]  # fmt: skip
    if not containers:
        yield Parting("missing", "", "", f"nothing of {environment.key} runs")
        return
    yield from (Parting("missing", name, "", f"{name} does not run") for name in wanted if name not in running)
    for one in sorted(containers, key=lambda one: one.name):
        locked = locked_image_of(lock, current, one.service)
        if locked is not None:
            yield from _image(one, locked, images, platform, unknown)
    drift = compare(environment, document, observed, images, str(workspace.project.root))
    for found in drift.containers:
        container = found.container
        if found.stale:
            text = f"{container.name} was made from another definition than the blueprint is now"
            yield Parting("definition", container.service, container.name, text)
        yield from (
            Parting("drift", container.service, container.name, f"{container.name}: {difference_text(one)}")
            for one in found.differences
            if one.attribute != "image"
        )
    yield from (Parting("stray", one.service, one.name, f"{one.name}: no blueprint names it") for one in drift.strays)
    yield from (
        Parting("missing", name, "", f"{name} lacks {count} container{'' if count == 1 else 's'}")
        for name, count in drift.missing
    )


def _counts(environment: Environment, one: ContainerState) -> bool:
    if one.state in {"running", "restarting"}:
        return True
    return one.service in environment.stack.services and is_one_shot(environment, one.service) and not one.exit_code


def _image(
    one: ContainerState,
    locked: LockedImage | LockedBuild,
    images: Mapping[str, LocalImage],
    platform: str,
    unknown: list[str],
) -> Iterator[Parting]:
    if locked.digest is None and not locked.platforms:
        unknown.append(f"the image of {one.service}: it was not built yet when it was locked")
        return
    held = images.get(one.image_id) or LocalImage(one.image, one.image_id, (), 0, 0.0)
    if not is_locked_image(locked, held, platform):
        known = locked.platforms.get(platform)
        other = known.image if known is not None else locked.digest
        text = f"{one.name} runs image {short_id(one.image_id)}; locked is {short_id(other or 'none')}"
        yield Parting("image", one.service, one.name, text)
