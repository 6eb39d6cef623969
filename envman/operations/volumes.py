"""An environment's volumes as snapshots see them, and which image can read them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from envman.diagnostics import Note
from envman.diagnostics.diagnostic import fail, near_match
from envman.engine.observe import COMPOSE
from envman.model.environment import Environment
from envman.operations.workspace import Workspace
from envman.plan.observed import Observed
from envman.plan.ownership import owned
from envman.plan.unnamed import Unnamed
from envman.snapshot.manifest import Place
from envman.source.git import holds_data
from envman.source.places import locate, status
from envman.state.definitions import read_definitions

# Below these lies nothing that a stack keeps.
_SYSTEM: Final = ("/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/tmp", "/usr", "/var/run")  # noqa: S108 - a prefix


@dataclass(frozen=True, slots=True)
class DataVolume:
    """A volume: its key in the blueprint, the engine's name, and the services that mount it.

    An anonymous one has a ``place``, and the key of that.
    """

    key: str
    name: str
    exists: bool
    retain: str
    external: bool
    services: tuple[str, ...]
    place: Place | None = None

    @property
    def stem(self) -> str:
        """How the names of its files in a snapshot begin."""
        if self.place is None:
            return self.key
        readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.key)[:60]
        return f"{readable}-{hashlib.sha256(self.key.encode()).hexdigest()[:8]}"


def unnamed_volume(one: Unnamed) -> DataVolume:
    """Return an anonymous volume as snapshots see it."""
    place = Place(one.service, one.number, one.target)
    return DataVolume(
        place.key, one.volume, exists=True, retain="keep", external=False, services=(one.service,), place=place
    )


def data_volumes(workspace: Workspace, environment: Environment, observed: Observed) -> list[DataVolume]:
    """Return the volumes of ``environment``; last those of this checkout's that no blueprint names any more."""
    present = {one.name: one for one in observed.volumes}
    found = []
    for key, volume in environment.stack.volumes.items():
        external = volume is not None and volume.is_external
        name = (volume.name if volume and volume.name else None) or (
            key if external else f"{environment.compose_project}_{key}"
        )
        retain = volume.retain if volume is not None else "keep"
        services = tuple(
            service
            for service, one in environment.stack.services.items()
            if any(mount.type == "volume" and mount.source == key for mount in one.volumes or ())
        )
        found.append(DataVolume(key, name, name in present, retain, external, services))
    known = {one.name for one in found}
    for one in observed.volumes:
        if one.name not in known and owned(environment, workspace.checkout.id, one.labels):
            key = one.labels.get(f"{COMPOSE}volume") or one.name
            found.append(DataVolume(key, one.name, exists=True, retain="keep", external=False, services=()))
    return found


def bound_folders(workspace: Workspace, environment: Environment) -> list[str]:
    """Say of each folder of the engine's machine that services may write data to why no snapshot holds it.

    What git tracks there is a project's own, and what a system has is no data of the stack.
    """
    said = {}
    for name, service in environment.stack.services.items():
        for mount in service.volumes or ():
            source = mount.source or ""
            if mount.type != "bind" or mount.read_only or source in said or source.startswith(_SYSTEM) or source == "/":
                continue
            path = locate(workspace.project.root, source)
            if workspace.endpoint.is_local and path is not None:
                is_there = status(workspace.project.root, source) is not None
                if not is_there or holds_data(path, workspace.environ) is False:
                    continue
            said[source] = (
                f"what {name} writes to {source}: a folder of the engine's machine, not a volume; "
                "copy it there, or mount a volume with `driver_opts: {type: none, o: bind, device: FOLDER}`"
            )
    return list(said.values())


def find_volume(
    environment: Environment, volumes: Sequence[DataVolume], key: str, *, absent: bool = False
) -> DataVolume:
    """Return the one of ``volumes`` with that key; it need not be there where it may be ``absent``.

    Raises:
        EnvmanError: EV642 for one that is external, unknown or not there.
    """
    by_key = {one.key: one for one in volumes}
    one = by_key.get(key)
    if one is None:
        raise fail(
            "EV642",
            f'{environment.name} has no volume "{key}"',
            expected=near_match(key, by_key) or f"one of {', '.join(by_key) or 'none'}",
        )
    if one.external:
        raise fail(
            "EV642",
            f"volume {key} of {environment.name} is external: its data is somebody else's",
            environment.key_span("volumes", key),
            help="copy its data where the volume belongs",
        )
    if not one.exists and not absent:
        raise fail(
            "EV642",
            f"volume {key} of {environment.name} is not there yet",
            help=f"`envman up {environment.name}` makes it",
        )
    return one


def choose(
    environment: Environment, volumes: Sequence[DataVolume], keys: Sequence[str], left_out: Sequence[str] = ()
) -> list[DataVolume]:
    """Return those of ``volumes`` that a snapshot is to hold: those named, else all that matter and are there.

    ``left_out`` is data that no snapshot holds, in words, for the error.

    Raises:
        EnvmanError: EV642 for one that is external, unknown or not there, EV651 where nothing is left.
    """
    by_key = {one.key: one for one in volumes}
    for key in keys:
        find_volume(environment, volumes, key)
    chosen = [one for one in volumes if one.exists and not one.external and one.retain != "ephemeral"]
    if keys:
        chosen = [by_key[key] for key in dict.fromkeys(keys)]
    if not chosen:
        raise fail(
            "EV651",
            f"{environment.name} has no data to take a snapshot of",
            expected="a volume that is there, is not external and is not `retain: ephemeral`",
            notes=tuple(Note(f"left out: {one}") for one in left_out),
            help=f"`envman volumes {environment.name}` lists its volumes; `--volume NAME` takes an ephemeral one too",
        )
    return chosen


def images_for(workspace: Workspace, environment: Environment, volume: DataVolume) -> list[str]:
    """Return images on the engine to handle ``volume`` with, those of the services that mount it first.

    Raises:
        EnvmanError: EV644 where there is none.
    """
    from envman.engine.hold import users_of
    from envman.engine.images import find_images

    services = [*volume.services, *(name for name in environment.stack.services if name not in volume.services)]
    references = [image for name in services if (image := workspace.image(environment, name))]
    if environment.by_labels:
        # Its containers may be gone; what they were made from is on record.
        recorded = read_definitions(workspace.checkout.state, environment.key).services.values()
        references += [str(one["image"]) for one in recorded if one.get("image")]
    present = find_images(workspace.engine, set(references))
    users = [one.image for one in users_of(workspace.engine, volume.name)]
    images = list(dict.fromkeys([*users, *(present[one].id for one in references if one in present)]))
    if not images:
        raise fail(
            "EV644",
            f"no image of {environment.name} is on the engine, and volume {volume.key} can only be reached through one",
            help="`docker pull` an image that it used, or do without a copy (`--no-snapshot`); nothing was changed"
            if environment.by_labels
            else f"`envman pull {environment.name}` or `envman build {environment.name}` first; nothing was changed",
        )
    return images


def names_of(volumes: Iterable[DataVolume]) -> list[str]:
    """Return the engine's names."""
    return [one.name for one in volumes]
