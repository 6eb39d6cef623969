"""Interpolation with all of Compose's operators.

Source: https://docs.docker.com/reference/compose-file/interpolation/ and compose-go's `template` package. Unlike
Compose, a variable that is not declared is an error, and one that is declared but has no value is an error unless an
operator at the place of use says what to do: nothing becomes an empty string in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Final

from envman.diagnostics import Diagnostic, Span
from envman.diagnostics.diagnostic import near_match
from envman.source.tree import Mapping, Node, Scalar, Sequence, Value

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONE: Final = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*))")
_OPERATORS: Final = (":-", ":?", ":+", "-", "?", "+")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A variable's value (None: declared without one) and where it came from, in words and as a place."""

    value: Value
    origin: str
    span: Span | None = None
    declared: Span | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of an environment. ``secrets`` are names that must not be used as variables."""

    variables: Map[str, Resolved] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()


class _Failure(Exception):
    def __init__(self, code: str, message: str, offset: int, expected: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.offset, self.expected, self.advice = code, message, offset, expected, advice


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


def _scalar(node: Scalar, text: str, scope: Scope) -> Scalar:
    used: list[str] = []
    try:
        lone = _LONE.fullmatch(text)
        if lone:
            name = lone["braced"] or lone["bare"]
            value = _look_up(name, scope, used, 0)
            if value is None:
                raise _unset(name, scope, 0)
        else:
            value = _expand(text, scope, used)
    except _Failure as failure:
        return node._replace(problem=_diagnose(node, text, failure), variables=tuple(used))
    return node._replace(value=value, variables=tuple(dict.fromkeys(used)))


def _look_up(name: str, scope: Scope, used: list[str], offset: int) -> Value:
    if name in scope.secrets and name not in scope.variables:
        raise _Failure(
            "EV207",
            f'"{name}" is a secret: its value must not stand in a file',
            offset,
            "a variable",
            f"grant it with `secrets: [{name}]`, or hand it over with `environment: {{NAME: {{secret: {name}}}}}`",
        )
    if name not in scope.variables:
        raise _Failure(
            "EV203",
            f'variable "{name}" is not declared',
            offset,
            near_match(name, scope.variables) or "a name under `variables:`",
            f"declare it under `variables:` (for example `{name}: {{type: string}}`), or write $$ for a literal $",
        )
    used.append(name)
    return scope.variables[name].value


def _unset(name: str, scope: Scope, offset: int) -> _Failure:
    return _Failure(
        "EV204",
        f'variable "{name}" has no value',
        offset,
        "a variable with a value",
        f"give it a `default:`, set it with --set {name}=VALUE, or write ${{{name}:-DEFAULT}}",
    )


def _expand(text: str, scope: Scope, used: list[str], base: int = 0) -> str:
    parts: list[str] = []
    position = 0
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
            end = _closing(text, dollar + 2)
            if end < 0:
                raise _Failure("EV206", "a ${ is never closed", base + dollar, "a closing }")
            parts.append(_braced(text[dollar + 2 : end], scope, used, base + dollar))
            position = end + 1
        else:
            match = _NAME.match(text, dollar + 1)
            if match is None:
                raise _Failure(
                    "EV206", "a lone $ stands here", base + dollar, "$NAME or ${NAME}", "write $$ for a literal $"
                )
            value = _look_up(match[0], scope, used, base + dollar)
            if value is None:
                raise _unset(match[0], scope, base + dollar)
            parts.append(as_text(value))
            position = match.end()


def _closing(text: str, position: int) -> int:
    depth = 0
    while position < len(text):
        if text.startswith("${", position):
            depth += 1
            position += 1
        elif text[position] == "}":
            if depth == 0:
                return position
            depth -= 1
        position += 1
    return -1


def _braced(inner: str, scope: Scope, used: list[str], offset: int) -> str:
    match = _NAME.match(inner)
    if match is None:
        raise _Failure("EV206", f"${{{inner}}} names no variable", offset, "${NAME}", "write $$ for a literal $")
    name, rest = match[0], inner[match.end() :]
    operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
    if rest and not operator:
        raise _Failure("EV206", f'"{rest}" is no operator', offset, "one of :- - :? ? :+ +")
    operand = rest[len(operator) :]
    value = _look_up(name, scope, used, offset)
    # With a colon an empty value counts as none, as in Compose and the shell.
    present = value is not None and not (operator.startswith(":") and value == "")
    operand_offset = offset + 2 + match.end() + len(operator)
    if operator.endswith("+"):
        return _expand(operand, scope, used, operand_offset) if present else ""
    if present:
        return as_text(value)
    if operator.endswith("-"):
        return _expand(operand, scope, used, operand_offset)
    if operator.endswith("?"):
        message = _expand(operand, scope, used, operand_offset) or "no value is set"
        raise _Failure("EV208", f'variable "{name}" is required: {message}', offset, "a value", f"--set {name}=VALUE")
    raise _unset(name, scope, offset)


def as_text(value: Value) -> str:
    """Return a variable's value as it stands inside a longer text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _diagnose(node: Scalar, text: str, failure: _Failure) -> Diagnostic:
    span = node.span
    if span.line == span.end_line:
        line = span.source.line(span.line)
        written = line[span.column - 1 : span.end_column - 1]
        start = (
            written.find(text[failure.offset : failure.offset + 2])
            if text not in written
            else written.find(text) + failure.offset
        )
        if start >= 0:
            length = _reference_length(text, failure.offset)
            span = span._replace(column=span.column + start, end_column=span.column + start + length)
    return Diagnostic(failure.code, failure.message, span, failure.expected, help=failure.advice)


def _reference_length(text: str, offset: int) -> int:
    if text.startswith("${", offset):
        end = _closing(text, offset + 2)
        return (end + 1 if end >= 0 else len(text)) - offset
    match = _NAME.match(text, offset + 1)
    return 1 + (len(match[0]) if match else 0)
