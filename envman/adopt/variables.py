"""The variables that Compose files use, declared as a blueprint has to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Any, Final

from envman.adopt.changes import Changes
from envman.diagnostics import Report, Span
from envman.language.references import references, rewritten
from envman.source.tree import Mapping, leaves

# envman gives these a value itself.
BUILT_IN: Final = frozenset({"COMPOSE_PROJECT_NAME", "ENVMAN_PROJECT", "ENVMAN_ENVIRONMENT", "ENVMAN_INSTANCE"})


@dataclass(slots=True)
class Used:
    """How a variable is used: with which operators (empty: plainly), where first, and where first plainly."""

    span: Span
    document: int
    operators: set[str] = field(default_factory=set)
    plain_span: Span | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is used without saying what to do where it is not set."""
        return "" in self.operators

    @property
    def may_be_empty(self) -> bool:
        """Whether an empty value means the same as none wherever it is used."""
        return not self.operators & {"-", "+", "?"}


def find_variables(trees: Iterable[Mapping]) -> dict[str, Used]:
    """Return every variable that the values of ``trees`` use, in the order of first use."""
    found: dict[str, Used] = {}
    for index, tree in enumerate(trees):
        for _, leaf in leaves(tree):
            if isinstance(leaf.value, str) and "$" in leaf.value:
                for reference in references(leaf.value):
                    used = found.setdefault(reference.name, Used(leaf.span, index))
                    used.operators.add(reference.operator)
                    if not reference.operator:
                        used.plain_span = used.plain_span or leaf.span
    return found


def all_references(tree: Mapping) -> Iterator[str]:
    """Yield the name of every reference in ``tree``, each as often as it is used."""
    for _, leaf in leaves(tree):
        if isinstance(leaf.value, str) and "$" in leaf.value:
            yield from (reference.name for reference in references(leaf.value))


def declarations(variables: Map[str, Used], document: int) -> dict[str, dict[str, Any]]:
    """Return the declarations for the variables that ``document`` uses first.

    All are strings: what Compose interpolates is text, and takes its type where it stands. One that is used plainly is
    empty where it is not set, as in Compose, unless somewhere else an empty value and none are different things.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, used in variables.items():
        if used.document == document and name not in BUILT_IN:
            found[name] = {"type": "string", "env": name}
            if used.is_plain and used.may_be_empty:
                found[name]["default"] = ""
    return found


def adjust_references(changes: Changes, variables: Map[str, Used]) -> None:
    """Let every reference in the document of ``changes`` mean in a blueprint what it means in Compose."""
    blank = frozenset(name for name, used in variables.items() if used.is_plain and not used.may_be_empty) - BUILT_IN

    def adjusted(text: str) -> str:
        return rewritten(text, blank)

    for _, leaf in leaves(changes.tree):
        if isinstance(leaf.value, str) and "$" in leaf.value and leaf.span not in changes.scalars:
            new = adjusted(leaf.value)
            if new != leaf.value:
                changes.set_scalar(leaf, new, adjusted)


def warn_of_unset(variables: Map[str, Used], known: Iterable[str], report: Report) -> None:
    """Name the variables that have no value here and no default: Compose takes them for empty (EV803)."""
    have = frozenset(known) | BUILT_IN
    unset = {name: used.plain_span for name, used in variables.items() if name not in have and used.is_plain}
    if unset:
        several = len(unset) > 1
        report.warning(
            "EV803",
            f"{', '.join(unset)} {'have' if several else 'has'} no value here: "
            f"{'they are' if several else 'it is'} empty, as in Compose",
            next(iter(unset.values())),
            help="set a value in .env or the process, or give the variable another `default:` in the blueprint",
        )
