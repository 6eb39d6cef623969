"""Renaming an environment or the project, as a transaction: data is copied and compared before anything is removed.

Docker renames no volume. So each is copied under its new name while nothing writes to it, and the old one stays.
Killed at any point, a rename can be repeated, which goes on from where it was, or taken back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic, EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.archive import Helpers
from envman.operations.held import refuse_foreign_writers
from envman.operations.labelled import labelled, under_project
from envman.operations.leaving import save_orphaned
from envman.operations.progress import Progress
from envman.operations.renaming import Place, place_of
from envman.operations.sequence import Sequence, explain_plainly
from envman.operations.shelves import shelf_folder
from envman.operations.transaction import is_away
from envman.operations.unfinished import unfinished_rename
from envman.operations.workspace import Workspace
from envman.plan.observed import ContainerState, Observed
from envman.plan.order import UP, stopping_order
from envman.snapshot.archive import measure
from envman.snapshot.content import entries_of
from envman.source.files import explain_os_error, read_source
from envman.source.reader import read_tree
from envman.source.root import PROJECT_FILE
from envman.source.tree import Mapping as Tree
from envman.source.tree import node_at
from envman.state.atomic import write_whole
from envman.state.definitions import forget_definitions, read_definitions, write_definitions
from envman.state.ports import read_ports, write_ports
from envman.state.renaming import (
    COPYING,
    MOVING,
    REMOVING,
    CarriedVolume,
    Renaming,
    forget_renaming,
    write_renaming,
)
from envman.state.reproductions import forget_reproduced, read_reproduced, write_reproduced
from envman.state.selection import read_selection, write_selection

# Of the state folder: what is the folder's own, and what is copied rather than moved.
_STAYS: Final = frozenset({"lock", "checkout.json", "rename.json", "journal.json", "switch.json", "definitions"})


class Rename:
    """A rename, each step of it recorded before it is taken and harmless to repeat. ``folder`` has the record."""

    def __init__(self, workspace: Workspace, entry: Renaming, folder: Path, progress: Progress) -> None:
        self.workspace, self.entry, self.folder, self.progress = workspace, entry, folder, progress
        self.before = under_project(workspace, entry.project)
        self.root = workspace.project.root
        self.helpers = Helpers(workspace.engine, workspace.checkout.id, folder)

    def _at(self, **known: object) -> None:
        self.entry = replace(self.entry, **known)  # type: ignore[arg-type]
        write_renaming(self.folder, self.entry)

    def run(self) -> None:
        """Do what is left to be done.

        Raises:
            EnvmanError: with the reason; while volumes were copied all is as it was then, else EV017 says how to go on.
        """
        self._at()
        try:
            if self.entry.step == COPYING:
                self._copy_all()
                self._at(step=MOVING)
            if self.entry.step == MOVING:
                self._carry()
                self._at(step=REMOVING)
            self._remove()
        except (EnvmanError, KeyboardInterrupt, OSError) as error:
            if self.entry.step == COPYING and not is_away(self.workspace, error):
                self.progress.notice("taking the rename back")
                self.take_back()
                raise
            reasons = error.diagnostics if isinstance(error, EnvmanError) else ()
            if isinstance(error, OSError):
                reasons = (Diagnostic("EV008", f"{error.filename}: {explain_os_error(error)}"),)
            raise EnvmanError(unfinished_rename(self.entry), *reasons) from None

    def take_back(self) -> None:
        """Make everything as it was: records and files, no new volume, and the containers that ran.

        Raises:
            EnvmanError: EV017 where old containers are removed already, so that only repeating it is left.
        """
        from envman.engine.removal import remove_volume

        if self.entry.step == REMOVING:
            raise EnvmanError(unfinished_rename(self.entry))
        if self.entry.step == MOVING:
            self._carry(back=True)
        # Killed from here on, a repeated rename must not take what is removed for copied.
        self._at(step=COPYING, volumes=tuple(replace(one, copied=False) for one in self.entry.volumes))
        self.helpers.remove_left()
        for one in self.entry.volumes:
            # None was there before: the record was made only then.
            remove_volume(self.workspace.engine, one.new, expected=one.labels)
        for key, identities in self.entry.running.items():
            self.progress.step(f"starting {key} again")
            sequence = Sequence(
                self.workspace, f"{self.entry.project}-{key}", self.progress, explain_plainly(self.workspace)
            )
            sequence.bring_up(identities, timeout=300.0)
        forget_renaming(self.folder)

    # --- volumes

    def _observe(self) -> Observed:
        """Return what is there under the old name, by labels."""
        from envman.engine.observe import observe

        projects = [f"{self.entry.project}-{old}" for old, _ in self.entry.keys]
        found = observe(self.workspace.engine, projects, details=True) if projects else Observed()

        def ours(labels: Mapping[str, str]) -> bool:
            place = place_of(labels)
            return labels.get(f"{LABEL_PREFIX}checkout") == self.workspace.checkout.id and place in self._places()

        return Observed(
            tuple(one for one in found.containers if ours(one.labels)),
            tuple(one for one in found.volumes if ours(one.labels)),
            tuple(one for one in found.networks if ours(one.labels)),
        )

    def _places(self) -> set[Place]:
        parts = (old.partition("-") for old, _ in self.entry.keys)
        return {Place(self.entry.project, environment, instance) for environment, _, instance in parts}

    def _copy_all(self) -> None:
        from envman.engine.lifecycle import stop

        self.helpers.remove_left()
        observed = self._observe()
        running: dict[str, tuple[str, ...]] = dict(self.entry.running)
        for one in observed.containers:
            if one.state in UP and not one.oneoff:
                key = one.project.removeprefix(f"{self.entry.project}-")
                running[key] = tuple(dict.fromkeys((*running.get(key, ()), one.id)))
        refuse_foreign_writers(self.workspace, [one.old for one in self.entry.volumes])
        self._save_anonymous(observed)
        self._at(running=running)
        self.progress.step(f"stopping {self.entry.old}")
        for wave in stopping_order(one for one in observed.containers if one.state in UP):
            stop(self.workspace.engine, wave)
        for index, volume in enumerate(self.entry.volumes):
            if not volume.copied:
                self._copy(volume)
                volumes = list(self.entry.volumes)
                volumes[index] = replace(volume, copied=True)
                self._at(volumes=tuple(volumes))

    def _save_anonymous(self, observed: Observed) -> None:
        for place in sorted(self._places()):
            stack = labelled(self.before, place.environment, place.instance or None)
            going = [one for one in observed.containers if place_of(one.labels) == place]
            if stack is not None and going:
                save_orphaned(self.before, stack, going, (), "rename", self.progress)

    def _copy(self, volume: CarriedVolume) -> None:
        """Copy one volume and compare what the copy holds.

        Raises:
            EnvmanError: EV646 where it is not the same, EV016 where somebody else has made the new one meanwhile.
        """
        from envman.engine.archive import create_volume
        from envman.engine.removal import remove_volume

        self.progress.step(f"copying {volume.old} to {volume.new}")
        engine = self.workspace.engine
        # What a killed try has left of it.
        remove_volume(engine, volume.new, expected=volume.labels)
        create_volume(engine, volume.new, driver=volume.driver, options=volume.options, labels=volume.labels)
        if volume.alike:
            self.progress.ready(volume.new, "leads to the same place")
            return
        held, entries = self._content(volume.old, volume.image)
        _, stream = self.helpers.read(volume.old, volume.image)
        with closing(stream):
            self.helpers.refill(volume.new, volume.image, stream, {})
        if self._content(volume.new, volume.image)[0] != held:
            raise fail("EV646", f"volume {volume.new} is not what {volume.old} holds", help="nothing was removed")
        self.progress.ready(volume.new, f"{entries} entries, compared")

    def _content(self, volume: str, image: str) -> tuple[str, int]:
        with tempfile.TemporaryFile() as scratch:
            _, stream = self.helpers.read(volume, image)
            with closing(stream):
                content = measure(stream, scratch)
            return content.finish(entries_of(scratch) if content.needs_second_look else ()), content.entries

    # --- records and files

    def _carry(self, *, back: bool = False) -> None:
        """Move records and files to the new name, or with ``back`` to the old one; what is moved already stays."""
        entry = self.entry
        home = self.folder.parent
        states = [home / f"{name}-{self.workspace.checkout.id}" for name in (entry.project, entry.to_project)]
        source, target = reversed(states) if back else states
        self.progress.step("moving records and files" + (" back" if back else ""))
        names = {one.old: one.new for one in entry.volumes}
        if entry.whole:
            _move_all(source, target)
        for pair in entry.keys:
            old, new = reversed(pair) if back else pair
            if not entry.whole:
                for folder in (source / "secrets", shelf_folder(self.before)):
                    _move(folder / old, folder / new)
                _move_ports(source, old, new)
            _carry_records(states, pair, names, back=back)
        if entry.chosen:
            selection = read_selection(target)
            write_selection(target, replace(selection, environment=entry.old if back else entry.new))
        for pair in entry.files:
            old, new = reversed(pair) if back else pair
            if old != new:
                _move(self.root / old, self.root / new)
            else:
                _set_name(self.root, entry.project if back else entry.to_project)

    # --- the end

    def _remove(self) -> None:
        from envman.engine.removal import remove_container, remove_network, remove_volume

        engine, entry = self.workspace.engine, self.entry
        self.progress.step("removing the old containers")
        observed = self._observe()
        for one in _last_first(observed.containers):
            remove_container(engine, one.id, expected=dict(one.labels))
        for network in observed.networks:
            if not remove_network(engine, network.id, expected=dict(network.labels)):
                self.progress.warning(f"network {network.name} stays: containers of others are attached to it")
        if entry.remove:
            self._refuse_lost_copies()
            for volume in entry.volumes:
                remove_volume(engine, volume.old, expected=volume.proof)
            for old, new in entry.keys:
                if entry.whole or old != new:
                    forget_definitions(self.folder.parent / f"{entry.project}-{self.workspace.checkout.id}", old)
        forget_renaming(self.folder)

    def _refuse_lost_copies(self) -> None:
        """Raise EV646 where a copy has gone: then nothing that it was made of is removed."""
        from envman.engine.observe import find_resources

        wanted = {one.new for one in self.entry.volumes if not one.alike}
        present, _ = find_resources(self.workspace.engine, wanted, (), {})
        lost = sorted(wanted - {one.name for one in present})
        if lost:
            raise fail("EV646", f"{', '.join(lost)} is not there any more", help="no old volume was removed")


def _last_first(containers: Iterable[ContainerState]) -> list[ContainerState]:
    return [one for wave in stopping_order(containers) for one in wave]


def _move(source: Path, target: Path) -> None:
    """Move a file or folder; into a folder that is there already goes what it holds, in the place of equal names."""
    if not source.exists():
        return
    if source.is_dir() and target.is_dir():
        for item in sorted(source.iterdir()):
            _move(item, target / item.name)
        source.rmdir()
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    source.replace(target)


def _move_all(source: Path, target: Path) -> None:
    """Move what one state folder holds into another one."""
    for item in sorted(source.iterdir()) if source.is_dir() else ():
        if item.name not in _STAYS:
            _move(item, target / item.name)


def _move_ports(state: Path, old: str, new: str) -> None:
    ports = read_ports(state).get(old)
    if ports:
        write_ports(state, new, ports)
        write_ports(state, old, {})


def _carry_records(states: list[Path], pair: tuple[str, str], names: Mapping[str, str], *, back: bool) -> None:
    """Copy what is recorded of the stack (how its data is kept), and move what is recorded of a copy's data."""
    old, new = pair
    recorded = read_definitions(states[0], old)
    if back:
        forget_definitions(states[1], new)
    elif recorded.protected is not None:
        retain = {names.get(name, name): kept for name, kept in recorded.retain.items()}
        write_definitions(states[1], new, replace(recorded, networks={}, volumes={}, retain=retain))
    # With a whole project it has moved with the folder, under the same key.
    if old != new:
        source, target = (new, old) if back else (old, new)
        copy = read_reproduced(states[0], source)
        if copy is not None:
            write_reproduced(states[0], replace(copy, environment=target))
            forget_reproduced(states[0], source)


def _set_name(root: Path, name: str) -> None:
    """Write the project's ``name`` into ``envman.yaml``; all else in it stays as it is."""
    from envman.diagnostics import Report

    path = root / PROJECT_FILE
    source = read_source(path, root=root)
    tree = read_tree(source, Report())
    assert isinstance(tree, Tree)  # it was read before
    span = node_at(tree, ("name",)).span  # type: ignore[union-attr]
    lines = source.text.splitlines(keepends=True)
    line = lines[span.line - 1]
    lines[span.line - 1] = line[: span.column - 1] + name + line[span.end_column - 1 :]
    write_whole(path, "".join(lines), mode=path.stat().st_mode & 0o777)
