"""Networks and volumes: what has to be made, and what exists but is not what the blueprint says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic, Note
from envman.model.environment import Environment
from envman.plan.causes import Cause
from envman.plan.defined import engine_name
from envman.plan.form import COMPOSE
from envman.plan.known import Known
from envman.plan.observed import NetworkState, Observed, VolumeState
from envman.plan.plan import Action, Step
from envman.render.document import Document

_NOT_COMPARED: Final = ("name", "external")


def creation_steps(
    environment: Environment, document: Document, observed: Observed, services: Iterable[str]
) -> Iterator[Step]:
    """Yield a step for each network and volume that ``services`` use and that is not there yet.

    Compose creates nothing else. A new volume in the place of one that the environment had says so: it begins empty.
    """
    services = list(services)
    for kind, present in (("network", observed.networks), ("volume", observed.volumes)):
        names = {one.name for one in present}
        used = {key for name in services for key in _used(document.services[name], kind)}
        for key, entry in document.data.get(f"{kind}s", {}).items():
            if key.startswith("x-") or key not in used or (entry or {}).get("external"):
                continue
            if engine_name(document, f"{kind}s", key) not in names:
                data = tuple(_left_behind(document, observed, key, services)) if kind == "volume" else ()
                span = environment.key_span(f"{kind}s", key) if key in environment.data.get(f"{kind}s", {}) else None
                yield Step(Action.CREATE, kind, key, (Cause("not there yet", span),), data)


def _used(service: Mapping[str, Any], kind: str) -> Iterator[str]:
    if kind == "network":
        if not service.get("network_mode") and not service.get("provider"):
            yield from service.get("networks") or ("default",)
        return
    for mount in service.get("volumes") or ():
        if mount.get("type") == "volume" and mount.get("source"):
            yield mount["source"]


def _left_behind(document: Document, observed: Observed, key: str, services: Iterable[str]) -> Iterator[str]:
    """Say which volume's data the services had where the new volume ``key`` is mounted."""
    yield "begins empty"
    new = {
        (name, mount["target"])
        for name in services
        for mount in document.services[name].get("volumes") or ()
        if mount.get("source") == key
    }
    for container in observed.containers:
        for mount in container.mounts:
            if (container.service, mount.target) in new and mount.kind == "volume":
                yield f"{container.service} had volume {mount.name} on {mount.target}, which stays"
                return


def changed_resources(
    environment: Environment, document: Document, observed: Observed, known: Known
) -> Iterator[Diagnostic]:
    """Yield EV507 for each network and volume that exists but was made from another definition.

    Compose would recreate a network without a word, and a volume with the loss of its data; envman does neither.
    """
    for kind, present, records in (
        ("networks", observed.networks, known.networks),
        ("volumes", observed.volumes, known.volumes),
    ):
        by_name: dict[str, NetworkState | VolumeState] = {one.name: one for one in present}
        for key, entry in document.data.get(kind, {}).items():
            if key.startswith("x-") or (entry or {}).get("external"):
                continue
            name = engine_name(document, kind, key)
            if name in by_name:
                changes = list(_changes(entry or {}, by_name[name], records.get(name)))
                if changes:
                    yield _refusal(environment, kind, key, name, changes)


def _changes(
    entry: Mapping[str, Any], actual: NetworkState | VolumeState, record: Mapping[str, Any] | None
) -> Iterator[str]:
    if f"{LABEL_PREFIX}checkout" not in actual.labels:
        # Compose would replace it below running containers.
        yield "labels"
        return
    if record is not None:
        for attribute in sorted({*entry, *record} - set(_NOT_COMPARED)):
            if entry.get(attribute) != record.get(attribute):
                yield attribute
        return
    if entry.get("driver") and entry["driver"] != actual.driver:
        yield "driver"
    options = actual.options if isinstance(actual, VolumeState) else actual.inspected.get("Options") or {}
    if any(options.get(key) != str(value) for key, value in (entry.get("driver_opts") or {}).items()):
        yield "driver_opts"
    if isinstance(actual, NetworkState) and bool(entry.get("internal")) != actual.internal:
        yield "internal"
    own = {key: value for key, value in actual.labels.items() if not key.startswith((COMPOSE, LABEL_PREFIX))}
    wanted = {key: str(value) for key, value in (entry.get("labels") or {}).items() if not key.startswith(LABEL_PREFIX)}
    if own != wanted:
        yield "labels"


def _refusal(environment: Environment, kind: str, key: str, name: str, changes: list[str]) -> Diagnostic:
    what = kind.removesuffix("s")
    path = (kind, key, changes[0])
    if kind == "volumes":
        advice = (
            "put the definition back as it was, or give the new one another key; "
            f"`envman snapshot create {environment.name} --volume {key}` keeps its data"
        )
    else:
        advice = (
            f"`envman down {environment.name}` removes the network and keeps all data, then `envman up` makes it anew"
        )
    return Diagnostic(
        "EV507",
        f"{what} {name} exists with another definition: {', '.join(changes)} changed",
        environment.span(*path) if key in environment.data.get(kind, {}) else None,
        "the definition that it was made from",
        notes=(Note(f"envman never recreates a {what} on its own"),),
        help=advice,
    )
