"""What runs against what the blueprint says, as differences: the right side is what is on the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from envman.diagnostics import Span
from envman.difference.environments import Difference, Side
from envman.difference.groups import Group, group_of
from envman.model.active import is_one_shot, wanted_services
from envman.model.confidential import masked
from envman.model.environment import Environment
from envman.operations.drift import ContainerDrift, Drift, find_drift
from envman.operations.prepare import current_document, look
from envman.operations.workspace import Workspace
from envman.plan.causes import is_secretive, origin, show
from envman.plan.defined import engine_name
from envman.plan.drift import WITHHELD
from envman.plan.observed import ContainerState, Observed
from envman.render.document import Document

_SPELLED: Final = ("mem_limit", "mem_reservation", "memswap_limit", "shm_size")
_NOWHERE: Final = Side(present=False)


def running_differences(
    workspace: Workspace, environment: Environment, path: str | None = None
) -> tuple[Difference, ...]:
    """Return how what runs differs from ``environment``, at and below ``path`` if one is given.

    Raises:
        EnvmanError: EV501, EV502 where the stack is not this checkout's; EV4xx for the engine.
    """
    observed = look(workspace, environment, details=True)
    drift = find_drift(workspace, environment, observed)
    document = current_document(workspace, environment)
    found = [
        *_missing(environment, observed, drift),
        *_changed(environment, observed, drift),
        *_resources(environment, document, observed),
    ]
    order = list(Group)
    found.sort(key=lambda one: (order.index(one.group), one.path))
    return tuple(one for one in found if path is None or _below(one.path, path))


def _below(path: tuple[str, ...], wanted: str) -> bool:
    text, asked = ".".join(path), wanted.strip(".")
    return any(text == one or text.startswith((f"{one}.", f"{one}[")) for one in (asked, f"services.{asked}"))


def _missing(environment: Environment, observed: Observed, drift: Drift) -> Iterator[Difference]:
    present = {one.service for one in observed.containers if not one.oneoff}
    for name in wanted_services(environment, None):
        service = environment.stack.services[name]
        if name not in present and service.replicas and service.provider is None:
            side = Side(present=True, value={}, span=environment.key_span("services", name))
            yield Difference(("services", name), Group.SERVICES, name, side, _NOWHERE)
    for stray in sorted({one.service for one in drift.strays}):
        yield Difference(("services", stray), Group.SERVICES, stray, _NOWHERE, Side(present=True, value={}))
    counts = {name: [one for one in observed.containers if one.service == name and not one.oneoff] for name in present}
    for name, containers in counts.items():
        wanted = environment.stack.services[name].replicas if name in environment.stack.services else len(containers)
        if len(containers) != wanted:
            left = Side(present=True, value=wanted, span=origin(environment, name, "deploy.replicas"))
            right = Side(present=True, value=len(containers))
            yield Difference(("services", name, "deploy", "replicas"), Group.RESOURCES, name, left, right)


def _changed(environment: Environment, observed: Observed, drift: Drift) -> Iterator[Difference]:
    many = {one.service for one in observed.containers if one.number > 1}
    for found in drift.containers:
        one = found.container
        shown = f"{one.service}[{one.number}]" if one.service in many else one.service
        yield from _of_container(environment, found, shown)
    for one in observed.containers:
        if one.service in environment.stack.services and not one.oneoff and _is_down(environment, one):
            shown = f"{one.service}[{one.number}]" if one.service in many else one.service
            state = f"exited ({one.exit_code})" if one.state == "exited" else one.state
            sides = Side(present=True, value="running"), Side(present=True, value=state)
            yield Difference(("services", shown, "state"), Group.OTHER, one.service, *sides)


def _is_down(environment: Environment, one: ContainerState) -> bool:
    ended_well = one.state == "exited" and not one.exit_code and is_one_shot(environment, one.service)
    return one.state not in {"running", "restarting"} and not ended_well


def _of_container(environment: Environment, found: ContainerDrift, shown: str) -> Iterator[Difference]:
    name = found.container.service
    for one in found.differences:
        head, _, rest = one.attribute.partition(".")
        path = ("services", shown, head, *((rest,) if rest else ()))
        left = _side(one.attribute, one.defined, origin(environment, name, one.attribute))
        right = _side(one.attribute, one.actual, None)
        yield Difference(path, group_of(("services", name, head)), name, left, right)
    if found.stale and not found.differences:
        # A secret's value, a config's or an env file's content: what is compared by digest alone.
        left = Side(present=True, value="as it is now", span=environment.key_span("services", name))
        right = Side(present=True, value="as it was when the container was made")
        yield Difference(("services", shown, "definition"), Group.OTHER, name, left, right)


def _side(attribute: str, value: Any, span: Span | None) -> Side:
    if value is None:
        return _NOWHERE
    if value == WITHHELD or is_secretive(attribute):
        return Side(present=True, withheld=True, span=span)
    if isinstance(value, dict):
        value = {key: "(withheld)" if is_secretive(f"{attribute}.{key}") else one for key, one in value.items()}
    plain = isinstance(value, str | int | float | bool | list | dict) and attribute not in _SPELLED
    spelled = value if plain and not attribute.startswith("networks.") else show(attribute, value)
    if isinstance(spelled, float) and spelled.is_integer():
        spelled = int(spelled)
    return Side(present=True, value=masked(spelled) if isinstance(spelled, str) else spelled, span=span)


def _resources(environment: Environment, document: Document, observed: Observed) -> Iterator[Difference]:
    used = {
        "networks": {
            key
            for name in wanted_services(environment, None)
            if not document.services[name].get("network_mode") and not document.services[name].get("provider")
            for key in document.services[name].get("networks") or ("default",)
        },
        "volumes": {
            mount["source"]
            for name in wanted_services(environment, None)
            for mount in document.services[name].get("volumes") or ()
            if mount.get("type") == "volume" and mount.get("source")
        },
    }
    for kind, keys in used.items():
        present = {one.name for one in (observed.networks if kind == "networks" else observed.volumes)}
        entries: Mapping[str, Any] = document.data.get(kind, {})
        names = {key: engine_name(document, kind, key) for key in entries if not key.startswith("x-")}
        for key, name in names.items():
            if key in keys and name not in present and not (entries[key] or {}).get("external"):
                declared = key in environment.data.get(kind, {})
                side = Side(present=True, value={}, span=environment.key_span(kind, key) if declared else None)
                yield Difference((kind, key), group_of((kind, key)), None, side, _NOWHERE)
        for name in sorted(present - set(names.values())):
            yield Difference((kind, name), group_of((kind, name)), None, _NOWHERE, Side(present=True, value={}))
