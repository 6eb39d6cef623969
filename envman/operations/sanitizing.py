"""Giving a copy the data of a snapshot: no service sees it before the blueprint's hooks have cleaned it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envman.diagnostics.diagnostic import fail, near_match
from envman.model.environment import Environment
from envman.operations.building import TAIL, drain
from envman.operations.carry_out import run
from envman.operations.options import UpOptions
from envman.operations.planning import plan_up
from envman.operations.prepare import Prepared, existing, look, prepare
from envman.operations.progress import Progress
from envman.operations.restore import restore
from envman.operations.shelves import environments_with_snapshots, shelf_of
from envman.operations.snapshots import words_of
from envman.operations.up import fetch_images, up
from envman.operations.workspace import Workspace
from envman.plan.ownership import owned
from envman.snapshot.manifest import Manifest
from envman.snapshot.shelf import Shelf
from envman.state.reproductions import Reproduced, read_reproduced, write_reproduced


def snapshot_named(workspace: Workspace, environment: str, wanted: str) -> tuple[Shelf, Manifest]:
    """Return the snapshot ``wanted``: ``ENV/NAME``, or the name of one of ``environment``.

    Raises:
        EnvmanError: EV003 where no environment of that name has any, EV640 where there is no such snapshot.
    """
    key, slash, name = wanted.rpartition("/")
    key = key if slash else environment
    known = environments_with_snapshots(workspace)
    if slash and key not in known:
        raise fail("EV003", f'there are no snapshots of an environment "{key}"', expected=near_match(key, known))
    shelf = shelf_of(workspace, key)
    return shelf, shelf.read(name)


def hooks_of(environment: Environment) -> list[str]:
    """Return the services that have a hook to clean data with."""
    return [name for name, one in environment.stack.services.items() if one.sanitize is not None]


def fill(
    workspace: Workspace, copy: Environment, shelf: Shelf, manifest: Manifest, progress: Progress, *, timeout: float
) -> None:
    """Put the data of ``manifest`` into the volumes of ``copy`` and clean it. Afterwards nothing of ``copy`` runs.

    Raises:
        EnvmanError: EV664 where a hook failed, EV64x and EV65x where the data could not be put there; the volumes are
            emptied then, and nothing runs.
    """
    names = _volumes(copy, manifest)
    prepared = prepare(workspace, copy, progress)
    # What is made only now holds nothing that anybody could want back.
    kept = any(one.name in names for one in prepared.observed.volumes)
    fetch_images(workspace, prepared, plan_up(workspace, prepared, UpOptions()), UpOptions(), progress)
    run(prepared, "--profile", "*", "down", "--remove-orphans")
    if manifest.dumps:
        # What a hook wrote can only be read back by the service itself.
        feeding = UpOptions(services=tuple(one.service for one in manifest.dumps), timeout=timeout)
        up(workspace, copy, feeding, progress)
    state = workspace.checkout.state
    before = read_reproduced(state, copy.key) or Reproduced(copy.key)
    write_reproduced(state, replace(before, unclean=names))
    words = f"snapshot {manifest.name} of {shelf.environment}"
    try:
        restore(workspace, shelf, manifest, copy, progress, safety=kept, timeout=timeout)
        # Only what reads a dump back ran until here.
        run(prepared, "--profile", "*", "down", "--remove-orphans")
        hooks = hooks_of(copy)
        for name in hooks:
            _clean(copy, prepared, name, progress)
    except BaseException:
        progress.notice(f"emptying {', '.join(names)} again: the data was not cleaned")
        discard(workspace, copy, progress)
        raise
    keys = [one.key for one in manifest.volumes]
    keys += [name for one in manifest.dumps for name in _mounted(copy, one.service)]
    data = {**before.data, **{key: words + cleaned(copy, hooks, key) for key in keys}}
    write_reproduced(state, Reproduced(copy.key, (), data))


def cleaned(copy: Environment, hooks: Sequence[str], volume: str) -> str:
    """Return, in words, which of ``hooks`` (services) cleaned ``volume``: a hook reaches what its service mounts."""
    reaching = [name for name in hooks if volume in _mounted(copy, name)]
    if reaching:
        return f", cleaned by {', '.join(reaching)}"
    return f", not cleaned: no service{' that mounts it' if hooks else ''} has a `sanitize:` hook"


def _mounted(copy: Environment, service: str) -> list[str]:
    mounts = copy.stack.services[service].volumes or ()
    return [one.source for one in mounts if one.type == "volume" and one.source]


def _volumes(copy: Environment, manifest: Manifest) -> tuple[str, ...]:
    """Return the engine's names of the volumes that get data."""
    keys = [one.key for one in manifest.volumes if one.key in copy.stack.volumes]
    keys += [
        name for one in manifest.dumps if one.service in copy.stack.services for name in _mounted(copy, one.service)
    ]
    return tuple(f"{copy.compose_project}_{key}" for key in dict.fromkeys(keys))


def _clean(copy: Environment, prepared: Prepared, service: str, progress: Progress) -> None:
    hook = copy.stack.services[service].sanitize
    assert hook is not None  # hooks_of() took no other
    progress.step(f"running the sanitize hook of {service}")
    command = words_of(hook.command)
    user = ["--user", hook.user] if hook.user else []
    arguments = ["run", "--rm", "--no-deps", "--no-TTY", *user, "--entrypoint", command[0], service, *command[1:]]
    handle = prepared.compose.start("--progress", "quiet", "--profile", "*", *arguments)
    status = drain(handle, progress)
    if status != 0:
        raise fail(
            "EV664",
            f"the sanitize hook of {service} ended with {status}",
            copy.span("services", service, "sanitize"),
            help="the volumes are empty again and nothing was started; the end of what the hook said is below",
            detail=handle.tail(TAIL),
        )
    progress.ready(service, "its sanitize hook was run")


def discard(workspace: Workspace, copy: Environment, progress: Progress) -> list[str]:
    """Take ``copy`` down and remove the volumes whose data nobody has cleaned; return their names.

    Raises:
        EnvmanError: EV501 and EV502 for a stack that is not this checkout's, EV4xx for the engine.
    """
    from envman.engine.removal import remove_volume
    from envman.state.copying import forget_copying

    state = workspace.checkout.state
    known = read_reproduced(state, copy.key)
    if known is None or not known.unclean:
        return []
    prepared = existing(workspace, copy)
    progress.step(f"removing what is left of {copy.name}")
    run(prepared, "--profile", "*", "down", "--remove-orphans")
    removed = []
    for volume in look(workspace, copy).volumes:
        if volume.name in known.unclean and owned(copy, workspace.checkout.id, volume.labels):
            remove_volume(workspace.engine, volume.name, expected=dict(volume.labels))
            removed.append(volume.name)
    forget_copying(state, copy.key)
    write_reproduced(state, Reproduced(copy.key, (), {}))
    return removed
