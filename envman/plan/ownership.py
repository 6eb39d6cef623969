"""Whose stack is it? Labels decide, names only help."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic
from envman.model.environment import Environment
from envman.plan.form import COMPOSE
from envman.plan.observed import Observed

_CHECKOUT: Final = re.compile(r"[0-9a-f]{12}")
# Images may bring other labels of ours; only these say that envman made a thing.
_IDENTITY: Final = frozenset(
    f"{LABEL_PREFIX}{name}" for name in ("project", "environment", "checkout", "instance", "digest")
)


def foreign_owners(environment: Environment, checkout: str, observed: Observed) -> Iterator[Diagnostic]:
    """Yield EV501 or EV502 for the first of each kind of thing under this stack's name that is not this checkout's.

    ``observed`` holds what is on the engine under the environment's Compose project, whoever made it.
    """
    things: tuple[tuple[str, Iterable[tuple[str, Mapping[str, str]]]], ...] = (
        ("container", [(one.name, one.labels) for one in observed.containers]),
        ("volume", [(one.name, one.labels) for one in observed.volumes]),
        ("network", [(one.name, one.labels) for one in observed.networks]),
    )
    instance = f"`--instance NAME` (for example `envman up {environment.name} --instance two`)"
    for kind, entries in things:
        for name, labels in entries:
            owner = labels.get(f"{LABEL_PREFIX}checkout")
            if owner == checkout or (kind == "network" and _made_for(checkout, observed, labels)):
                continue
            if labels.get(f"{LABEL_PREFIX}project", environment.project) != environment.project:
                yield _of_another_project(environment, kind, name, labels)
            elif (owner is None or not _CHECKOUT.fullmatch(owner)) and not _IDENTITY.isdisjoint(labels):
                yield _of_another_version(kind, name)
            elif owner is None:
                yield Diagnostic(
                    "EV502",
                    f"{kind} {name} belongs to a Compose project {environment.compose_project} "
                    "that envman did not create",
                    help="remove it yourself if it is yours to remove, "
                    f"or give this stack another name with {instance}",
                )
            else:
                yield Diagnostic(
                    "EV501",
                    f"{kind} {name} belongs to another checkout of {environment.project} "
                    f"(ID {owner}; this one is {checkout})",
                    help=f"run this checkout's own beside it with {instance}; "
                    "if the other one is this checkout whose ID was lost, take it over with `--adopt`",
                )
            break


def _made_for(checkout: str, observed: Observed, labels: Mapping[str, str]) -> bool:
    """Return whether a network is the default one that Compose made for this checkout's own containers.

    Older versions left the labels of a default network to Compose where a service names it.
    """
    return (
        labels.get(f"{COMPOSE}network") == "default"
        and not any(label.startswith(LABEL_PREFIX) for label in labels)
        and bool(observed.containers)
        and all(one.labels.get(f"{LABEL_PREFIX}checkout") == checkout for one in observed.containers)
    )


def _of_another_project(environment: Environment, kind: str, name: str, labels: Mapping[str, str]) -> Diagnostic:
    # Project `a` with instance `c` of `b`, and project `a-b` with environment `c`, have one name to Compose.
    project, theirs = labels[f"{LABEL_PREFIX}project"], labels.get(f"{LABEL_PREFIX}environment", "")
    return Diagnostic(
        "EV501",
        f"{kind} {name} belongs to environment {theirs} of project {project}, whose stacks have the same name",
        help=f"give this stack another name with `--instance NAME` (for example `envman up {environment.name} "
        "--instance two`)",
    )


def _of_another_version(kind: str, name: str) -> Diagnostic:
    remove = {"container": "rm --force"}.get(kind, f"{kind} rm")
    keep = " after you have saved what is in it" if kind == "volume" else "; data in volumes stays"
    return Diagnostic(
        "EV523",
        f"{kind} {name} bears labels of an envman that this version does not know",
        expected="the labels dev.envman.project, dev.envman.environment and dev.envman.checkout",
        help="take the stack down with the version that made it, or remove it yourself: "
        f"`docker {remove} {name}`{keep}",
    )


def owned(environment: Environment, checkout: str, labels: Mapping[str, str]) -> bool:
    """Return whether ``labels`` prove that this checkout made the thing for ``environment``."""
    return (
        labels.get(f"{LABEL_PREFIX}checkout") == checkout
        and labels.get(f"{LABEL_PREFIX}project") == environment.project
        and labels.get(f"{LABEL_PREFIX}environment") == environment.name
        and labels.get(f"{LABEL_PREFIX}instance", "") == (environment.instance or "")
    )
