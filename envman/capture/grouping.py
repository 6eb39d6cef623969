"""Which containers are one service, and what it is called."""

from __future__ import annotations

from collections.abc import Sequence

from envman.capture.values import key as as_key
from envman.plan.form import COMPOSE, Plain


def label(container: Plain, name: str) -> str:
    """Return a label of ``container``, or an empty text."""
    return str(((container.get("Config") or {}).get("Labels") or {}).get(name) or "")


def name_of(container: Plain) -> str:
    """Return the container's name."""
    return str(container.get("Name") or container.get("Id", "")[:12]).lstrip("/")


def grouped(containers: Sequence[Plain]) -> dict[str, list[Plain]]:
    """Return the containers by the key of their service, replicas in their order.

    Containers of Compose are together by project and service. Where two projects have a service of one name, each is
    called after its project, too; a container that Compose did not make is a service of its own name.
    """
    groups: dict[tuple[str, str], list[Plain]] = {}
    for one in containers:
        service = label(one, f"{COMPOSE}service")
        key = (label(one, f"{COMPOSE}project"), service) if service else ("", name_of(one))
        groups.setdefault(key, []).append(one)
    names = [service for _, service in groups]
    found: dict[str, list[Plain]] = {}
    for (project, service), members in sorted(groups.items(), key=lambda item: item[0][1]):
        called = service if names.count(service) == 1 or not project else f"{project}_{service}"
        found[as_key(called)] = sorted(members, key=_number)
    return found


def _number(container: Plain) -> tuple[int, str]:
    number = label(container, f"{COMPOSE}container-number")
    return (int(number) if number.isdigit() else 0, name_of(container))
