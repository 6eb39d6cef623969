"""What of a service asks for a GPU, in each form that Compose knows, and a service without it. Pure.

Source: https://docs.docker.com/compose/how-tos/gpu-support/, https://docs.docker.com/build/building/cdi/, and what
Docker 28 refused without a GPU (`could not select device driver`, `unresolvable CDI devices`, `invalid runtime`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_DRIVERS: Final = frozenset({"nvidia", "amd"})
_CAPABILITIES: Final = frozenset({"gpu", "nvidia"})
# Files of GPUs below /dev: NVIDIA's, AMD's, and what all kinds of them draw with.
_NODES: Final = ("/dev/nvidia", "/dev/kfd", "/dev/dri")


def gpu_requests(entry: Mapping[str, Any]) -> Iterator[tuple[str | int, ...]]:
    """Yield where ``entry``, a service in the long form, asks the engine for a GPU; nodes below /dev do not."""
    for index, one in enumerate(_reserved(entry).get("devices") or ()):
        if _is_request(one):
            yield "deploy", "resources", "reservations", "devices", index
    if entry.get("gpus"):
        yield ("gpus",)
    if _is_runtime(entry.get("runtime")):
        yield ("runtime",)
    for index, one in enumerate(entry.get("devices") or ()):
        if _is_cdi(str(one.get("source"))):
            yield "devices", index
    for index, one in enumerate(entry.get("pre_start") or ()):
        yield from (("pre_start", index, *path) for path in gpu_requests(one))


def without_gpu(entry: dict[str, Any], *, nodes: bool = True) -> dict[str, Any]:
    """Return ``entry`` without anything that asks for a GPU; ``nodes`` says whether files below /dev go, too."""
    entry = {
        key: value for key, value in entry.items() if key != "gpus" and not (key == "runtime" and _is_runtime(value))
    }
    if entry.get("devices"):
        sources = ((one, str(one.get("source"))) for one in entry["devices"])
        _put(
            entry, "devices", [one for one, source in sources if not (_is_cdi(source) or (nodes and _is_node(source)))]
        )
    if entry.get("pre_start"):
        entry["pre_start"] = [without_gpu(one, nodes=nodes) for one in entry["pre_start"]]
    reserved = dict(_reserved(entry))
    if not reserved:
        return entry
    for key, asks in (("devices", _is_request), ("generic_resources", _is_counted)):
        if reserved.get(key):
            _put(reserved, key, [one for one in reserved[key] if not asks(one)])
    deploy = dict(entry["deploy"])
    resources = dict(deploy["resources"])
    _put(resources, "reservations", reserved)
    _put(deploy, "resources", resources)
    _put(entry, "deploy", deploy)
    return entry


def _put(entry: dict[str, Any], key: str, value: Any) -> None:
    """Put ``value`` under ``key``, or nothing where it is empty."""
    if value:
        entry[key] = value
    else:
        entry.pop(key, None)


def _reserved(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    resources = (entry.get("deploy") or {}).get("resources") or {}
    reserved: Mapping[str, Any] = resources.get("reservations") or {}
    return reserved


def _is_request(device: Mapping[str, Any]) -> bool:
    """Whether a reserved device is a GPU."""
    return (
        device.get("driver") in _DRIVERS
        or not _CAPABILITIES.isdisjoint(device.get("capabilities") or ())
        or any(_is_cdi(str(one)) for one in device.get("device_ids") or ())
    )


def _is_counted(resource: Mapping[str, Any]) -> bool:
    """Whether an amount that an orchestrator counts is one of GPUs."""
    return "gpu" in str((resource.get("discrete_resource_spec") or {}).get("kind", "")).lower()


def _is_runtime(name: Any) -> bool:
    return name == "amd" or (isinstance(name, str) and name.startswith("nvidia"))


def _is_cdi(source: str) -> bool:
    """Whether ``source`` names a GPU by the Container Device Interface: ``VENDOR/CLASS=NAME``."""
    vendor, _, rest = source.partition("/")
    kind, equals, _ = rest.partition("=")
    return bool(vendor and equals) and ("gpu" in kind or vendor in {"nvidia.com", "amd.com"})


def _is_node(source: str) -> bool:
    return source.startswith(_NODES)
