"""Typed variables: which value wins, and whether it fits its type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping as Map
from dataclasses import dataclass
from typing import Any

from envman.diagnostics import Note, Report, Span
from envman.diagnostics.diagnostic import near_match
from envman.language.interpolate import Resolved, Scope
from envman.language.layers import Layer
from envman.language.merge import merge
from envman.model.binding import bind
from envman.model.header import (
    BooleanVariable,
    Declarations,
    DurationVariable,
    EnumVariable,
    IntegerVariable,
    NumberVariable,
    PortVariable,
    SizeVariable,
    StringVariable,
)
from envman.model.types import seconds, size_in_bytes, truth
from envman.source.tree import Mapping, Value, key_span, node_at, only

AnyVariable = (
    StringVariable
    | IntegerVariable
    | NumberVariable
    | BooleanVariable
    | EnumVariable
    | PortVariable
    | SizeVariable
    | DurationVariable
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where values come from outside the blueprints, highest first.

    ``settings`` are ``--set`` options, ``process`` is the process environment (read only where a variable names its
    ``env:``), ``dotenv`` are the merged ``.env.NAME`` and ``.env`` files.
    """

    settings: Map[str, str]
    process: Map[str, str]
    dotenv: Map[str, tuple[str, Span]]


@dataclass(frozen=True, slots=True)
class _Declaration:
    variable: AnyVariable
    span: Span
    default_span: Span | None


def resolve_scope(
    layers: Iterable[Layer], inputs: Inputs, builtin: Map[str, str], report: Report, *, partial: bool = False
) -> Scope:
    """Return the one scope of an environment.

    Order: ``--set`` > process, where ``env:`` names it > ``.env.NAME`` > ``.env`` > the nearest layer's default >
    its parents'. ``builtin`` are the names that envman itself gives a value. With ``partial`` a ``--set`` that no
    variable takes is let pass (another environment may).
    """
    secrets: set[str] = set()
    declared: Mapping | None = None
    for layer in layers:
        secrets.update(_secret_names(layer.tree))
        if "variables" in layer.tree.entries:
            part = only(layer.tree, "variables")
            declared = part if declared is None else merge(declared, part, report)
    variables = {name: Resolved(value, "built in") for name, value in builtin.items()}
    declarations: dict[str, AnyVariable] = {}
    if declared is not None:
        bound, _ = bind(declared, Declarations, report, what="a blueprint")
        declarations = dict(bound.variables) if bound else {}
    for name, variable in declarations.items():
        assert declared is not None  # the declarations were bound from it
        default = node_at(declared, ("variables", name, "default"))
        declaration = _Declaration(variable, key_span(declared, ("variables", name)), default.span if default else None)
        if name in builtin:
            report.error(
                "EV205", f'"{name}" is built in and cannot be declared', declaration.span, expected="another name"
            )
        else:
            variables[name] = _resolve(name, declaration, inputs, report)
    for name in inputs.settings:
        if name not in declarations and not partial:
            report.error(
                "EV209",
                f"--set {name}: no variable of that name is declared",
                help=near_match(name, declarations) or "declare it under `variables:` in the blueprint",
            )
    return Scope(variables, frozenset(secrets))


def _secret_names(tree: Mapping) -> Iterable[str]:
    found = node_at(tree, ("secrets",))
    return found.entries if isinstance(found, Mapping) else ()


def _resolve(name: str, declaration: _Declaration, inputs: Inputs, report: Report) -> Resolved:
    variable = declaration.variable
    outside = variable.env or name
    text: str | None = None
    origin, span = "", None
    if name in inputs.settings:
        text, origin = inputs.settings[name], "--set"
    elif variable.env is not None and variable.env in inputs.process:
        text, origin = inputs.process[variable.env], f"process environment ({variable.env})"
    elif outside in inputs.dotenv:
        text, span = inputs.dotenv[outside]
        origin = span.source.name
    if text is None:
        value: Value = variable.default
        if value is not None:
            _check(name, variable, value, declaration.default_span, declaration, "its default", report)
        return Resolved(value, "default", declaration.default_span, declaration.span)
    try:
        value = _parse(variable, text)
    except ValueError:
        report.error(
            "EV205",
            f'variable "{name}" from {origin} is not of type {variable.type}',
            span or declaration.span,
            expected=_describe(variable),
            notes=(Note("declared here", declaration.span),) if span else (),
        )
        # The default stands in, so that one mistake is reported once.
        return Resolved(variable.default, origin, span, declaration.span)
    _check(name, variable, value, span or declaration.span, declaration, origin, report)
    return Resolved(value, origin, span, declaration.span)


def _parse(variable: AnyVariable, text: str) -> Value:
    match variable:
        case IntegerVariable():
            return int(text)
        case NumberVariable():
            return float(text) if not re.fullmatch(r"[-+]?\d+", text) else int(text)
        case BooleanVariable():
            return truth(text)
        case EnumVariable():
            return next((value for value in variable.values if str(value) == text), text)
        case PortVariable():
            return "auto" if text == "auto" else int(text)
        case SizeVariable() if text.isdigit():
            return int(text)
        case _:
            return text


def _check(
    name: str,
    variable: AnyVariable,
    value: Value,
    span: Span | None,
    declaration: _Declaration,
    origin: str,
    report: Report,
) -> None:
    if _fits(variable, value):
        return
    notes = (Note("declared here", declaration.span),) if span is not None and span != declaration.span else ()
    report.error(
        "EV205",
        f'variable "{name}" from {origin} is out of bounds',
        span,
        expected=_describe(variable),
        notes=notes,
    )


def _fits(variable: AnyVariable, value: Any) -> bool:
    match variable:
        case EnumVariable():
            return value in variable.values
        case PortVariable():
            return value == "auto" or 1 <= value <= 65535
        case StringVariable():
            return variable.pattern is None or re.fullmatch(variable.pattern, value) is not None
        case IntegerVariable() | NumberVariable():
            return _between(value, variable.min, variable.max)
        case SizeVariable():
            return _measured(size_in_bytes, variable, value)
        case DurationVariable():
            return _measured(seconds, variable, value)
        case _:
            return True


def _measured(measure: Any, variable: SizeVariable | DurationVariable, value: Any) -> bool:
    try:
        low, high = (None if bound is None else measure(bound) for bound in (variable.min, variable.max))
        return _between(measure(value), low, high)
    except ValueError:
        return False


def _between(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _describe(variable: AnyVariable) -> str:
    match variable:
        case EnumVariable():
            return "one of " + ", ".join(map(str, variable.values))
        case PortVariable():
            return 'a port from 1 to 65535, or "auto"'
        case StringVariable():
            return "a string" + (f" that matches {variable.pattern}" if variable.pattern else "")
        case BooleanVariable():
            return "true or false"
    words = {
        "int": "a whole number",
        "number": "a number",
        "size": 'a size such as "512m"',
        "duration": 'a duration such as "30s"',
    }
    text = words[variable.type]
    if variable.min is not None:
        text += f", at least {variable.min}"
    if variable.max is not None:
        text += f", at most {variable.max}"
    return text
