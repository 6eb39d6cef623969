"""What would keep a plan from being carried out: ports, names and subnets that others have. All of it at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from envman import LABEL_PREFIX
from envman.checks.ports import Claim, fixed_claims
from envman.diagnostics import Diagnostic, Note, Span
from envman.model.environment import Environment
from envman.plan.defined import engine_name
from envman.plan.form import COMPOSE
from envman.plan.observed import Observed
from envman.plan.occupied import Labels, Occupied, Subnet, TakenNetwork, overlap, owner, subnets_of
from envman.plan.plan import Action, Plan
from envman.render.document import Document

_STARTING: Final = (Action.CREATE, Action.RECREATE, Action.START, Action.SCALE, Action.RERUN)
_MAKING: Final = (Action.CREATE, Action.RECREATE, Action.SCALE, Action.RERUN)


def obstacles(
    environment: Environment,
    document: Document,
    observed: Observed,
    plan: Plan,
    occupied: Occupied,
    *,
    bound: Callable[[Claim], str],
    leaving: Collection[str] = (),
) -> Iterator[Diagnostic]:
    """Yield everything in the way of ``plan``: EV505 ports, EV520 subnets, EV522 names.

    ``observed`` is the environment's own. ``bound`` says in words which process has the port of a claim, empty where
    none has. What the Compose projects in ``leaving`` hold does not count: they go first.
    """
    yield from _ports(environment, observed, plan, occupied, bound, leaving)
    yield from _containers(environment, plan, occupied)
    yield from _networks(environment, document, plan, occupied)
    yield from _volumes(environment, document, plan, occupied)


def starting_services(plan: Plan) -> list[str]:
    """Return the services that ``plan`` starts."""
    return list(plan.services(*_STARTING))


def starting_claims(environment: Environment, plan: Plan) -> list[Claim]:
    """Return the fixed host ports of the services that ``plan`` starts."""
    starting = set(plan.services(*_STARTING))
    return [claim for claim in fixed_claims(environment) if claim.service in starting]


def container_names(environment: Environment, plan: Plan) -> dict[str, tuple[str, Span]]:
    """Return the names of the containers that ``plan`` makes: the service of each, and where the name comes from."""
    names = {}
    for service in plan.services(*_MAKING):
        definition = environment.stack.services[service]
        if definition.container_name:
            names[definition.container_name] = (service, environment.span("services", service, "container_name"))
            continue
        for number in range(1, definition.replicas + 1):
            span = environment.key_span("services", service)
            names[f"{environment.compose_project}-{service}-{number}"] = (service, span)
    return names


def created(plan: Plan, document: Document, kind: str) -> dict[str, str]:
    """Return the networks or volumes that ``plan`` creates: key by the engine's name."""
    keys = [step.name for step in plan.steps if step.kind == kind and step.action is Action.CREATE]
    return {engine_name(document, f"{kind}s", key): key for key in keys}


def _ports(
    environment: Environment,
    observed: Observed,
    plan: Plan,
    occupied: Occupied,
    bound: Callable[[Claim], str],
    leaving: Collection[str],
) -> Iterator[Diagnostic]:
    own = {(port.host_port, port.protocol) for one in observed.containers for port in one.ports}
    going = {(port, kind) for (_, port, kind), holder in occupied.ports.items() if holder.project in leaving}
    passing = {environment.compose_project, *leaving}
    for claim in starting_claims(environment, plan):
        others = [
            one for one in occupied.holders(claim.port, claim.host_ip, claim.protocol) if one.project not in passing
        ]
        holder = others[0].describe() if others else ""
        # The process behind a port of a stack that goes is the engine's own.
        if not holder and (claim.port, claim.protocol) not in own | going:
            holder = bound(claim)
        if holder:
            kind = "" if claim.protocol == "tcp" else f"/{claim.protocol}"
            address = f"{f'[{claim.host_ip}]' if ':' in claim.host_ip else claim.host_ip}:" if claim.host_ip else ""
            yield Diagnostic(
                "EV505",
                f"host port {address}{claim.port}{kind} for {claim.service} is taken by {holder}",
                claim.span,
                "a free port",
                help="stop what holds it, choose another port, or write `published: auto`",
            )


def _containers(environment: Environment, plan: Plan, occupied: Occupied) -> Iterator[Diagnostic]:
    for name, (service, span) in container_names(environment, plan).items():
        labels = occupied.containers.get(name)
        if labels is None or labels.get(f"{COMPOSE}project") == environment.compose_project:
            continue
        fixed = environment.stack.services[service].container_name
        advice = "remove `container_name`: envman names containers itself" if fixed else _another_instance(environment)
        yield _taken("container", name, f"that {service} needs ", labels, span, f"`docker rm {name}`, or {advice}")


def _networks(environment: Environment, document: Document, plan: Plan, occupied: Occupied) -> Iterator[Diagnostic]:
    new = created(plan, document, "network")
    by_name = {one.name: one for one in occupied.networks}
    claimed: list[tuple[str, Subnet]] = []
    for name, key in new.items():
        entry = document.data["networks"][key] or {}
        there = by_name.get(name)
        if there is not None:
            if not _is_shared(environment, key, "networks", there.labels):
                advice = "choose another `name:`, or use it as it is with `external: true`"
                yield _taken("network", name, "", there.labels, _named_at(environment, "networks", key), advice)
            continue
        for index, subnet in _subnets(entry):
            others = [(_described(one), net) for one in occupied.networks for net in one.subnets]
            clash = next((what for what, net in [*others, *claimed] if overlap(net, subnet)), None)
            if clash is not None:
                yield Diagnostic(
                    "EV520",
                    f"subnet {subnet} of network {key} overlaps with {clash}",
                    environment.span("networks", key, "ipam", "config", index, "subnet"),
                    "a subnet that no network on this engine has",
                    help="leave `subnet` out, so that the engine chooses one, or take another range",
                )
            claimed.append((f"network {key} of this environment", subnet))


def _described(network: TakenNetwork) -> str:
    whose = owner(network.labels)
    return f"network {network.name}" + (f" of {whose}" if whose else "")


def _subnets(entry: Mapping[str, Any]) -> Iterator[tuple[int, Subnet]]:
    ipam = entry.get("ipam") or {}
    if (ipam.get("driver") or "default") != "default" or entry.get("driver") == "overlay":
        return
    for index, pool in enumerate(ipam.get("config") or ()):
        for subnet in subnets_of([pool.get("subnet")]):
            yield index, subnet


def _volumes(environment: Environment, document: Document, plan: Plan, occupied: Occupied) -> Iterator[Diagnostic]:
    for name, key in created(plan, document, "volume").items():
        labels = occupied.volumes.get(name)
        if labels is None or _is_shared(environment, key, "volumes", labels):
            continue
        advice = "choose another `name:`, or say that its data is to be used: `external: true`"
        yield _taken("volume", name, "", labels, _named_at(environment, "volumes", key), advice)


def _is_shared(environment: Environment, key: str, kind: str, labels: Labels) -> bool:
    """Return whether a thing of another environment of the same project is meant: ``shared: true``."""
    definition = getattr(environment.stack, kind).get(key)
    same = labels.get(f"{LABEL_PREFIX}project") == environment.project
    return bool(definition is not None and definition.shared and same)


def _named_at(environment: Environment, kind: str, key: str) -> Span | None:
    if key not in environment.data.get(kind, {}):
        return None
    has_name = (environment.data[kind][key] or {}).get("name")
    return environment.span(kind, key, "name") if has_name else environment.key_span(kind, key)


def _another_instance(environment: Environment) -> str:
    return f"run this stack under another name: `envman up {environment.name} --instance two`"


def _taken(kind: str, name: str, need: str, labels: Labels, span: Span | None, advice: str) -> Diagnostic:
    whose = owner(labels)
    return Diagnostic(
        "EV522",
        f"{kind} name {name} {need}is taken",
        span,
        "a name that nobody has on this engine",
        notes=(Note(f"the {kind} that has it {f'belongs to {whose}' if whose else 'says nowhere whose it is'}"),),
        help=advice,
    )
