"""What a container runs and how: its configuration, less what its image brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from envman.capture.values import duration, only_given
from envman.plan.form import COMPOSE, Plain, own_labels

_LABELS_OF_TOOLS: Final = ("com.docker.swarm.", "com.docker.stack.", "desktop.docker.io/")
_HEALTH: Final = {
    "interval": "Interval", "timeout": "Timeout", "start_period": "StartPeriod", "start_interval": "StartInterval",
}  # fmt: skip


def process_attributes(container: Plain, image: Plain, engine: Plain) -> dict[str, Any]:
    """Return the attributes of ``Config`` that differ from ``image``, the engine's ``Config`` of it."""
    config: Plain = container.get("Config") or {}
    signal = config.get("StopSignal")
    return only_given(
        {
            **command(config.get("Entrypoint"), config.get("Cmd"), image),
            "user": differing(config.get("User"), image.get("User")),
            "working_dir": differing(config.get("WorkingDir"), image.get("WorkingDir")),
            "hostname": _hostname(container, engine),
            "domainname": config.get("Domainname"),
            "environment": environment(config.get("Env") or (), image),
            "labels": labels(config.get("Labels") or {}, image),
            "healthcheck": health(config.get("Healthcheck"), image),
            "stop_signal": differing(signal, image.get("StopSignal")),
            "stop_grace_period": None
            if config.get("StopTimeout") is None
            else duration(int(config["StopTimeout"]) * 10**9),
            "tty": config.get("Tty") or None,
            "stdin_open": config.get("OpenStdin") or None,
            "expose": _exposed(container, image),
        }
    )


def differing(value: Any, brought: Any) -> Any:
    """Return ``value`` unless the image brings the same."""
    return None if value == brought else value


def command(entrypoint: Any, arguments: Any, image: Plain) -> dict[str, Any]:
    """Return ``entrypoint`` and ``command`` by the engine's rule: an entrypoint of one's own drops the image's command.

    Source: moby's daemon/create.go and image/config merge: ``[""]`` is how one asks for no entrypoint at all.
    """
    asked, own = list(entrypoint or ()), list(image.get("Entrypoint") or ())
    given, default = list(arguments or ()), list(image.get("Cmd") or ())
    if asked == own and (given or not default):
        return {"command": None if given == default else given}
    return {"entrypoint": asked or [""], "command": given or None}


def environment(variables: Iterable[str], image: Plain) -> dict[str, Any]:
    """Return the variables that the image does not set to the same; null for one that is taken away."""
    brought = set(image.get("Env") or ())
    found: dict[str, Any] = {}
    for one in variables:
        name, equals, value = one.partition("=")
        if one not in brought:
            found[name] = value if equals else None
    return found


def labels(given: Plain, image: Plain) -> dict[str, str]:
    """Return the labels that somebody gave: not the image's, and not those of Compose, Swarm or envman."""
    return {key: value for key, value in own_labels(given, image).items() if not key.startswith(_LABELS_OF_TOOLS)}


def health(check: Any, image: Plain) -> dict[str, Any] | None:
    """Return the health check where it is not the image's own."""
    if not check or check == image.get("Healthcheck") or not check.get("Test"):
        return None
    if check["Test"] == ["NONE"]:
        return {"disable": True}
    found: dict[str, Any] = {"test": list(check["Test"])}
    found.update({name: duration(check[key]) for name, key in _HEALTH.items() if check.get(key)})
    if check.get("Retries"):
        found["retries"] = check["Retries"]
    return found


def _hostname(container: Plain, engine: Plain) -> str | None:
    """Return the host's name where somebody chose it; else it is the ID, or that of whose network it shares."""
    host: Plain = container.get("HostConfig") or {}
    name = (container.get("Config") or {}).get("Hostname")
    mode = str(host.get("NetworkMode", ""))
    if not name or name == str(container.get("Id", ""))[:12] or mode.startswith("container:"):
        return None
    if (mode == "host" or host.get("UTSMode") == "host") and name == engine.get("Name"):
        return None
    return str(name)


def _exposed(container: Plain, image: Plain) -> list[str]:
    config, host = container.get("Config") or {}, container.get("HostConfig") or {}
    known = {*(image.get("ExposedPorts") or {}), *(host.get("PortBindings") or {})}
    # A port without a protocol is one of TCP.
    known |= {one.removesuffix("/tcp") for one in known}
    return [one.removesuffix("/tcp") for one in config.get("ExposedPorts") or {} if one not in known]


def depends_on(container: Plain, services: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the dependencies that Compose wrote onto the container, as far as they are among ``services``.

    Source: pkg/compose/create.go: ``name:condition:restart``, with commas between.
    """
    written = ((container.get("Config") or {}).get("Labels") or {}).get(f"{COMPOSE}depends_on") or ""
    known = set(services)
    found = {}
    for one in filter(None, written.split(",")):
        name, _, rest = one.partition(":")
        condition, _, restart = rest.partition(":")
        if name in known:
            found[name] = {
                "condition": condition or "service_started",
                **({"restart": True} if restart == "true" else {}),
            }
    return found


def missing_dependencies(container: Plain, services: Iterable[str]) -> list[str]:
    """Return the dependencies that Compose wrote onto the container and that are not among ``services``."""
    written = ((container.get("Config") or {}).get("Labels") or {}).get(f"{COMPOSE}depends_on") or ""
    return [name for one in filter(None, written.split(",")) if (name := one.partition(":")[0]) not in set(services)]
