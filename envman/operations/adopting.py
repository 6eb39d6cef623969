"""Volumes of a former stack, copied into those of an environment before its services start.

A former volume is only ever read. What it is copied into is on record until it is whole and checked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO

from envman import LABEL_PREFIX
from envman.diagnostics.diagnostic import fail
from envman.engine.archive import Helpers, create_volume
from envman.engine.observe import COMPOSE
from envman.engine.removal import remove_volume
from envman.model.environment import Environment
from envman.operations.former import Former, former_volumes, project_of
from envman.operations.held import refuse_foreign_writers
from envman.operations.mapping import creation_of
from envman.operations.options import UpOptions
from envman.operations.prepare import Prepared
from envman.operations.progress import Progress
from envman.operations.volumes import DataVolume, images_for
from envman.operations.workspace import Workspace
from envman.plan.plan import Plan
from envman.snapshot.archive import measure
from envman.snapshot.content import Content, entries_of
from envman.snapshot.tar import BrokenArchiveError, Entry, TarReader
from envman.state.copying import Copying, forget_copying, read_copying, write_copying


def adopt_volumes(workspace: Workspace, prepared: Prepared, plan: Plan, options: UpOptions, progress: Progress) -> None:
    """Make the volumes that ``plan`` creates from copies of a former stack's, before any service starts.

    Raises:
        EnvmanError: EV653 where something still writes to the former volumes, EV644 and EV646 where one could not be
            copied, EV4xx for the engine, EV008. What was made is removed again.
    """
    environment, state = prepared.environment, workspace.checkout.state
    former = former_volumes(workspace, prepared, plan, options.adopt)
    if not former:
        return
    refuse_foreign_writers(workspace, [one.found[0].name for one in former])
    helpers = Helpers(workspace.engine, workspace.checkout.id, state)
    names = tuple(one.name for one in former)
    project = project_of(former[0].found[0])
    write_copying(state, Copying(environment.key, "", refilling=names, adopted=project))
    try:
        for one in former:
            _adopt(workspace, environment, one, helpers, progress)
    except BaseException:
        discard_half_copied(workspace, environment)
        raise
    forget_copying(state, environment.key)


def _adopt(workspace: Workspace, environment: Environment, one: Former, helpers: Helpers, progress: Progress) -> None:
    source = one.found[0]
    progress.step(f"copying volume {source.name} to {one.name}")
    users = tuple(
        service
        for service, definition in environment.stack.services.items()
        if any(mount.type == "volume" and mount.source == one.key for mount in definition.volumes or ())
    )
    volume = DataVolume(one.key, source.name, exists=True, retain="keep", external=False, services=users)
    image = images_for(workspace, environment, volume)[0]
    driver, options, labels = creation_of(workspace, environment, one.key)
    create_volume(workspace.engine, one.name, driver=driver, options=options, labels=labels)
    try:
        count = _copy(helpers, source.name, one.name, image)
    except BrokenArchiveError as error:
        raise fail("EV646", f"volume {source.name} could not be read to its end: {error}") from None
    progress.ready(one.key, f"{count} entries of {source.name}, checked")


def _copy(helpers: Helpers, source: str, target: str, image: str) -> int:
    """Copy a volume into another one, which is empty, and return how many entries it has.

    Raises:
        EnvmanError: EV646 where the copy is not what was read.
    """
    with tempfile.TemporaryFile() as read, tempfile.TemporaryFile() as written:
        content = Content()

        def found(entry: Entry) -> None:
            read.write(content.add(entry))

        reader = TarReader(found)
        _, stream = helpers.read(source, image)
        with closing(stream):
            helpers.refill(target, image, _seen(stream, reader), {})
        reader.close()
        read.seek(0)
        _, again = helpers.read(target, image)
        with closing(again):
            made = measure(again, written)
        if _finished(content, read) != _finished(made, written):
            raise fail("EV646", f"the copy of volume {source} is not what was read: something may write there")
        return content.entries


def _seen(pieces: Iterable[bytes], reader: TarReader) -> Iterator[bytes]:
    for piece in pieces:
        reader.feed(piece)
        yield piece


def _finished(content: Content, index: IO[bytes]) -> str:
    return content.finish(entries_of(index) if content.needs_second_look else ())


def discard_half_copied(workspace: Workspace, environment: Environment) -> None:
    """Remove the volumes that a copy was broken off in; what they were copied from is as it was.

    No service has ever used them. Only those go that are on record and bear this checkout's labels.

    Raises:
        EnvmanError: EV502 where a label differs, EV4xx for the engine; then they stay on record.
    """
    state = workspace.checkout.state
    copying = read_copying(state, environment.key)
    if copying is None or not copying.adopted:
        return
    expected = {
        f"{LABEL_PREFIX}checkout": workspace.checkout.id,
        f"{COMPOSE}project": environment.compose_project,
    }
    Helpers(workspace.engine, workspace.checkout.id, state).remove_left()
    for name in copying.refilling:
        remove_volume(workspace.engine, name, expected=expected)
    forget_copying(state, environment.key)
