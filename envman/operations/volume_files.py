"""Copying files between this machine and a volume of an environment, whether or not a service runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from envman.diagnostics.diagnostic import fail
from envman.engine.archive import Helpers, create_volume
from envman.engine.command import run_docker
from envman.engine.hold import users_of
from envman.engine.images import find_images
from envman.model.container import Mount
from envman.model.environment import Environment
from envman.operations.mapping import creation_of
from envman.operations.prepare import look, refuse_unfinished_restore
from envman.operations.progress import Progress
from envman.operations.volumes import DataVolume, data_volumes, find_volume, images_for
from envman.operations.workspace import Workspace


class VolumePath(NamedTuple):
    """A path inside a volume, as ``ENV:VOLUME/PATH`` writes it."""

    environment: str
    volume: str
    path: str

    @classmethod
    def parse(cls, text: str, environments: Collection[str]) -> VolumePath | None:
        """Return what ``text`` says; None where it does not begin with an environment, or names an absolute path.

        An absolute path belongs to a container: ``SERVICE:/PATH``.

        Raises:
            EnvmanError: EV607 for a path that leaves the volume.
        """
        environment, colon, rest = text.partition(":")
        if not colon or environment not in environments or not rest or rest.startswith("/"):
            return None
        volume, _, path = rest.partition("/")
        if ".." in path.split("/"):
            raise fail("EV607", f"{text} leads out of the volume", expected="a path without ..")
        return cls(environment, volume, path)

    def __str__(self) -> str:
        return f"{self.environment}:{self.volume}/{self.path}"

    def inside(self, container: str) -> str:
        """Return the path for ``docker cp`` with a helper that has the volume at ``/envman/VOLUME``."""
        return f"{container}:/envman/{self.volume}" + (f"/{self.path}" if self.path else "")


class _Mounted(NamedTuple):
    """A service's mount of a volume, with the image that is on the engine for it."""

    image: str
    mount: Mount
    user: str | None


def copy_in(workspace: Workspace, environment: Environment, source: str, target: VolumePath, progress: Progress) -> int:
    """Copy a file, a folder or (``-``) the tar stream on standard input into a volume, as ``docker cp`` does.

    A volume that is not there is made as the first container with it would make it. Files belong to the user of the
    service that mounts the volume.

    Raises:
        EnvmanError: EV642 for a volume that is external or unknown, EV644 where no image is on the engine, EV650 and
            EV665 for a volume that is not whole, EV720 where ``docker cp`` fails.
    """
    refuse_unfinished_restore(workspace, environment)
    volume = _volume(workspace, environment, target, absent=True)
    mounted = _mounted(workspace, environment, volume)
    image = mounted.image if mounted else images_for(workspace, environment, volume)[0]
    helpers = Helpers(workspace.engine, workspace.checkout.id)
    if not volume.exists:
        driver, options, labels = creation_of(workspace, environment, volume.key)
        create_volume(workspace.engine, volume.name, driver=driver, options=options, labels=labels)
        if mounted and mounted.mount.target and not _stays_empty(mounted.mount):
            helpers.fill(volume.name, image, mounted.mount.target)
    users = [one.name for one in users_of(workspace.engine, volume.name) if one.is_up]
    if users:
        progress.notice(f"volume {volume.key} is in use: {', '.join(sorted(users))} may see a file half-written")
    user = mounted.user if mounted else "0:0"
    with helpers.opened(volume.name, image, target.volume, user=user, writable=True) as container:
        return _copy(workspace, container, source, target, inward=True)


def copy_out(workspace: Workspace, environment: Environment, source: VolumePath, target: str) -> int:
    """Copy a file or folder of a volume to this machine, or (``-``) as a tar stream to standard output.

    Raises:
        EnvmanError: as ``copy_in``; EV642 also for a volume that is not there.
    """
    volume = _volume(workspace, environment, source, absent=False)
    image = images_for(workspace, environment, volume)[0]
    helpers = Helpers(workspace.engine, workspace.checkout.id)
    with helpers.opened(volume.name, image, source.volume, user=None, writable=False) as container:
        return _copy(workspace, container, target, source, inward=False)


def _volume(workspace: Workspace, environment: Environment, path: VolumePath, *, absent: bool) -> DataVolume:
    # Raises where something under the environment's name bears labels of others.
    volumes = data_volumes(workspace, environment, look(workspace, environment))
    return find_volume(environment, volumes, path.volume, absent=absent)


def _mounted(workspace: Workspace, environment: Environment, volume: DataVolume) -> _Mounted | None:
    """Return the mount whose owner and content a new volume takes over, one that can be written first.

    Raises:
        EnvmanError: EV644 where services mount the volume, it is not there, and none of their images is.
    """
    references = {name: workspace.image(environment, name) for name in volume.services}
    present = find_images(workspace.engine, [image for image in references.values() if image])
    found = [
        _Mounted(present[image].id, mount, environment.stack.services[name].user)
        for name, image in references.items()
        for mount in environment.stack.services[name].volumes or ()
        if mount.type == "volume" and mount.source == volume.key and image in present
    ]
    if not found and volume.services and not volume.exists:
        raise fail(
            "EV644",
            f"volume {volume.key} of {environment.name} is not there yet, and no image of "
            f"{', '.join(volume.services)}, which it is made for, is on the engine",
            help=f"`envman pull {environment.name}` or `envman build {environment.name}` first; nothing was changed",
        )
    return min(found, key=lambda one: bool(one.mount.read_only), default=None)


def _stays_empty(mount: Mount) -> bool:
    return mount.volume is not None and bool(mount.volume.nocopy or mount.volume.subpath)


def _copy(workspace: Workspace, container: str, here: str, volume: VolumePath, *, inward: bool) -> int:
    """Run ``docker cp``; its standard input and output are this process's own, for ``-``."""
    there = volume.inside(container)
    # A colon in a name of this machine is none of `CONTAINER:PATH`.
    local = f"./{here}" if ":" in here and not here.startswith((".", "/")) else here
    # With --archive, files belong to the helper's user; without it, to root.
    words = ("--archive", "--", local, there) if inward else ("--", there, local)
    done = run_docker(workspace.endpoint, workspace.environ, "cp", "--quiet", *words)
    if done.returncode == 0:
        return 0
    source, target = (here, str(volume)) if inward else (str(volume), here)
    said = done.stderr.replace(f"/envman/{volume.volume}", volume.volume)
    raise fail(
        "EV720",
        f"{source} cannot be copied to {target}",
        expected="a source that is there, and a folder that the target lies in",
        help="what docker said is below",
        detail=said.replace(container, "the volume").strip(),
    )
