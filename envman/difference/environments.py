"""How two environments differ, and where each side's value comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from envman.diagnostics import EnvmanError, Span
from envman.difference.difference import ABSENT, difference
from envman.difference.groups import Group
from envman.explanation.explain import hidden_variables, using
from envman.explanation.paths import find_part
from envman.explanation.values import Using
from envman.explanation.view import view
from envman.language.interpolate import is_unset
from envman.model.confidential import WITHHELD, is_withheld, masked
from envman.model.environment import Environment
from envman.source.tree import Mapping, Node, Path, Scalar, Sequence, key_span, leaves, node_at


@dataclass(frozen=True, slots=True)
class Side:
    """What one environment has: nothing, a value, one that is withheld or still unset, and where it comes from."""

    present: bool
    value: Any = None
    withheld: bool = False
    span: Span | None = None
    variables: tuple[Using, ...] = ()
    unset: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of two environments."""

    path: tuple[str, ...]
    group: Group
    service: str | None
    left: Side
    right: Side


def compare(left: Environment, right: Environment, path: str | None = None) -> tuple[Difference, ...]:
    """Return how two environments differ, at and below ``path`` if one is given.

    Raises:
        EnvmanError: EV012 where neither has ``path``.
    """
    changes = difference(comparable(left), comparable(right))
    if path is not None:
        at = _locate(left, right, path)
        changes = tuple(one for one in changes if _touches(one.left_at, at[0]) or _touches(one.right_at, at[1]))
    hidden = hidden_variables(left.scope) | hidden_variables(right.scope)
    return tuple(
        Difference(
            one.path,
            one.group,
            one.service,
            *_sides(
                _side(left, one.left, one.left_at, hidden),
                _side(right, one.right, one.right_at, hidden),
            ),
        )
        for one in changes
    )


def _sides(left: Side, right: Side) -> tuple[Side, Side]:
    """Return both sides; what differs only where it is not shown is not shown at all."""
    if left.unset or right.unset:
        return left, right
    if left.present and right.present and left.value == right.value and type(left.value) is type(right.value):
        return replace(left, value=None, withheld=True), replace(right, value=None, withheld=True)
    return left, right


def _locate(left: Environment, right: Environment, path: str) -> tuple[Path | None, Path | None]:
    found: list[Path | None] = []
    problem: EnvmanError | None = None
    for environment in (left, right):
        try:
            found.append(find_part(view(environment.tree, {}), path).path)
        except EnvmanError as error:
            found.append(None)
            problem = error
    if found == [None, None] and problem is not None:
        raise problem
    return found[0], found[1]


def _touches(at: Path | None, wanted: Path | None) -> bool:
    if at is None or wanted is None:
        return False
    length = min(len(at), len(wanted))
    return at[:length] == wanted[:length]


_BUILT_IN: Final = ("COMPOSE_PROJECT_NAME", "ENVMAN_ENVIRONMENT", "ENVMAN_INSTANCE")


def comparable(environment: Environment) -> dict[str, Any]:
    """Return the environment's data with what says only which environment it is written as the variable it is.

    ``auto`` stays ``auto``: which port it became is no difference. Secrets are named, their values are nowhere in it.
    """
    names = {name: environment.scope.get(name) for name in _BUILT_IN}
    texts = {name: str(one.value) for name, one in names.items() if one is not None and one.value}

    def neutral(node: Node, value: Any) -> Any:
        if isinstance(node, Mapping) and isinstance(value, dict):
            return {key: neutral(node.entries[key], below) for key, below in value.items()}
        if isinstance(node, Sequence) and isinstance(value, list):
            return [neutral(item, below) for item, below in zip(node.items, value, strict=True)]
        if isinstance(node, Scalar) and isinstance(value, str):
            for name in _BUILT_IN:
                if name in node.variables and name in texts:
                    value = value.replace(texts[name], f"${{{name}}}")
        return value

    data = neutral(environment.tree, environment.data)
    assert isinstance(data, dict)  # the kind of a node stays
    return data


def _side(environment: Environment, value: Any, at: Path | None, hidden: frozenset[str]) -> Side:
    if value is ABSENT or at is None:
        return Side(present=False)
    node = node_at(environment.tree, at)
    if node is None:
        return Side(present=True, value=masked(value))
    found = list(leaves(node, at))
    names = dict.fromkeys(name for _, leaf in found for name in leaf.variables)
    variables = tuple(using(environment.scope, name) for name in names)
    if isinstance(node, Scalar) and is_unset(node):
        return Side(present=True, span=node.span, variables=variables, unset=True)
    if isinstance(node, Scalar):
        withheld = is_withheld(at, node.variables, hidden)
        shown = None if withheld else masked(node.value)
        return Side(present=True, value=shown, withheld=withheld, span=node.span, variables=variables)
    return Side(present=True, value=_shown(node, at, hidden), span=key_span(environment.tree, at), variables=variables)


def _shown(node: Node, path: Path, hidden: frozenset[str]) -> Any:
    if isinstance(node, Mapping):
        return {key: _shown(value, (*path, key), hidden) for key, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [_shown(item, (*path, index), hidden) for index, item in enumerate(node.items)]
    return WITHHELD if is_withheld(path, node.variables, hidden) else masked(node.value)
