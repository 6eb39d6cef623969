"""What `snapshot create` does, apart from the words on its command line: it is reached without typer too."""

from __future__ import annotations

from collections.abc import Sequence

from envman.cli.invocation import Invocation
from envman.cli.target import open_present


def take_snapshot(
    invocation: Invocation,
    environment: str | None,
    *,
    volumes: Sequence[str] = (),
    name: str | None = None,
    live: bool = False,
    settings: Sequence[str] = (),
    instance: str | None = None,
) -> None:
    """Take a snapshot of ``environment`` (default: the chosen one), of ``volumes`` only where any are named; show it.

    Raises:
        EnvmanError: as ``operations.snapshots.create``.
    """
    from envman.operations.shelves import shelf_of
    from envman.operations.snapshots import Asked, create
    from envman.output.snapshots import size_text, snapshot_data

    workspace = invocation.workspace(settings=settings, instance=instance)
    workspace, loaded, _ = open_present(invocation, workspace, environment)
    progress = invocation.progress()
    with invocation.exclusive(workspace, f"envman snapshot create {loaded.key}", progress):
        made, left = create(workspace, loaded, Asked(name, tuple(volumes), live), progress)
    folder = str(shelf_of(workspace, loaded.key).path(made.name))
    keys = ", ".join(one.key for one in made.volumes)
    text = f"snapshot {made.name} of {loaded.name}: {keys} ({size_text(made.stored)})\n  in {folder}"
    text += "".join(f"\n  left out: {one}" for one in left)
    invocation.show({**snapshot_data(made, folder), "left_out": left}, text)
