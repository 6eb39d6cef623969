"""Which volume of an environment gets which volume of a snapshot, and with which image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from envman import LABEL_PREFIX
from envman.diagnostics.diagnostic import fail
from envman.engine.archive import Helpers
from envman.engine.observe import COMPOSE
from envman.model.environment import Environment
from envman.operations.snapshots import Taking
from envman.operations.volumes import DataVolume, images_for, unnamed_volume
from envman.operations.workspace import Workspace
from envman.plan.observed import Observed
from envman.plan.unnamed import unnamed_volumes
from envman.snapshot.manifest import Manifest, Place, VolumeCopy


@dataclass(frozen=True, slots=True)
class Fitting:
    """A volume in a snapshot and the one that gets its content."""

    copy: VolumeCopy
    volume: DataVolume


@dataclass(frozen=True, slots=True)
class Refill:
    """The same, with the images that can empty the volume and read it.

    ``creation`` is the driver, its options and the labels of the volume, where it has to be made first.
    """

    copy: VolumeCopy
    volume: DataVolume
    image: str
    reader: str
    has_shell: bool
    creation: tuple[str | None, Mapping[str, str], Mapping[str, str]]


def fitting(
    target: Environment, source: str, manifest: Manifest, volumes: Sequence[DataVolume], observed: Observed
) -> list[Fitting]:
    """Return the volumes of ``target`` that get the files in ``manifest``: by key, or by where they are mounted.

    A volume that was anonymous is left out where its service has none there now, and others are to be restored.

    Raises:
        EnvmanError: EV642 for an external volume, EV652 where ``target`` has none of that key or at that place.
    """
    by_key = {one.key: one for one in volumes}
    found: list[Fitting] = []
    only = all(copy.place is not None for copy in manifest.volumes)
    for copy in manifest.volumes:
        if copy.place is not None:
            volume = _mounted_at(target, copy.place, by_key, observed)
            if volume is not None and volume.name in {one.volume.name for one in found}:
                volume = None  # another copy of this snapshot goes there
            if volume is None and not only:
                continue
        else:
            volume = by_key.get(copy.key)
        if volume is None and copy.place is not None:
            raise fail(
                "EV652",
                f"snapshot {manifest.name} of {source} holds what {copy.place.service} had in an anonymous volume "
                f"at {copy.place.target}, and {target.name} has no volume there",
                expected=f"a volume of {copy.place.service} at {copy.place.target}",
                help=homeless(target, copy.place),
            )
        if volume is None:
            raise fail(
                "EV652",
                f'snapshot {manifest.name} of {source} holds volume "{copy.key}", which {target.name} does not have',
                expected=f"one of {', '.join(by_key) or 'none'}",
                help="define it in the blueprint; nothing was changed",
            )
        if volume.external:
            raise fail(
                "EV642",
                f"volume {copy.key} of {target.name} is external: its data is somebody else's",
                target.key_span("volumes", copy.key),
                help="nothing was changed",
            )
        if copy.files is not None:
            found.append(Fitting(copy, volume))
    return found


def _mounted_at(
    target: Environment, place: Place, by_key: Mapping[str, DataVolume], observed: Observed
) -> DataVolume | None:
    """Return the volume that is in ``place``: the named one that the blueprint mounts there, else what is mounted."""
    service = target.stack.services.get(place.service)
    for mount in (service.volumes or ()) if service is not None else ():
        if mount.type == "volume" and mount.source and mount.target == place.target:
            return by_key.get(mount.source)
    return next(
        (
            unnamed_volume(one)
            for one in unnamed_volumes(observed.containers)
            if (one.service, one.number, one.target) == (place.service, place.number, place.target)
        ),
        None,
    )


def homeless(target: Environment, place: Place) -> str:
    """Return what has to be done before what was in ``place`` can be put back there."""
    return (
        f"give {place.service} a volume there (`volumes: [{place.service}-data:{place.target}]`, and "
        f"`{place.service}-data` below `volumes:`), `envman up {target.name}`, then restore again; nothing was changed"
    )


def hooked(target: Environment, manifest: Manifest, taking: Taking) -> None:
    """Make sure that the dumps in ``manifest`` can be read back.

    Raises:
        EnvmanError: EV652 for a service without a restore hook, EV608 for one that does not run.
    """
    for dump in manifest.dumps:
        service = target.stack.services.get(dump.service)
        hook = service.snapshot if service is not None else None
        if hook is None or hook.restore is None:
            raise fail(
                "EV652",
                f"snapshot {manifest.name} holds what the hook of {dump.service} wrote, "
                f"and {target.name} has no hook to read it back",
                help=f"give {dump.service} a `snapshot: {{command: ..., restore: ...}}`; nothing was changed",
            )
        if taking.container(dump.service) is None:
            raise fail(
                "EV608",
                f"{dump.service} of {target.name} is not running, and its hook runs in it",
                help=f"`envman up {target.name} {dump.service}` first; nothing was changed",
            )


def refills(workspace: Workspace, target: Environment, helpers: Helpers, fitted: Sequence[Fitting]) -> list[Refill]:
    """Return ``fitted`` with the images to do it with; raises EnvmanError with EV644 where there is none."""
    shells: dict[str, bool] = {}
    plan = []
    for one in fitted:
        images = images_for(workspace, target, one.volume)
        capable = None
        for image in images:
            if image not in shells:
                shells[image] = helpers.has_shell(image)
            if shells[image]:
                capable = image
                break
        creation = creation_of(workspace, target, one.volume.key)
        plan.append(
            Refill(one.copy, one.volume, capable or images[0], capable or images[0], capable is not None, creation)
        )
    return plan


def creation_of(
    workspace: Workspace, target: Environment, key: str
) -> tuple[str | None, Mapping[str, str], Mapping[str, str]]:
    """Return how Compose would make volume ``key``, so that it takes the volume for its own."""
    entry = workspace.offline_document(target).data.get("volumes", {}).get(key) or {}
    given = entry.get("labels") or {}
    labels = {
        **{name: str(value) for name, value in given.items()},
        f"{COMPOSE}project": target.compose_project,
        f"{COMPOSE}volume": key,
        f"{LABEL_PREFIX}checkout": workspace.checkout.id,
    }
    options = {name: str(value) for name, value in (entry.get("driver_opts") or {}).items()}
    return entry.get("driver"), options, labels
