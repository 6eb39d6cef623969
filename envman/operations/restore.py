"""Putting a snapshot back: verified first, with a snapshot of what was there, refilled in place, checked, or undone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from envman.diagnostics import Diagnostic, EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.archive import Helpers
from envman.model.environment import Environment
from envman.operations.held import await_services, hold, let_go, refuse_foreign_writers
from envman.operations.mapping import Fitting, Refill, fitting, hooked, refills
from envman.operations.prepare import look
from envman.operations.progress import Progress
from envman.operations.shelves import free_name, shelf_of
from envman.operations.snapshots import Asked, Taking, refuse_failed_hook, words_of
from envman.operations.volumes import data_volumes
from envman.operations.workspace import Workspace
from envman.snapshot.archive import decompressed, measure, read_index, verify_archive, verify_stream
from envman.snapshot.content import differing, entries_of
from envman.snapshot.manifest import Dump, Manifest
from envman.snapshot.shelf import Shelf
from envman.snapshot.tar import BrokenArchiveError, Entry
from envman.source.files import explain_os_error
from envman.state.copying import Copying, forget_copying, read_copying, write_copying
from envman.state.journal import Entry as Begun
from envman.state.journal import journalled, record

ABSENT_ROOT = "."


@dataclass(frozen=True, slots=True)
class Restored:
    """How a restore ended: the volumes by key, the services whose hooks were run, the safety snapshot, who started."""

    volumes: tuple[str, ...]
    dumps: tuple[str, ...]
    safety: str
    started: bool


def verify(shelf: Shelf, manifest: Manifest) -> None:
    """Read every archive of a snapshot and compare it with its checksums.

    Raises:
        EnvmanError: EV643 with the volume, the file and what is wrong.
    """
    folder = shelf.path(manifest.name)
    files = [(one.key, partial(verify_archive, folder, one.files)) for one in manifest.volumes if one.files is not None]
    checks = [*files, *((one.service, partial(verify_stream, folder, one.archive)) for one in manifest.dumps)]
    for key, check in checks:
        try:
            check()
        except (BrokenArchiveError, OSError) as error:
            reason = explain_os_error(error) if isinstance(error, OSError) else str(error)
            raise fail(
                "EV643",
                f"snapshot {manifest.name} of {shelf.environment} is damaged: {key}: {reason}",
                help="nothing was changed; use another snapshot",
            ) from None


def restore(
    workspace: Workspace,
    shelf: Shelf,
    manifest: Manifest,
    target: Environment,
    progress: Progress,
    *,
    safety: bool = True,
    timeout: float = 300.0,
) -> Restored:
    """Put the data of ``manifest`` in the place of what the volumes of ``target`` hold.

    Raises:
        EnvmanError: EV64x and EV65x before anything is touched; EV648 where it failed and everything is as it was;
            EV649 where that failed too, with what to do; EV60x where a service does not come up with its data.
    """
    return _Restore(workspace, shelf, manifest, target, progress).run(safety=safety, timeout=timeout)


class _Restore:
    def __init__(
        self, workspace: Workspace, shelf: Shelf, manifest: Manifest, target: Environment, progress: Progress
    ) -> None:
        self.workspace = workspace
        self.shelf = shelf
        self.manifest = manifest
        self.target = target
        self.progress = progress
        self.helpers = Helpers(workspace.engine, workspace.checkout.id, workspace.checkout.state)
        self.state = workspace.checkout.state
        self.begun: list[Refill] = []
        self.fed: list[Dump] = []

    def run(self, *, safety: bool, timeout: float) -> Restored:
        manifest, target = self.manifest, self.target
        observed = look(self.workspace, target)
        volumes = data_volumes(self.workspace, target, observed)
        fitted = fitting(target, self.shelf.environment, manifest, volumes, observed)
        self._say_left_out(fitted)
        taking = Taking(self.workspace, target, observed, self.progress)
        hooked(target, manifest, taking)
        refuse_foreign_writers(self.workspace, [one.volume.name for one in fitted])
        self.progress.step(f"verifying snapshot {manifest.name}")
        verify(self.shelf, manifest)
        plan = refills(self.workspace, target, self.helpers, fitted)
        earlier = read_copying(self.state, target.key)
        copying = earlier or Copying(target.key, manifest.name)
        copying = replace(copying, snapshot=manifest.name, source=self.shelf.environment)
        entry = Begun("restore", target.key, f"snapshot {manifest.name}")
        with journalled(self.state, entry):
            write_copying(self.state, copying)
            try:
                held = hold(self.workspace, copying, [one.volume.name for one in plan], stopping=True)
                copying = replace(copying, held=held.ids, stopping=held.stopping)
                copying = self._safety(copying, plan, taking, wanted=safety)
                self._say_step(entry, copying)
                self._refill_all(plan, copying)
                self._feed_all(taking)
            except BaseException as error:
                self._undo(read_copying(self.state, target.key) or copying, taking, error, timeout)
                raise
            left = tuple(name for name in copying.refilling if name not in {one.volume.name for one in plan})
            if left:
                # A restore before this one left volumes unfinished that this snapshot does not hold.
                write_copying(self.state, replace(copying, refilling=left))
                self.progress.warning(f"{', '.join(left)} is still not whole: `envman snapshot restore` it too")
                started: list[str] = []
            else:
                started = self._release(copying)
        try:
            await_services(self.workspace, target, started, self.progress, timeout=timeout)
        except EnvmanError:
            back = f"; snapshot {copying.safety} has what was there before" if copying.safety else ""
            self.progress.notice(f"the data of {manifest.name} is in {target.name}, whole and checked{back}")
            raise
        keys = tuple(one.volume.key for one in plan)
        return Restored(keys, tuple(one.service for one in manifest.dumps), copying.safety, bool(started))

    # --- before

    def _say_left_out(self, fitted: Sequence[Fitting]) -> None:
        taken = {one.copy.key for one in fitted}
        for one in self.manifest.volumes:
            if one.place is not None and one.key not in taken:
                service, there = one.place.service, one.place.target
                self.progress.warning(
                    f"{one.key} is left out: {service} has no volume at {there} now; "
                    f"once it has one and is up, restore again"
                )

    def _safety(self, copying: Copying, plan: Sequence[Refill], taking: Taking, *, wanted: bool) -> Copying:
        shelf = shelf_of(self.workspace, self.target.key)
        if copying.safety in shelf.names():
            self.progress.notice(f"snapshot {copying.safety} from before the interrupted restore is kept")
            return copying
        volumes = [one.volume for one in plan if one.volume.exists]
        volumes += [one for one in taking.covered(self.manifest) if one not in volumes]
        if not wanted or not volumes:
            return replace(copying, safety="")
        name = free_name(shelf, "before-restore-")
        self.progress.step(f"taking snapshot {name} of what is there")
        again = Taking(self.workspace, self.target, look(self.workspace, self.target), self.progress)
        again.take(shelf, name, volumes, Asked(name, reason=f"before restoring {self.manifest.name}"), copying)
        return replace(copying, safety=name)

    def _say_step(self, entry: Begun, copying: Copying) -> None:
        back = f", or `envman snapshot restore {self.target.name} {copying.safety}` goes back" if copying.safety else ""
        step = f"refilling from {self.manifest.name}; repeat it{back}"
        record(self.state, replace(entry, step=step))

    # --- the data

    def _refill_all(self, plan: Sequence[Refill], copying: Copying) -> None:
        from envman.engine.archive import create_volume

        names = tuple(dict.fromkeys((*copying.refilling, *(one.volume.name for one in plan))))
        write_copying(self.state, replace(copying, refilling=names))
        folder = self.shelf.path(self.manifest.name)
        for one in plan:
            self.progress.step(f"restoring {one.volume.key}")
            self.begun.append(one)
            if not one.volume.exists:
                driver, options, labels = one.creation
                create_volume(self.workspace.engine, one.volume.name, driver=driver, options=options, labels=labels)
            self._refill(one, folder)

    def _refill(self, one: Refill, folder: Path) -> None:
        """Refill a volume and compare what it holds then with what it should.

        Raises:
            EnvmanError: EV646 with some of the files that differ.
        """
        files = one.copy.files
        assert files is not None  # refills() takes no other
        present = self._present(one)
        wanted = {entry.path for entry in _top(read_index(folder / files.index.file))}
        strays = sorted(set(present) - wanted)
        if not one.has_shell and strays:
            raise fail(
                "EV644",
                f"volume {one.volume.key} holds {', '.join(strays[:3])}, which the snapshot does not have, "
                "and no image of its environment has a shell to remove it with",
                help="add a service with an image that has one",
            )
        archive = folder / files.archive.file
        self.helpers.refill(one.volume.name, one.image, decompressed(archive), present)
        with tempfile.TemporaryFile() as scratch:
            _, stream = self.helpers.read(one.volume.name, one.reader)
            with closing(stream):
                content = measure(stream, scratch)
            again = entries_of(scratch) if content.needs_second_look else ()
            if content.finish(again) == files.content:
                self.progress.ready(one.volume.key, f"{content.entries} entries, checked")
                return
            scratch.seek(0)
            paths = differing(read_index(folder / files.index.file), entries_of(scratch))
        raise fail("EV646", f"volume {one.volume.key} is not what was stored: {', '.join(paths)} differs")

    def _present(self, one: Refill) -> dict[str, str]:
        if one.has_shell or not one.volume.exists:
            return {}
        with tempfile.TemporaryFile() as scratch:
            _, stream = self.helpers.read(one.volume.name, one.reader)
            with closing(stream):
                measure(stream, scratch)
            return {entry.path: entry.kind for entry in _top(entries_of(scratch))}

    def _feed_all(self, taking: Taking) -> None:
        for dump in self.manifest.dumps:
            self.fed.append(dump)
            self._feed(dump, self.shelf.path(self.manifest.name), taking)

    def _feed(self, dump: Dump, folder: Path, taking: Taking) -> None:
        from envman.engine.streams import run_inside

        hook = self.target.stack.services[dump.service].snapshot
        container = taking.container(dump.service)
        assert hook is not None  # hooked() made sure
        assert hook.restore is not None
        assert container is not None
        self.progress.step(f"running the restore hook of {dump.service}")
        said = bytearray()
        status: list[int] = []
        pieces = decompressed(folder / dump.archive.file)
        command = words_of(hook.restore)
        for piece in run_inside(self.workspace.engine, container, command, user=hook.user or "", stdin=pieces):
            if isinstance(piece, int):
                status.append(piece)
            else:
                said = (said + piece[1])[-4000:]
        refuse_failed_hook(self.target, dump.service, "restore", status, bytes(said))
        self.progress.ready(dump.service, "its restore hook was run")

    def _release(self, copying: Copying) -> list[str]:
        """Let go on what was held, now that all volumes are whole; return the containers that were started."""
        write_copying(self.state, replace(copying, refilling=()))
        started = let_go(self.workspace, self.target, copying.held, stopping=copying.stopping)
        forget_copying(self.state, self.target.key)
        return started

    # --- undoing

    def _undo(self, copying: Copying, taking: Taking, error: BaseException, timeout: float) -> None:
        """Refill what was begun from the safety snapshot, start what was stopped, and raise what that came to.

        Raises:
            EnvmanError: EV648 or EV649; nothing where ``error`` is an interrupt and all is as it was.
        """
        reasons = _reasons(error)
        if not self.begun and not self.fed:
            self._release(copying)
            return
        why = "it was interrupted" if isinstance(error, KeyboardInterrupt) else "the restore failed"
        self.progress.warning(f"{why}: putting back what was there")
        try:
            self._go_back(copying, taking)
            started = self._release(copying)
            await_services(self.workspace, self.target, started, self.progress, timeout=timeout)
        except (EnvmanError, BrokenArchiveError, OSError) as second:
            back = (
                f"`envman snapshot restore {self.target.name} {copying.safety}` puts back what was there"
                if copying.safety
                else "no snapshot was taken before: restore another one"
            )
            raise EnvmanError(
                Diagnostic(
                    "EV649",
                    f"snapshot {self.manifest.name} could not be restored, nor what was there before",
                    help=f"the services stay stopped; {back}",
                ),
                *reasons,
                *_reasons(second),
            ) from None
        if isinstance(error, KeyboardInterrupt):
            return
        raise EnvmanError(
            Diagnostic(
                "EV648",
                f"snapshot {self.manifest.name} could not be restored; {self.target.name} has the data that it had",
                help="mend what is said below, then restore again",
            ),
            *reasons,
        ) from None

    def _go_back(self, copying: Copying, taking: Taking) -> None:
        from envman.engine.removal import remove_volume

        shelf = shelf_of(self.workspace, self.target.key)
        before = shelf.read(copying.safety) if copying.safety else None
        folder = shelf.path(copying.safety)
        copies = {one.volume: one for one in before.volumes} if before is not None else {}
        for one in self.begun:
            if not one.volume.exists:
                remove_volume(self.workspace.engine, one.volume.name, expected=one.creation[2])
                continue
            copy = copies.get(one.volume.name)
            if copy is None or copy.files is None:
                raise fail("EV650", f"volume {one.volume.key} of {self.target.name} is not whole")
            self._refill(replace(one, copy=copy), folder)
        for dump in self.fed:
            saved = before.dump_of(dump.service) if before is not None else None
            if saved is None:
                raise fail("EV650", f"the data of {dump.service} in {self.target.name} may not be whole")
            self._feed(saved, folder, taking)


def _top(entries: Iterable[Entry]) -> Iterable[Entry]:
    return (entry for entry in entries if "/" not in entry.path and entry.path != ABSENT_ROOT)


def _reasons(error: BaseException) -> tuple[Diagnostic, ...]:
    if isinstance(error, EnvmanError):
        return error.diagnostics
    if isinstance(error, OSError):
        return (Diagnostic("EV645", f"a file cannot be read: {explain_os_error(error)}"),)
    if isinstance(error, BrokenArchiveError):
        return (Diagnostic("EV643", f"an archive is damaged: {error}"),)
    return ()
