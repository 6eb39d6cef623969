"""A container, as the engine's inspection describes it, in the common form."""

from __future__ import annotations

from typing import Any

from envman.plan.form import (
    COMPOSE,
    LISTS,
    NAMESPACES,
    NANOSECONDS,
    SCALARS,
    TABLES,
    Plain,
    bare,
    environment_form,
    health_form,
    only_set,
    own_labels,
    shared_namespace,
    special_mode,
)


def actual_form(container: Plain, image: Plain) -> dict[str, Any]:
    """Return ``container`` in the common form; labels that ``image`` brings are left out."""
    config: Plain = container.get("Config") or {}
    host: Plain = container.get("HostConfig") or {}
    form: dict[str, Any] = {
        "command": list(config.get("Cmd") or ()),
        "entrypoint": list(config.get("Entrypoint") or ()),
        "user": config.get("User"),
        "working_dir": config.get("WorkingDir"),
        "hostname": config.get("Hostname"),
        "domainname": config.get("Domainname"),
        "stop_signal": config.get("StopSignal"),
        "stop_grace_period": config.get("StopTimeout"),
        "tty": config.get("Tty"),
        "stdin_open": config.get("OpenStdin"),
        "restart": _restart(host.get("RestartPolicy") or {}),
        "cpus": (host.get("NanoCpus") or 0) / NANOSECONDS,
        "ports": _bound_ports(host.get("PortBindings") or {}),
        "logging.driver": (host.get("LogConfig") or {}).get("Type"),
        "logging.options": dict((host.get("LogConfig") or {}).get("Config") or {}),
        "devices": sorted(
            f"{one['PathOnHost']}:{one['PathInContainer']}:{one.get('CgroupPermissions') or 'rwm'}"
            for one in host.get("Devices") or ()
        ),
        "gpus": sum(1 for _ in host.get("DeviceRequests") or ()),
        "network_mode": special_mode(host.get("NetworkMode")),
        **{f"healthcheck.{key}": value for key, value in health_form(config.get("Healthcheck") or {}).items()},
        **environment_form(config.get("Env") or ()),
        **{f"labels.{key}": value for key, value in own_labels(config.get("Labels") or {}, image).items()},
        **{f"ulimits.{one['Name']}": (one["Soft"], one["Hard"]) for one in host.get("Ulimits") or ()},
        **{f"volumes.{target}": mount for target, mount in _mounted(container).items()},
        **{f"networks.{name}": aliases for name, aliases in _attached(container).items()},
    }
    for attribute, key in SCALARS.items():
        form[attribute] = host.get(key)
    for attribute in NAMESPACES:
        form[attribute] = shared_namespace(str(form[attribute] or ""))
    for attribute, key in LISTS.items():
        form[attribute] = sorted(bare(attribute, str(one)) for one in host.get(key) or ())
    if host.get("MaskedPaths") == [] and not host.get("Privileged"):
        # What Compose makes of `systempaths=unconfined`.
        form["security_opt"] = sorted([*form["security_opt"], "systempaths:unconfined"])
    for attribute, key in TABLES.items():
        form[attribute] = {str(name): str(value) for name, value in (host.get(key) or {}).items()}
    return only_set(form)


def _restart(policy: Plain) -> str:
    name, most = str(policy.get("Name") or "no"), policy.get("MaximumRetryCount")
    return f"{name}:{most}" if most else name


def _bound_ports(bindings: Plain) -> list[str]:
    return sorted(
        f"{one.get('HostIp') or '0.0.0.0'}:{one.get('HostPort') or 0}->{inside}"  # noqa: S104
        for inside, bound in bindings.items()
        for one in bound or ()
    )


def _mounted(container: Plain) -> dict[str, tuple[str, str, bool]]:
    """Return (type, source, whether it can only be read) by target. An anonymous volume has no source."""
    named = {_target(bind) for bind in (container.get("HostConfig") or {}).get("Binds") or ()}
    asked = named | {one.get("Target") for one in (container.get("HostConfig") or {}).get("Mounts") or ()}
    asked |= set((container.get("Config") or {}).get("Volumes") or {})
    named |= {one.get("Target") for one in (container.get("HostConfig") or {}).get("Mounts") or () if one.get("Source")}
    inherits = bool((container.get("HostConfig") or {}).get("VolumesFrom"))
    mounts = {}
    for one in container.get("Mounts") or ():
        target, kind = one["Destination"], one["Type"]
        if inherits and target not in asked:
            continue  # it came along with `volumes_from`
        source = (
            one.get("Name") if kind == "volume" and target in named else one.get("Source") if kind == "bind" else ""
        )
        mounts[target] = (kind, str(source or ""), not one.get("RW", True) and kind != "image")
    for target in (container.get("HostConfig") or {}).get("Tmpfs") or {}:
        mounts.setdefault(target, ("tmpfs", "", False))
    return mounts


def _target(bind: str) -> str:
    return bind.split(":")[1] if ":" in bind else bind


def _attached(container: Plain) -> dict[str, list[str]]:
    """Return the aliases on each network that somebody gave, beside those that Compose and the engine add.

    Before version 1.45 of its API the engine also lists the names that it answers to: the ID and the host's name.
    """
    config: Plain = container.get("Config") or {}
    own = {
        str(container.get("Name", "")).lstrip("/"),
        str(container.get("Id", ""))[:12],
        config.get("Hostname"),
        (config.get("Labels") or {}).get(f"{COMPOSE}service"),
    }
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return {
        name: ["(attached)", *sorted(set((network or {}).get("Aliases") or ()) - own)]
        for name, network in networks.items()
        if name not in {"host", "none"}
    }
