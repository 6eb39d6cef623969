"""Anonymous volumes: which of them a plan leaves behind, where no name leads back to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from envman.diagnostics import Diagnostic, Severity
from envman.model.active import is_one_shot
from envman.model.environment import Environment
from envman.plan.observed import ContainerState, LocalImage

# What an engine calls a volume that nobody named.
_UNNAMED: Final = re.compile(r"[0-9a-f]{64}")


class Unnamed(NamedTuple):
    """An anonymous volume: the engine's name of it, and where it is mounted."""

    volume: str
    service: str
    number: int
    target: str


def unnamed_volumes(containers: Iterable[ContainerState]) -> Iterator[Unnamed]:
    """Yield the anonymous volumes of ``containers``; those of one-off ones go with their containers."""
    for one in containers:
        if not one.oneoff:
            for mount in one.mounts:
                if mount.kind == "volume" and _UNNAMED.fullmatch(mount.name):
                    yield Unnamed(mount.name, one.service, one.number, mount.target)


def orphaned(going: Collection[ContainerState], staying: Collection[ContainerState] = ()) -> list[Unnamed]:
    """Return the anonymous volumes that nothing leads to once ``going`` are gone: none of ``staying`` mounts them."""
    kept = {mount.name for one in staying for mount in one.mounts}
    return [one for one in unnamed_volumes(going) if one.volume not in kept]


def inherited_targets(service: Mapping[str, Any], image: LocalImage | None) -> frozenset[str]:
    """Return where a container made anew of ``service`` gets the anonymous volume of the one before.

    Compose hands those on that the service itself or its image's ``VOLUME`` still wants; tried with Compose 2.40.
    """
    mounts = service.get("volumes") or ()
    own = {str(one["target"]) for one in mounts if one["type"] == "volume" and not one.get("source")}
    others = {str(one["target"]) for one in mounts} - own
    declared = set((image.config.get("Volumes") or {}) if image is not None else ())
    return frozenset(own | (declared - others))


def unmounted(service: Mapping[str, Any], image: LocalImage) -> list[str]:
    """Return where ``image`` declares a ``VOLUME`` on which ``service`` mounts nothing, sorted.

    ``service`` is as a render has it. The engine makes an anonymous volume there, also below another mount.
    """
    targets = {str(one["target"]) for one in service.get("volumes") or ()}
    targets |= {str(one).partition(":")[0] for one in service.get("tmpfs") or ()}
    taken = {_folder(one) for one in targets}
    return sorted(one for one in image.config.get("Volumes") or {} if _folder(one) not in taken)


def _folder(path: str) -> str:
    return path.rstrip("/") or "/"


def unnamed_data(
    environment: Environment, name: str, service: Mapping[str, Any], image: LocalImage
) -> list[Diagnostic]:
    """Return a warning EV333 where service ``name`` keeps data in a volume that no blueprint names.

    What another container's volumes cover (``volumes_from``) is not known, and a one-shot keeps nothing.
    """
    declared = unmounted(service, image)
    if not declared or service.get("volumes_from") or is_one_shot(environment, name):
        return []
    span, above = environment.span("services", name, "image"), ""
    for index, mount in enumerate(environment.stack.services[name].volumes or ()):
        parent = _folder(mount.target or "")
        if mount.source and any(one.startswith(f"{parent}/") for one in declared):
            span = environment.span("services", name, "volumes", index, "target")
            above = f"; {mount.source}, mounted at {parent}, does not hold it"
    where = ", ".join(declared)
    return [
        Diagnostic(
            "EV333",
            f"{name} keeps {where} in an anonymous volume: image {image.reference} declares one there{above}",
            span,
            f"a volume mounted at {where}",
            help=f"`volumes: [{name}-data:{declared[0]}]` gives it a name, `tmpfs: [{declared[0]}]` says that nobody "
            "needs it; snapshots leave anonymous volumes out",
            severity=Severity.WARNING,
        )
    ]


def left_behind(replaced: Collection[ContainerState], inherited: frozenset[str]) -> list[Unnamed]:
    """Return the anonymous volumes that the containers made in the place of ``replaced`` will not have."""
    return [volume for volume in unnamed_volumes(replaced) if volume.target not in inherited]
