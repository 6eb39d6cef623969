"""Interpolation with all of Compose's operators.

Source: https://docs.docker.com/reference/compose-file/interpolation/ and compose-go's `template` package. Unlike
Compose, a variable that is not declared is an error, and one that is declared but has no value is an error unless an
operator at the place of use says what to do: nothing becomes an empty string in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Final

from envman.diagnostics import Diagnostic, Span
from envman.diagnostics.diagnostic import near_match
from envman.diagnostics.limits import HELP, limit
from envman.model.variable import Origin, Variable
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Node, Scalar, Value

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONE: Final = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*))")
_REFERENCE: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
# What stands before the @ of an address; a longer one is none.
_USER: Final = re.compile(r"(https?)?://([^\s@]{1,500})@")
_EXPRESSION: Final = re.compile(r"\$(?:\{[^{}]*\}|\w+)")
_OPERATORS: Final = (":-", ":?", ":+", "-", "?", "+")
_DEEPEST: Final = 20
# What all values of an environment may grow to: a long value that is used often enough fills any memory.
MOST_TEXT: Final = 16 * 1024 * 1024
# A near match is looked for in this many names, and then no more: the first are enough to see what is wrong.
_MOST_MISSES: Final = 100


@dataclass(frozen=True, slots=True)
class Resolved:
    """A variable's value (None: declared without one) and where it came from, in words and as a place.

    ``problem`` says why there is none. It stands already where the variable is declared or set; a value that uses the
    variable repeats the same diagnostic, which a report keeps once. ``overrides`` are the origins that it won over,
    the next best first; ``confidential``: a secret takes its value from the same place.
    """

    value: Value
    origin: str
    span: Span | None = None
    declared: Span | None = None
    problem: Diagnostic | None = None
    overrides: tuple[Origin, ...] = ()
    confidential: bool = False

    @property
    def variable(self) -> Variable:
        """The variable as those see it who only want to know where its value comes from."""
        origin = Origin(self.origin, self.span)
        return Variable(self.value, origin, self.declared, self.overrides, self.confidential)


@dataclass(slots=True)
class _Spent:
    """What the interpolation of an environment's values has used up."""

    text: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of an environment. ``secrets`` are names that must not be used as variables.

    ``used`` collects the names that stand in values, also where an operator then passes them over, and ``passwords``
    those that stand for the password of an address; ``blueprint`` is where a variable is to be declared, for values
    that stand in another file.
    """

    variables: Map[str, Resolved] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set, compare=False)
    passwords: set[str] = field(default_factory=set, compare=False)
    spent: _Spent = field(default_factory=_Spent, compare=False, repr=False)
    blueprint: str = ""


class _FailedError(Exception):
    """What cannot be interpolated, and where in the text: the offset is that of a ``$``."""

    def __init__(
        self,
        code: str,
        message: str,
        offset: int,
        expected: str = "",
        advice: str = "",
        *,
        known: Diagnostic | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.offset, self.expected, self.advice = code, message, offset, expected, advice
        self.known = known


def interpolate(node: Node, scope: Scope) -> Node:
    """Return ``node`` with every ``$NAME`` and ``${...}`` in its values replaced; keys are left alone, as in Compose.

    A scalar that cannot be interpolated keeps its text and gets a ``problem``. Nodes that do not change are shared.
    """
    if isinstance(node, Scalar):
        if isinstance(node.value, str) and "$" in node.value:
            return _scalar(node, node.value, scope)
        return node
    if isinstance(node, Mapping):
        entries = {key: interpolate(value, scope) for key, value in node.entries.items()}
        if all(entries[key] is value for key, value in node.entries.items()):
            return node
        return node._replace(entries=entries)
    items = tuple(interpolate(item, scope) for item in node.items)
    if all(new is old for new, old in zip(items, node.items, strict=True)):
        return node
    return node._replace(items=items)


def is_unset(node: Node | None) -> bool:
    """Whether ``node`` is a value that only lacks a variable."""
    return isinstance(node, Scalar) and node.problem is not None and node.problem.code in ("EV204", "EV208")


def _scalar(node: Scalar, text: str, scope: Scope) -> Scalar:
    used: list[str] = []
    scope.used.update(_REFERENCE.findall(text))
    if "://" in text:
        scope.passwords.update(_passwords(text))
    try:
        lone = _LONE.fullmatch(text)
        if lone:
            name = lone["braced"] or lone["bare"]
            value = _look_up(name, scope, used, 0)
            if value is None:
                raise _unset(name, 0)
        else:
            value = _expand(text, scope, used)
    except _FailedError as failure:
        return node._replace(problem=_diagnose(node, text, failure), variables=tuple(used))
    return node._replace(value=value, variables=tuple(dict.fromkeys(used)))


def _passwords(text: str) -> Iterator[str]:
    """Yield the variables in ``text`` that stand for the password of an address: ``postgres://user:${NAME}@host``.

    In ``https://${NAME}@host`` it is a key.
    """
    for match in _USER.finditer(text):
        user = match[2]
        colon = _EXPRESSION.sub(lambda one: "x" * len(one[0]), user).find(":")
        if colon >= 0 or match[1]:
            yield from _REFERENCE.findall(user[colon + 1 :])


def _look_up(name: str, scope: Scope, used: list[str], offset: int) -> Value:
    if name in scope.secrets and name not in scope.variables:
        raise _FailedError(
            "EV207",
            f'"{name}" is a secret: its value must not stand in a file',
            offset,
            "a variable",
            f"grant it with `secrets: [{name}]`, or hand it over with `environment: {{NAME: {{secret: {name}}}}}`",
        )
    if name not in scope.variables:
        scope.spent.misses += 1
        near = near_match(name, scope.variables) if scope.spent.misses <= _MOST_MISSES else ""
        raise _FailedError(
            "EV203",
            f'variable "{name}" is not declared',
            offset,
            near or "a name under `variables:`",
            f"declare it under `variables:`{f' of {scope.blueprint}' if scope.blueprint else ''} "
            f"(for example `{name}: {{type: string}}`), or write $$ for a literal $",
        )
    used.append(name)
    variable = scope.variables[name]
    if variable.problem is not None:
        raise _FailedError(variable.problem.code, variable.problem.message, offset, known=variable.problem)
    return variable.value


def _unset(name: str, offset: int) -> _FailedError:
    return _FailedError(
        "EV204",
        f'variable "{name}" has no value',
        offset,
        "a variable with a value",
        f"give it a `default:`, set it with --set {name}=VALUE, or write ${{{name}:-DEFAULT}}",
    )


def _expand(text: str, scope: Scope, used: list[str], base: int = 0, depth: int = 0) -> str:
    parts: list[str] = []
    position = 0
    if depth > _DEEPEST and "$" in text:
        raise _FailedError("EV206", f"nested deeper than {_DEEPEST} levels", base + text.index("$"), "fewer defaults")
    while True:
        dollar = text.find("$", position)
        if dollar < 0:
            parts.append(text[position:])
            return "".join(parts)
        parts.append(text[position:dollar])
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            parts.append("$")
            position = dollar + 2
        elif following == "{":
            end = closing_brace(text, dollar + 2)
            if end < 0:
                raise _FailedError("EV206", "a ${ is never closed", base + dollar, "a closing }")
            parts.append(_braced(text[dollar + 2 : end], scope, used, base + dollar, depth + 1))
            position = end + 1
        else:
            match = _NAME.match(text, dollar + 1)
            if match is None:
                raise _FailedError(
                    "EV206", "a lone $ stands here", base + dollar, "$NAME or ${NAME}", "write $$ for a literal $"
                )
            value = _look_up(match[0], scope, used, base + dollar)
            if value is None:
                raise _unset(match[0], base + dollar)
            parts.append(_spend(text_of(value), scope, base + dollar))
            position = match.end()


def _spend(text: str, scope: Scope, offset: int) -> str:
    scope.spent.text += len(text)
    if scope.spent.text > (most := limit(MOST_TEXT)):
        raise _FailedError("EV110", f"the values grow beyond {most:,} characters", offset, "shorter values", HELP)
    return text


def closing_brace(text: str, position: int) -> int:
    """Return where the reference ends whose ``${`` ends at ``position``, or -1.

    Every brace counts, so that a default may be JSON; where they do not balance, the last one on the line ends the
    reference. Source: compose-go's `template` package, and what `docker compose config` made of each form.
    """
    depth = 0
    line_end = text.find("\n", position)
    limit = len(text) if line_end < 0 else line_end
    start = position
    # Most of the work is in `find` and `count`: a text may hold a million braces, and each level reads all that it has.
    while (end := text.find("}", start, limit)) >= 0:
        depth += text.count("{", start, end)
        if depth == 0:
            return end
        depth -= 1
        start = end + 1
    return text.rfind("}", position, limit)


def _braced(inner: str, scope: Scope, used: list[str], offset: int, depth: int) -> str:
    match = _NAME.match(inner)
    if match is None:
        raise _FailedError("EV206", f"${{{inner}}} names no variable", offset, "${NAME}", "write $$ for a literal $")
    name, rest = match[0], inner[match.end() :]
    operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
    if rest and not operator:
        raise _FailedError("EV206", f'"{rest}" is no operator', offset, "one of :- - :? ? :+ +")
    operand = rest[len(operator) :]
    value = _look_up(name, scope, used, offset)
    # With a colon an empty value counts as none, as in Compose and the shell.
    present = value is not None and not (operator.startswith(":") and value == "")
    operand_offset = offset + 2 + match.end() + len(operator)
    if operator.endswith("+"):
        return _expand(operand, scope, used, operand_offset, depth) if present else ""
    if present:
        return _spend(text_of(value), scope, offset)
    if operator.endswith("-"):
        return _expand(operand, scope, used, operand_offset, depth)
    if operator.endswith("?"):
        message = _expand(operand, scope, used, operand_offset, depth) or "no value is set"
        raise _FailedError(
            "EV208", f'variable "{name}" is required: {message}', offset, "a value", f"--set {name}=VALUE"
        )
    raise _unset(name, offset)


def _diagnose(node: Scalar, text: str, failure: _FailedError) -> Diagnostic:
    if failure.known is not None:
        return failure.known
    place = _place(node.span, text.count("$", 0, failure.offset))
    return Diagnostic(failure.code, failure.message, place, failure.expected, help=failure.advice)


def _place(span: Span, dollars: int) -> Span:
    """Return where the reference stands that follows ``dollars`` others: YAML writes a ``$`` in one way only."""
    for number in range(span.line, span.end_line + 1):
        line = span.source.line(number)
        first = span.column - 1 if number == span.line else 0
        last = span.end_column - 1 if number == span.end_line else len(line)
        here = line.count("$", first, last)
        if here <= dollars:
            dollars -= here
            continue
        for _ in range(dollars + 1):
            first = line.index("$", first) + 1
        column = first
        end = column + _reference_length(line[:last], column - 1)
        return Span(span.source, number, column, number, end)
    return span


def _reference_length(text: str, offset: int) -> int:
    if text.startswith("${", offset):
        end = closing_brace(text, offset + 2)
        return (end + 1 if end >= 0 else len(text)) - offset
    match = _NAME.match(text, offset + 1)
    return 1 + (len(match[0]) if match else 0)
