"""Rules on how much there is: processors that the machine does not have, and with ``--fit`` replicas and memory."""

from __future__ import annotations

from typing import Any, Final

from envman.model.types import size_in_bytes
from envman.reproduction.draft import Draft

# What the engine, the system and the user's own programs get.
_SHARE: Final = 0.75
_LEAST: Final = 16 * 1024**2
_MEMORY: Final = ("mem_limit", "mem_reservation", "memswap_limit")


def processors(draft: Draft) -> None:
    """Limits of processors above what the machine has: the engine refuses such a container."""
    most = draft.machine.cpus
    for name, service in draft.services():
        for place, key in _places(service, "cpus"):
            if float(place[key]) > most:
                draft.say("processors", f"service {name}", "cpus", place[key], most)
                place[key] = str(most) if isinstance(place[key], str) else most
        cpuset = service.get("cpuset")
        if cpuset and _last(str(cpuset)) >= most:
            draft.say("processors", f"service {name}", "cpuset", service.pop("cpuset"), "any")


def _places(service: dict[str, Any], key: str) -> list[tuple[dict[str, Any], str]]:
    """Return where a service says ``key``: by itself, and below ``deploy.resources``."""
    resources = (service.get("deploy") or {}).get("resources") or {}
    nested = [resources.get(kind) or {} for kind in ("limits", "reservations")]
    names = {"mem_limit": "memory", "cpus": "cpus"}
    return [
        *([(service, key)] if service.get(key) is not None else []),
        *((one, names[key]) for one in nested if key in names and one.get(names[key]) is not None),
    ]


def _last(cpuset: str) -> int:
    numbers = [part.rpartition("-")[2] for part in cpuset.split(",")]
    return max((int(one) for one in numbers if one.isdigit()), default=0)


def fit(draft: Draft) -> None:
    """Scale replicas, then limits of memory, until all services together leave the machine a quarter of its memory."""
    if not draft.fit:
        return
    budget = int(draft.machine.memory * _SHARE)
    total = _total(draft)
    if total <= budget:
        return
    share = budget / total
    for name, service in draft.services():
        count = _replicas(service)
        fewer = max(1, int(count * share))
        if fewer < count:
            _set_replicas(service, fewer)
            draft.say("fit", f"service {name}", "replicas", count, fewer)
    total = _total(draft)
    if total <= budget:
        return
    share = budget / total
    for name, service in draft.services():
        for attribute in _MEMORY:
            for place, key in _places(service, attribute):
                if str(place[key]).startswith("-"):
                    continue  # no limit
                was = size_in_bytes(place[key])
                if was <= _LEAST:
                    continue
                now = max(_LEAST, int(was * share) // 1024**2 * 1024**2)
                shown = "mem_reservation" if attribute == "mem_limit" and _is_reservation(service, place) else attribute
                draft.say("fit", f"service {name}", shown, _size(was), _size(now))
                place[key] = f"{now // 1024**2}M"


def _is_reservation(service: dict[str, Any], place: dict[str, Any]) -> bool:
    return place is ((service.get("deploy") or {}).get("resources") or {}).get("reservations")


def _total(draft: Draft) -> int:
    """Return the memory that all services may take together, as far as it is limited."""
    total = 0
    for _, service in draft.services():
        resources = (service.get("deploy") or {}).get("resources") or {}
        limit = service.get("mem_limit") or (resources.get("limits") or {}).get("memory")
        if limit is not None and not service.get("profiles"):
            total += size_in_bytes(limit) * _replicas(service)
    return total


def _replicas(service: dict[str, Any]) -> int:
    replicas = (service.get("deploy") or {}).get("replicas")
    return int(replicas if replicas is not None else service.get("scale") or 1)


def _set_replicas(service: dict[str, Any], count: int) -> None:
    if (service.get("deploy") or {}).get("replicas") is not None:
        service["deploy"]["replicas"] = count
    else:
        service["scale"] = count


def _size(count: int) -> str:
    return f"{count // 1024**2}M"
