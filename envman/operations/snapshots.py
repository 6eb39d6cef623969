"""Taking a snapshot of an environment's volumes: hold the writers, copy, check, let them go on."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envman.diagnostics.diagnostic import fail
from envman.engine.archive import Helpers
from envman.model.environment import Environment
from envman.operations.held import foreign_writers, hold, let_go
from envman.operations.prepare import look, refuse_unclean_data, unclean_volumes
from envman.operations.progress import Progress
from envman.operations.shelves import free_name, ignore_inside, shelf_folder, shelf_of, written
from envman.operations.touched import touched
from envman.operations.volumes import (
    DataVolume,
    bound_folders,
    choose,
    data_volumes,
    images_for,
    names_of,
    unnamed_volume,
)
from envman.operations.workspace import Workspace
from envman.plan.observed import Observed
from envman.plan.unnamed import Unnamed, unnamed_volumes
from envman.snapshot.archive import write_archive, write_stream
from envman.snapshot.manifest import Dump, Manifest, VolumeCopy
from envman.snapshot.shelf import Shelf
from envman.snapshot.tar import BrokenArchiveError
from envman.state.copying import Copying, forget_copying, read_copying, write_copying
from envman.state.journal import Entry, journalled
from envman.version import installed_version


@dataclass(frozen=True, slots=True)
class Asked:
    """What a snapshot is to be: its name (else the time), the volumes by key (else all), whether writers go on."""

    name: str | None = None
    volumes: tuple[str, ...] = ()
    live: bool = False
    reason: str = "asked for"


def create(
    workspace: Workspace, environment: Environment, asked: Asked, progress: Progress
) -> tuple[Manifest, tuple[str, ...]]:
    """Take a snapshot of ``environment`` and return its manifest, and the data that it leaves out, in words.

    Raises:
        EnvmanError: EV640 to EV653; nothing half-made is left, and what was paused goes on.
    """
    refuse_unclean_data(workspace, environment)
    observed = look(workspace, environment)
    volumes = data_volumes(workspace, environment, observed)
    anonymous = touched(workspace, environment, observed, list(unnamed_volumes(observed.containers)))
    left = (
        *(f"what {one.service} has at {one.target} in an anonymous volume" for one in anonymous),
        *(f"the external volume {one.key}" for one in volumes if one.external),
        *bound_folders(workspace, environment),
    )
    chosen = choose(environment, volumes, asked.volumes, left)
    return take(workspace, environment, observed, chosen, asked, progress), left


def take(
    workspace: Workspace,
    environment: Environment,
    observed: Observed,
    chosen: Sequence[DataVolume],
    asked: Asked,
    progress: Progress,
) -> Manifest:
    """Take a snapshot of the volumes ``chosen`` and return its manifest; raises as `create` does."""
    shelf = shelf_of(workspace, environment.key)
    name = asked.name or free_name(shelf)
    shelf.check_free(name)
    others = [] if asked.live else foreign_writers(workspace, names_of(chosen))
    if others:
        progress.warning(f"{', '.join(others)} may write while this copies: not this checkout's, so it is not paused")
    earlier = read_copying(workspace.checkout.state, environment.key)
    copying = earlier or Copying(environment.key, name)
    # Before anything that a kill could leave behind.
    write_copying(workspace.checkout.state, copying)
    shelf.sweep()
    with journalled(workspace.checkout.state, Entry("snapshot", environment.key, f"copying to {name}")):
        progress.step(f"taking snapshot {name} of {environment.name}")
        try:
            taking = Taking(workspace, environment, observed, progress)
            return taking.take(shelf, name, chosen, asked, copying)
        finally:
            if earlier is None:
                # Where the engine has gone this raises, and the record stays for the next command.
                left = read_copying(workspace.checkout.state, environment.key) or copying
                let_go(workspace, environment, left.held, stopping=left.stopping)
                forget_copying(workspace.checkout.state, environment.key)


def before(
    workspace: Workspace,
    environment: Environment,
    deed: str,
    progress: Progress,
    *,
    asked: bool = False,
    unnamed: Sequence[Unnamed] = (),
    named: bool = True,
) -> Manifest | None:
    """Take a snapshot because of what is about to be done; return None where there is no data that it would keep.

    It holds those of the ``unnamed`` volumes that a service has written to and, where ``named``, the environment's
    own. Unless it was ``asked`` for, it is said how to do without. Of data that no hook has cleaned there is none.

    Raises:
        EnvmanError: EV640 to EV653; EV665 where one was ``asked`` for of data that no hook has cleaned.
    """
    unclean = unclean_volumes(workspace, environment)
    if unclean and not asked:
        progress.warning(f"no snapshot is taken of {', '.join(unclean)}: no hook has cleaned this data")
        return None
    refuse_unclean_data(workspace, environment)
    observed = look(workspace, environment)
    chosen = [unnamed_volume(one) for one in touched(workspace, environment, observed, unnamed)]
    if named:
        volumes = data_volumes(workspace, environment, observed)
        chosen[:0] = [one for one in volumes if one.exists and not one.external and one.retain != "ephemeral"]
    if not chosen:
        return None
    name = free_name(shelf_of(workspace, environment.key), f"before-{deed}-")
    made = take(workspace, environment, observed, chosen, Asked(name, reason=f"before {deed}"), progress)
    progress.notice(f"snapshot {name} was taken first" + ("" if asked else "; `--no-snapshot` does without"))
    return made


class Taking:
    """Copies volumes of one environment into a snapshot."""

    def __init__(self, workspace: Workspace, environment: Environment, observed: Observed, progress: Progress) -> None:
        self.workspace = workspace
        self.environment = environment
        self.observed = observed
        self.progress = progress
        self.helpers = Helpers(workspace.engine, workspace.checkout.id, workspace.checkout.state)

    def take(self, shelf: Shelf, name: str, chosen: Sequence[DataVolume], asked: Asked, copying: Copying) -> Manifest:
        """Copy ``chosen`` into snapshot ``name``; a container that this holds goes on before it returns."""
        ignore_inside(self.workspace, shelf_folder(self.workspace))
        with written(name):
            folder = shelf.begin(name)
        try:
            hooks = self.hooks(chosen)
            with written(name):
                dumps = tuple(self.dump(service, folder) for service in hooks)
            by_hook = {key: service for service in reversed(hooks) for key in self._mounted(service)}
            copies = [
                VolumeCopy(one.key, one.name, f"the snapshot hook of {by_hook[one.key]} was run", dump=by_hook[one.key])
                for one in chosen
                if one.key in by_hook
            ]
            rest = [one for one in chosen if one.key not in by_hook]
            copies += self._files(folder, name, rest, asked, copying)
            manifest = self._manifest(name, asked.reason, copies, dumps)
            with written(name):
                shelf.commit(folder, manifest)
        except BaseException:
            shelf.sweep()
            raise
        return manifest

    def _files(
        self, folder: Path, name: str, volumes: Sequence[DataVolume], asked: Asked, copying: Copying
    ) -> list[VolumeCopy]:
        if not volumes:
            return []
        if asked.live:
            with written(name):
                return [self._copy(folder, one, "live: writers went on meanwhile", live=True) for one in volumes]
        images = {one.name: images_for(self.workspace, self.environment, one) for one in volumes}
        held = hold(self.workspace, copying, names_of(volumes))
        try:
            with written(name):
                return [self._copy(folder, one, held.words, images=images[one.name]) for one in volumes]
        finally:
            mine = [one for one in held.ids if one not in copying.held]
            let_go(self.workspace, self.environment, mine, stopping=held.stopping)
            if held.stopping and mine:
                # Whoever reads the record must not stop them again.
                write_copying(self.workspace.checkout.state, copying)

    def _copy(
        self,
        folder: Path,
        volume: DataVolume,
        consistency: str,
        *,
        live: bool = False,
        images: Sequence[str] | None = None,
    ) -> VolumeCopy:
        images = images or images_for(self.workspace, self.environment, volume)
        way, stream = self.helpers.read(volume.name, images[0], live=live)
        try:
            with closing(stream):
                files = write_archive(folder, volume.stem, stream)
        except BrokenArchiveError as error:
            raise fail("EV646", f"volume {volume.key} could not be read to its end: {error}") from None
        self.progress.ready(volume.key, f"{files.entries} entries")
        return VolumeCopy(
            volume.key, volume.name, consistency, files, "", way.value, way.not_carried, place=volume.place
        )

    # --- hooks

    def hooks(self, chosen: Sequence[DataVolume]) -> list[str]:
        """Return the services that are running, have a hook, and mount one of ``chosen``."""
        keys = {one.key for one in chosen}
        return [
            name
            for name, service in self.environment.stack.services.items()
            if service.snapshot is not None and self.container(name) and keys & set(self._mounted(name))
        ]

    def _mounted(self, service: str) -> list[str]:
        mounts = self.environment.stack.services[service].volumes or ()
        return [mount.source for mount in mounts if mount.type == "volume" and mount.source]

    def covered(self, manifest: Manifest) -> list[DataVolume]:
        """Return the volumes whose data the dumps in ``manifest`` stand for."""
        keys = {key for one in manifest.dumps for key in self._mounted(one.service)}
        volumes = data_volumes(self.workspace, self.environment, self.observed)
        return [one for one in volumes if one.key in keys and one.exists and not one.external]

    def container(self, service: str) -> str | None:
        """Return the ID of the first running container of ``service``."""
        running = [
            one
            for one in self.observed.containers
            if one.service == service and one.state == "running" and not one.oneoff
        ]
        return min(running, key=lambda one: one.number).id if running else None

    def dump(self, service: str, folder: Path) -> Dump:
        """Run the hook of ``service`` and keep what it writes.

        Raises:
            EnvmanError: EV647 where it fails.
        """
        from envman.engine.streams import STDOUT, run_inside

        self.progress.step(f"running the snapshot hook of {service}")
        hook = self.environment.stack.services[service].snapshot
        container = self.container(service)
        assert hook is not None  # hooks() chose it
        assert container is not None
        command = words_of(hook.command)
        said = bytearray()
        status: list[int] = []

        def output() -> Iterator[bytes]:
            for piece in run_inside(self.workspace.engine, container, command, user=hook.user or ""):
                if isinstance(piece, int):
                    status.append(piece)
                elif piece[0] == STDOUT:
                    yield piece[1]
                else:
                    said.extend(piece[1])

        archive = write_stream(folder, f"{service}.dump", output())
        refuse_failed_hook(self.environment, service, "command", status, bytes(said))
        self.progress.ready(service, "its snapshot hook was run")
        return Dump(service, tuple(command), archive)

    # --- the manifest

    def _manifest(self, name: str, reason: str, copies: Sequence[VolumeCopy], dumps: tuple[Dump, ...]) -> Manifest:
        from envman.engine.images import find_images

        environment = self.environment
        references = {service: self.workspace.image(environment, service) for service in environment.stack.services}
        present = find_images(self.workspace.engine, {one for one in references.values() if one})
        images: dict[str, dict[str, Any]] = {
            service: {"reference": reference, "id": found.id, "digests": list(found.digests)}
            for service, reference in references.items()
            if reference and (found := present.get(reference))
        }
        return Manifest(
            name=name,
            project=environment.project,
            environment=environment.key,
            created=time.time(),
            reason=reason,
            envman=installed_version(),
            blueprint=blueprint_digest(environment),
            volumes=tuple(copies),
            dumps=dumps,
            images=images,
        )


def blueprint_digest(environment: Environment) -> str:
    """Return a digest of everything that the blueprint says."""
    canonical = json.dumps(environment.data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def words_of(command: str | Sequence[str]) -> list[str]:
    """Return a hook's command as a list of words. Nothing interprets it further: there is no shell."""
    return shlex.split(command) if isinstance(command, str) else list(command)


def refuse_failed_hook(environment: Environment, service: str, which: str, status: list[int], said: bytes) -> None:
    """Raise EV647 where a hook did not end with 0."""
    if status == [0]:
        return
    raise fail(
        "EV647",
        f"the snapshot hook of {service} ended with {status[0] if status else 'no status'}",
        environment.key_span("services", service, "snapshot", which),
        help="what it said is below",
        detail=said[-4000:].decode("utf-8", "replace").strip(),
    )
