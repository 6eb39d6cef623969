"""A service, as the document defines it, in the common form."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from envman.model.types import seconds, size_in_bytes, truth
from envman.plan.form import (
    BOOLEANS,
    INTEGERS,
    LISTS,
    NAMESPACES,
    SCALARS,
    SIZES,
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
from envman.render.document import Document, Reference


def defined_form(document: Document, service: Plain, image: Plain, directory: str) -> dict[str, Any]:
    """Return ``service`` of ``document`` in the common form, completed by what its image brings.

    ``image`` is the engine's ``Config`` of it (empty where that does not matter), ``directory`` the project's folder.
    """
    limits, reserved = (_resources(service, kind) for kind in ("limits", "reservations"))
    check = service.get("healthcheck") or {}
    form: dict[str, Any] = {
        **_command(service, image),
        "user": service.get("user", image.get("User")),
        "working_dir": service.get("working_dir") or image.get("WorkingDir"),
        "hostname": service.get("hostname"),
        "domainname": service.get("domainname"),
        "stop_signal": service.get("stop_signal") or image.get("StopSignal"),
        "stop_grace_period": _seconds(service.get("stop_grace_period")),
        "restart": _defined_restart(service),
        "cpus": _number(service.get("cpus", limits.get("cpus"))),
        "ports": _defined_ports(service.get("ports") or ()),
        "logging.driver": (service.get("logging") or {}).get("driver"),
        "logging.options": {
            key: str(one) for key, one in ((service.get("logging") or {}).get("options") or {}).items()
        },
        "devices": sorted(
            f"{one['source']}:{one['target']}:{one.get('permissions') or 'rwm'}" for one in service.get("devices") or ()
        ),
        "gpus": len(reserved.get("devices") or ()) + len(service.get("gpus") or ()),
        "network_mode": _defined_mode(service.get("network_mode")),
        **{f"healthcheck.{key}": value for key, value in _defined_health(check, image).items()},
        **_defined_environment(service, image),
        **{f"labels.{key}": _text(value) for key, value in own_labels(service.get("labels") or {}, {}).items()},
        **{f"ulimits.{key}": _limit(value) for key, value in (service.get("ulimits") or {}).items()},
        **{
            f"volumes.{target}": mount for target, mount in _defined_mounts(document, service, image, directory).items()
        },
        **{f"networks.{network}": aliases for network, aliases in _defined_networks(document, service).items()},
    }
    attributes = {**service}
    for attribute, nested in (("mem_limit", limits.get("memory")), ("pids_limit", limits.get("pids"))):
        attributes.setdefault(attribute, nested)
    attributes.setdefault("mem_reservation", reserved.get("memory"))
    for attribute in (*SCALARS, "tty", "stdin_open"):
        form[attribute] = _scalar(attribute, attributes.get(attribute))
    for attribute in NAMESPACES:
        form[attribute] = shared_namespace(str(form[attribute] or ""))
    for attribute in LISTS:
        form[attribute] = sorted(bare(attribute, one) for one in _listed(attributes.get(attribute)))
    for attribute in TABLES:
        form[attribute] = {str(key): _text(one) for key, one in (attributes.get(attribute) or {}).items()}
    return only_set(form)


def _resources(service: Plain, kind: str) -> Plain:
    return ((service.get("deploy") or {}).get("resources") or {}).get(kind) or {}


def _scalar(attribute: str, value: Any) -> Any:
    if value is None:
        return None
    convert: Callable[[Any], Any] = str
    if attribute in SIZES:
        convert = size_in_bytes
    elif attribute in INTEGERS:
        convert = _number
    elif attribute in BOOLEANS:
        convert = truth
    return convert(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _seconds(value: Any) -> float | None:
    return None if value is None else seconds(str(value))


def _text(value: Any) -> Any:
    if isinstance(value, Reference):
        return value
    return ("true" if value else "false") if isinstance(value, bool) else str("" if value is None else value)


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [f"{key}:{one}" for key, many in value.items() for one in (many if isinstance(many, list) else [many])]
    return [str(one) for one in value]


def _words(value: Any) -> list[str]:
    if value is None:
        return []
    return shlex.split(value) if isinstance(value, str) else [str(one) for one in value]


def _command(service: Plain, image: Plain) -> dict[str, list[str]]:
    """Apply the engine's rule: an entrypoint of one's own leaves the image's command out."""
    command, entrypoint = _words(service.get("command")), _words(service.get("entrypoint"))
    if entrypoint == [""]:
        entrypoint = []  # how one asks for none
    elif not entrypoint:
        entrypoint = list(image.get("Entrypoint") or ())
        command = command or list(image.get("Cmd") or ())
    return {"command": command, "entrypoint": entrypoint}


def _defined_restart(service: Plain) -> str:
    if service.get("restart"):
        return str(service["restart"])
    policy = (service.get("deploy") or {}).get("restart_policy")
    if not policy:
        return "no"
    name = {"none": "no", "on-failure": "on-failure", "any": "always"}.get(policy.get("condition") or "any", "always")
    most = policy.get("max_attempts")
    return f"{name}:{most}" if most and name == "on-failure" else name


def _defined_mode(mode: Any) -> str | None:
    if mode is None:
        return None
    return "container" if str(mode).startswith(("service:", "container:")) else special_mode(mode)


def _defined_ports(ports: Iterable[Plain]) -> list[str]:
    return sorted(
        f"{one.get('host_ip') or '0.0.0.0'}:{one.get('published') or 0}->{one['target']}/{one.get('protocol') or 'tcp'}"  # noqa: S104
        for one in ports
    )


def _defined_health(check: Plain, image: Plain) -> dict[str, Any]:
    brought = image.get("Healthcheck") or {}
    if check.get("disable"):
        return {"test": ["NONE"]}
    test = check.get("test")
    if test is None and not brought:
        return {}
    base = health_form({**brought, "Test": brought.get("Test") or ["CMD"]})
    if test is not None:
        base["test"] = ["CMD-SHELL", test] if isinstance(test, str) else list(test)
    for key in ("interval", "timeout", "start_period", "start_interval"):
        if check.get(key) is not None:
            base[key] = seconds(str(check[key]))
    if check.get("retries") is not None:
        base["retries"] = int(check["retries"])
    return base


def _defined_environment(service: Plain, image: Plain) -> dict[str, Any]:
    merged = environment_form(image.get("Env") or ())
    for name, value in (service.get("environment") or {}).items():
        if value is None:
            # Compose takes such a variable from its own environment, which envman keeps empty.
            merged.pop(f"environment.{name}", None)
        else:
            merged[f"environment.{name}"] = _text(value)
    return merged


def _limit(value: Any) -> tuple[int, int]:
    if isinstance(value, Mapping):
        return int(value["soft"]), int(value["hard"])
    return int(value), int(value)


def _defined_mounts(
    document: Document, service: Plain, image: Plain, directory: str
) -> dict[str, tuple[str, str, bool]]:
    mounts: dict[str, tuple[str, str, bool]] = dict.fromkeys(image.get("Volumes") or {}, ("volume", "", False))
    for one in service.get("volumes") or ():
        kind, source = one["type"], str(one.get("source") or "")
        if kind == "bind":
            source = posixpath.normpath(posixpath.join(directory, posixpath.expanduser(source)))
        elif kind == "volume" and source:
            source = engine_name(document, "volumes", source)
        read_only = one.get("read_only") is not None and truth(one["read_only"])
        mounts[posixpath.normpath(one["target"])] = (kind, source if kind in {"bind", "volume"} else "", read_only)
    for one in _listed(service.get("tmpfs")):
        mounts[one.partition(":")[0]] = ("tmpfs", "", False)
    for kind in ("secrets", "configs"):
        for grant in service.get(kind) or ():
            target = grant.get("target") or grant["source"]
            base = "/run/secrets/" if kind == "secrets" else "/"
            file = (document.data.get(kind, {}).get(grant["source"]) or {}).get("file")
            if file:
                source = posixpath.normpath(posixpath.join(directory, posixpath.expanduser(file)))
                mounts[target if target.startswith("/") else base + target] = ("bind", source, True)
    return mounts


def _defined_networks(document: Document, service: Plain) -> dict[str, list[str]]:
    if service.get("network_mode") or service.get("provider"):
        return {}
    networks = service.get("networks") or {"default": None}
    return {
        # The host's name is an alias in any case.
        engine_name(document, "networks", key): [
            "(attached)",
            *sorted(one for one in (attachment or {}).get("aliases") or () if one != service.get("hostname")),
        ]
        for key, attachment in networks.items()
    }


def engine_name(document: Document, kind: str, key: str) -> str:
    """Return the engine's name of a network or volume: its own, else the key where external, else with the project."""
    entry = document.data.get(kind, {}).get(key) or {}
    if entry.get("name"):
        return str(entry["name"])
    return key if entry.get("external") else f"{document.project}_{key}"
