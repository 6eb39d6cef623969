"""Whose stack is it? Labels decide, names only help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from envman import LABEL_PREFIX
from envman.diagnostics import Diagnostic
from envman.model.environment import Environment
from envman.plan.observed import Observed


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
            if owner == checkout:
                continue
            if owner is None:
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


def owned(environment: Environment, checkout: str, labels: Mapping[str, str]) -> bool:
    """Return whether ``labels`` prove that this checkout made the thing for ``environment``."""
    return (
        labels.get(f"{LABEL_PREFIX}checkout") == checkout
        and labels.get(f"{LABEL_PREFIX}project") == environment.project
        and labels.get(f"{LABEL_PREFIX}environment") == environment.name
        and labels.get(f"{LABEL_PREFIX}instance", "") == (environment.instance or "")
    )
