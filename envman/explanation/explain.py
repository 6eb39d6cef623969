"""An environment, its Document and a path to an Explanation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from typing import Any, Final

from envman.diagnostics import Span
from envman.diagnostics.diagnostic import fail, near_match
from envman.explanation.own import why, why_not
from envman.explanation.paths import find_part, split_path
from envman.explanation.values import Earlier, Explanation, Using, Value
from envman.explanation.view import ABSENT, Part, view
from envman.language.interpolate import is_unset
from envman.model.confidential import is_secret_name, is_withheld, masked
from envman.model.environment import Environment
from envman.model.variable import Variable
from envman.render.document import Document
from envman.source.tree import Mapping, Node, Scalar, Sequence, plain

_VARIABLES: Final = "variables"


def explain(environment: Environment, document: Document, path: str) -> Explanation:
    """Return where the values at and below ``path`` come from; an empty path means all of them.

    ``variables.NAME`` names a variable.

    Raises:
        EnvmanError: EV012 where ``path`` leads nowhere.
    """
    steps = split_path(path)
    if steps[:1] == [_VARIABLES]:
        return _variables(environment, steps)
    part = find_part(view(environment.tree, document.data), path)
    values = tuple(_values(part, hidden_variables(environment.scope)))
    used = dict.fromkeys(name for one in values for name in one.using)
    variables = {name: using(environment.scope, name) for name in used}
    return Explanation(environment.key, part.path, values, variables)


def _variables(environment: Environment, steps: list[str]) -> Explanation:
    known = environment.scope
    if len(steps) > 1 and steps[1] not in known:
        expected = near_match(steps[1], known) or f"one of {', '.join(known)}"
        raise fail("EV012", f'no variable "{steps[1]}" is declared', expected=expected)
    names = [steps[1]] if len(steps) > 1 else list(known)
    return Explanation(environment.key, tuple(steps[:2]), (), {name: using(environment.scope, name) for name in names})


def using(scope: Map[str, Variable], name: str) -> Using:
    """Return variable ``name`` with its value's origin."""
    variable = scope[name]
    withheld = is_hidden(scope, name)
    return Using(
        name,
        None if withheld else masked(variable.value),
        *variable.origin,
        variable.declared,
        withheld,
        variable.overrides,
    )


def hidden_variables(scope: Map[str, Variable]) -> frozenset[str]:
    """Return the variables whose values must not be shown."""
    return frozenset(name for name in scope if is_hidden(scope, name))


def is_hidden(scope: Map[str, Variable], name: str) -> bool:
    """Whether the value of variable ``name`` must not be shown."""
    return is_secret_name(name) or scope[name].confidential


def _values(part: Part, hidden: frozenset[str]) -> Iterator[Value]:
    if not part.children or _is_one(part.node):
        yield _value(part, hidden)
        return
    for child in part.children.values():
        yield from _values(child, hidden)


def _is_one(node: Node | None) -> bool:
    """Whether a list is best shown whole: scalars of one file, as in a command."""
    if not isinstance(node, Sequence):
        return False
    sources = {id(item.span.source) for item in node.items}
    return len(sources) == 1 and all(isinstance(item, Scalar) and item.overrides is None for item in node.items)


def _value(part: Part, hidden: frozenset[str]) -> Value:
    node = part.node
    if node is None or part.assumed:
        return Value(part.path, masked(part.rendered), None, reason=why(part.path))
    variables = tuple(_variables_of(node))
    if is_unset(node):
        earlier = tuple(_earlier(part, hidden, withheld=is_withheld(part.path, variables, hidden)))
        return Value(part.path, None, node.span, "", written(node), earlier=earlier, using=variables, unset=True)
    withheld = is_withheld(part.path, variables, hidden)
    value = plain(node)
    rendered, reason = _rendered(part, value)
    earlier = tuple(_earlier(part, hidden, withheld=withheld))
    return Value(
        part.path,
        None if withheld else _masked(value),
        node.span,
        reason,
        "" if withheld else written(node),
        None if withheld else rendered,
        withheld,
        earlier,
        variables,
    )


def _masked(value: Any) -> Any:
    return [masked(item) for item in value] if isinstance(value, list) else masked(value)


def _variables_of(node: Node) -> Iterable[str]:
    if isinstance(node, Scalar):
        return node.variables
    items = node.items if isinstance(node, Sequence) else ()
    return dict.fromkeys(name for item in items if isinstance(item, Scalar) for name in item.variables)


def _rendered(part: Part, value: Any) -> tuple[Any, str]:
    """Return what the Compose file has in place of ``value``, and why, where that is something else."""
    if part.rendered is ABSENT:
        return None, why_not(part.path)
    if value == "auto" and part.rendered != value:
        return part.rendered, "a host port that envman chose"
    if part.path[-1:] in {("image",), ("source",)} and isinstance(part.rendered, str) and part.rendered != value:
        locked = "@" in part.rendered and "@" not in str(value)
        return part.rendered, "as it is locked" if locked else "where the registry map takes it from"
    return None, ""


def _earlier(part: Part, hidden: frozenset[str], *, withheld: bool) -> Iterator[Earlier]:
    for node in part.before:
        if isinstance(node, Mapping):
            value: Any = f"a mapping of {len(node.entries)}" if isinstance(part.node, Scalar) else plain(node)
        else:
            value = plain(node)
        secret = withheld or is_withheld(part.path, _variables_of(node), hidden)
        yield Earlier(None if secret else _masked(value), node.span, secret)


def written(node: Node) -> str:
    """Return the text of a scalar in its file, where a variable stands in it; else an empty string."""
    if not isinstance(node, Scalar) or not node.variables:
        return ""
    return str(masked(excerpt(node.span)))


def excerpt(span: Span) -> str:
    """Return the text at ``span``, if it is on one line of a file that may be shown."""
    if span.source.confidential or span.line != span.end_line:
        return ""
    return span.source.line(span.line)[span.column - 1 : span.end_column - 1]
