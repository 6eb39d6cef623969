"""What a container mounts: as it was asked for where that is known, else as it is.

Sources: the engine's ``Binds`` and ``Mounts``, and what Compose 2.40 makes of each mount (pkg/compose/create.go): a
plain bind or volume becomes an entry of ``Binds``, one with options an entry of ``Mounts``, and so does the file of a
secret or config.
"""

from __future__ import annotations

import posixpath
from typing import Any, Final

from envman.capture.image import image_of
from envman.capture.surroundings import Surroundings
from envman.capture.values import only_given, size
from envman.plan.form import COMPOSE, Plain

_SECRETS: Final = "/run/secrets/"
# The order in which people write a mount.
_FIRST: Final = ("type", "source", "target", "read_only")
_PROPAGATIONS: Final = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})


def mount_attributes(container: Plain, service: str, image: Plain, around: Surroundings) -> dict[str, Any]:
    """Return ``volumes``, ``tmpfs``, ``volumes_from``, ``secrets`` and ``configs``."""
    host: Plain = container.get("HostConfig") or {}
    volumes: list[dict[str, Any]] = []
    secrets: list[dict[str, Any]] = []
    configs: list[dict[str, Any]] = []
    # In an order of our own: that of Compose differs from one `up` to the next.
    for text in sorted(host.get("Binds") or (), key=lambda one: str(one).split(":")[1:2]):
        _sort_in(_bind(str(text), around), service, around, volumes, secrets)
    for mount in sorted(host.get("Mounts") or (), key=lambda one: str(one["Target"])):
        if _is_config(mount, container):
            configs.append(_config(mount, around))
        else:
            _sort_in(requested(mount, service, around), service, around, volumes, secrets)
    covered = {posixpath.normpath(one["target"]) for one in volumes} | set(host.get("Tmpfs") or {})
    volumes += [
        {"type": "volume", "target": target}
        for target in (container.get("Config") or {}).get("Volumes") or {}
        if target not in (image.get("Volumes") or {}) and posixpath.normpath(target) not in covered
    ]
    secrets += [grant(around.secret(name, f"{service}:{name}"), name) for name in _copied(container, secrets, around)]
    return only_given(
        {
            "volumes": [_ordered(one) for one in volumes if not _is_of_image(one, image)],
            "tmpfs": [
                f"{target}:{options}" if options else target for target, options in (host.get("Tmpfs") or {}).items()
            ],
            "volumes_from": [_from(str(one), service, around) for one in host.get("VolumesFrom") or ()],
            "secrets": secrets,
            "configs": configs,
        }
    )


def _sort_in(
    mount: dict[str, Any],
    service: str,
    around: Surroundings,
    volumes: list[dict[str, Any]],
    secrets: list[dict[str, Any]],
) -> None:
    target = posixpath.normpath(mount["target"])
    if mount["type"] == "bind" and mount.get("read_only") and target.startswith(_SECRETS):
        name = target.removeprefix(_SECRETS)
        if "/" not in name:
            secrets.append(grant(around.secret(name, str(mount["source"])), name))
            return
    if mount["type"] == "bind":
        around.files.setdefault(str(mount["source"]), []).append(service)
    volumes.append(mount)


def _ordered(mount: dict[str, Any]) -> dict[str, Any]:
    return {name: mount[name] for name in (*_FIRST, *sorted(set(mount) - set(_FIRST))) if name in mount}


def grant(key: str, name: str) -> dict[str, Any]:
    """Return a service's grant of secret ``key`` as the file ``name``."""
    return {"source": key} if key == name else {"source": key, "target": name}


def _is_of_image(mount: dict[str, Any], image: Plain) -> bool:
    """Whether it is what the engine makes by itself: a volume without a name where the image declares one."""
    return set(mount) == {"type", "target"} and mount["target"] in (image.get("Volumes") or {})


def _bind(text: str, around: Surroundings) -> dict[str, Any]:
    """``SOURCE:TARGET[:OPTIONS]``."""
    source, _, rest = text.partition(":")
    target, _, written = rest.partition(":")
    options = [one for one in written.split(",") if one]
    mount: dict[str, Any]
    if source.startswith("/"):
        bind: dict[str, Any] = {"create_host_path": True}
        for one in options:
            if one in _PROPAGATIONS:
                bind["propagation"] = one
            elif one in {"z", "Z"}:
                bind["selinux"] = one
        mount = {"type": "bind", "source": source, "target": target, "bind": bind}
    else:
        key = around.volume(source)
        mount = {"type": "volume", **({"source": key} if key is not None else {}), "target": target}
        if "nocopy" in options:
            mount["volume"] = {"nocopy": True}
    if "ro" in options:
        mount["read_only"] = True
    return mount


def requested(mount: Plain, service: str, around: Surroundings) -> dict[str, Any]:
    """Return a mount of the engine's ``Mounts``, or of a Swarm service, in Compose's long form."""
    kind, source = str(mount["Type"]), str(mount.get("Source") or "")
    found: dict[str, Any] = {"type": kind, "target": mount["Target"], "read_only": mount.get("ReadOnly") or None}
    if kind == "bind":
        options: Plain = mount.get("BindOptions") or {}
        recursive = (
            "disabled"
            if options.get("NonRecursive")
            else "writable"
            if options.get("ReadOnlyNonRecursive")
            else "readonly"
            if options.get("ReadOnlyForceRecursive")
            else None
        )
        bind = only_given({"propagation": options.get("Propagation"), "recursive": recursive})
        found.update(source=source, bind={**bind, "create_host_path": bool(options.get("CreateMountpoint"))})
    elif kind == "volume":
        options = mount.get("VolumeOptions") or {}
        labels = {
            name: value
            for name, value in (options.get("Labels") or {}).items()
            if not name.startswith(("com.docker.stack.", COMPOSE))
        }
        key = around.volume(source) if source else None
        own = around.running.volumes.get(source, {}).get("Labels") or {}
        found["source"] = key
        found["volume"] = only_given(
            {
                "nocopy": options.get("NoCopy") or None,
                "subpath": options.get("Subpath"),
                # Those that the volume bears stand at the volume.
                "labels": {name: value for name, value in labels.items() if own.get(name) != value},
            }
        )
    elif kind == "tmpfs":
        options = mount.get("TmpfsOptions") or {}
        amount = options.get("SizeBytes")
        found["tmpfs"] = only_given({"size": size(amount) if amount else None, "mode": options.get("Mode") or None})
    elif kind == "image":
        description = around.running.images.get(source) or {}
        image = image_of(description, str(description.get("Id") or source), source)
        around.images.setdefault(source, []).append(f"services.{service}.volumes")
        found["source"] = image.name
        found["image"] = only_given({"subpath": (mount.get("ImageOptions") or {}).get("Subpath")})
    else:
        found["source"] = source
    return _ordered(only_given(found))


def _is_config(mount: Plain, container: Plain) -> bool:
    """Whether Compose mounted the file of a config there: the one kind of bind that it gives no options at all.

    Compose gives secrets' files and binds of services options, be they empty.
    """
    labels = (container.get("Config") or {}).get("Labels") or {}
    return (
        mount.get("Type") == "bind"
        and "BindOptions" not in mount
        and bool(mount.get("ReadOnly"))
        and f"{COMPOSE}service" in labels
        and not str(mount["Target"]).startswith(_SECRETS)
    )


def _config(mount: Plain, around: Surroundings) -> dict[str, Any]:
    source = str(mount["Source"])
    key = next((name for name, entry in around.configs.items() if entry.get("file") == source), None)
    if key is None:
        stem = posixpath.basename(source).replace(" ", "_")
        key = next(one for one in (stem, *(f"{stem}_{n}" for n in range(2, 1000))) if one not in around.configs)
        around.configs[key] = {"file": source}
        around.files.setdefault(source, []).append(f"config {key}")
    return {"source": key, "target": mount["Target"]}


def _copied(container: Plain, granted: list[dict[str, Any]], around: Surroundings) -> list[str]:
    """Return the secrets that Compose copied into the container, because they came from its environment."""
    known = {one.get("target", one["source"]) for one in granted}
    paths = around.running.added.get(str(container.get("Id")), ())
    names = [path.removeprefix(_SECRETS) for path in paths if path.startswith(_SECRETS)]
    return [name for name in names if name not in known and "/" not in name]


def _from(text: str, service: str, around: Surroundings) -> str:
    identity, colon, mode = text.partition(":")
    if identity in around.services:
        return f"{around.services[identity]}{colon}{mode}"
    around.missing(service, f"takes volumes of the container {identity[:12]}, which is not captured")
    return f"container:{identity}{colon}{mode}"
