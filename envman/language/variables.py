"""Typed variables: which value wins, and whether it fits its type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace
from typing import Any, Final

from envman.diagnostics import Diagnostic, Note, Report, Span
from envman.diagnostics.diagnostic import fail, near_match
from envman.language.interpolate import Resolved, Scope
from envman.language.layers import Layer
from envman.language.merge import merge, without_tags
from envman.language.patterns import TooSlowError, matches
from envman.model.binding import bind
from envman.model.confidential import is_secret_name
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
from envman.model.variable import Origin
from envman.source.tree import Mapping, Node, Scalar, Value, key_span, node_at, only

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


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,30}")
_DECIMAL: Final = re.compile(r"[-+]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][-+]?[0-9]{1,3})?")


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
    default: Node | None

    @property
    def default_span(self) -> Span | None:
        return None if self.default is None else self.default.span


def resolve_scope(
    layers: Iterable[Layer], inputs: Inputs, builtin: Map[str, str], report: Report, *, partial: bool = False
) -> Scope:
    """Return the one scope of an environment.

    Order: ``--set`` > process, where ``env:`` names it > ``.env.NAME`` > ``.env`` > the nearest layer's default >
    its parents'. ``builtin`` are the names that envman itself gives a value. With ``partial`` a ``--set`` that no
    variable takes is let pass (another environment may).
    """
    secrets: set[str] = set()
    secret_sources: set[str] = set()
    declared: Mapping | None = None
    for layer in layers:
        secrets.update(_secret_names(layer.tree))
        secret_sources.update(_secret_sources(layer.tree))
        if "variables" in layer.tree.entries:
            part = only(layer.tree, "variables")
            if declared is None:
                first = without_tags(part)
                assert isinstance(first, Mapping)  # the kind of a node stays
                declared = first
            else:
                declared = merge(declared, part, report)
    variables = {name: Resolved(value, "built in") for name, value in builtin.items()}
    broken: dict[str, Resolved] = {}
    declarations = _declarations(declared, broken, report) if declared is not None else {}
    variables |= {name: one for name, one in broken.items() if name not in builtin}
    for name, variable in declarations.items():
        assert declared is not None  # the declarations were bound from it
        default = node_at(declared, ("variables", name, "default"))
        declaration = _Declaration(variable, key_span(declared, ("variables", name)), default)
        if name in builtin:
            report.error(
                "EV205", f'"{name}" is built in and cannot be declared', declaration.span, expected="another name"
            )
        else:
            resolved = _resolve(name, declaration, inputs, report)
            overrides = tuple(_origins(name, declaration, inputs))[1:]
            source = variable.env or name
            hidden = source in secret_sources or is_secret_name(source)
            variables[name] = replace(resolved, overrides=overrides, confidential=hidden)
    for name in inputs.settings:
        if name not in declarations and name not in broken and not partial:
            report.add(unused_setting(name, declarations))
    return Scope(variables, frozenset(secrets))


def unused_setting(name: str, declared: Iterable[str]) -> Diagnostic:
    """Return that ``--set`` names a variable which is not among the ``declared`` ones (EV209)."""
    return Diagnostic(
        "EV209",
        f"--set {name}: no variable of that name is declared",
        help=near_match(name, declared) or "declare it under `variables:` in the blueprint",
    )


def _declarations(declared: Mapping, broken: dict[str, Resolved], report: Report) -> dict[str, AnyVariable]:
    """Return what is declared, checked. A variable whose declaration is wrong goes to ``broken`` with its problem."""
    section = node_at(declared, ("variables",))
    found: dict[str, AnyVariable] = {}
    for name, node in section.entries.items() if isinstance(section, Mapping) else ():
        here = Report()
        place = key_span(declared, ("variables", name))
        if not _NAME.fullmatch(name):
            here.error("EV004", f'"{name}" is not a name for a variable', place, expected="letters, digits and _")
        assert isinstance(section, Mapping)  # it has entries
        alone = declared._replace(entries={"variables": only(section, name)})
        bound, _ = bind(alone, Declarations, here, what="a blueprint")
        default = node_at(node, ("default",))
        if isinstance(default, Scalar) and isinstance(default.value, str) and "${" in default.value:
            advice = "use an operator where the variable is used: ${name:-${other}}"
            here.error(
                "EV206", f"variables.{name}.default is taken as it is", default.span, expected="no ${...}", help=advice
            )
        report.extend(here.diagnostics)
        if bound is not None and not here.errors:
            found[name] = bound.variables[name]
        else:
            broken[name] = Resolved(None, "declaration", None, place, here.errors[0])
    if not isinstance(section, Mapping):
        bind(declared, Declarations, report, what="a blueprint")
    return found


def _secret_names(tree: Mapping) -> Iterable[str]:
    found = node_at(tree, ("secrets",))
    return found.entries if isinstance(found, Mapping) else ()


def _secret_sources(tree: Mapping) -> Iterable[str]:
    """Yield the variables that secrets take their values from."""
    for name in _secret_names(tree):
        for key in ("environment", "variable"):
            variable = node_at(tree, ("secrets", name, key))
            if isinstance(variable, Scalar) and isinstance(variable.value, str):
                yield variable.value


def _origins(name: str, declaration: _Declaration, inputs: Inputs) -> Iterator[Origin]:
    """Yield everything that gives variable ``name`` a value; the first one wins."""
    variable = declaration.variable
    if name in inputs.settings:
        yield Origin("--set")
    if variable.env is not None and variable.env in inputs.process:
        yield Origin(f"process environment ({variable.env})")
    outside = inputs.dotenv.get(variable.env or name)
    if outside is not None:
        yield Origin(outside[1].source.name, outside[1])
    default = declaration.default
    while default is not None:
        yield Origin("default", default.span)
        default = default.overrides


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
    here = Report()
    place = span or declaration.span
    if text is None:
        value: Value = variable.default
        origin, span = "default", declaration.default_span
        if value is not None:
            _examine(name, variable, value, "its default", span or declaration.span, declaration, here)
    elif not is_text(text):
        value = None
        here.error(
            "EV205",
            f'variable "{name}" from {origin} is not text: it has bytes that are not UTF-8',
            place,
            expected="UTF-8 text",
            help="a secret with `source: env` may be any bytes",
        )
    else:
        try:
            value = _parse(variable, text)
        except ValueError:
            value = None
            here.error(
                "EV205",
                f'variable "{name}" from {origin} is not of type {variable.type}',
                place,
                expected=_describe(variable),
                notes=(Note("declared here", declaration.span),) if span else (),
            )
        else:
            _examine(name, variable, value, origin, place, declaration, here)
    report.extend(here.diagnostics)
    return Resolved(value, origin, span, declaration.span, here.errors[0] if here else None)


def is_text(value: str) -> bool:
    """Return whether a value from outside is text; Python keeps bytes that are not UTF-8 as lone surrogates."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _examine(
    name: str, variable: AnyVariable, value: Value, origin: str, place: Span, declaration: _Declaration, report: Report
) -> None:
    notes = (Note("declared here", declaration.span),) if place != declaration.span else ()
    try:
        if _fits(variable, value):
            return
    except TooSlowError:
        # Fatal: every further pattern of this kind would take its time, too.
        raise fail(
            "EV115",
            f'the pattern of variable "{name}" takes more than a second on the value from {origin}',
            place,
            expected="a pattern that cannot match one text in many ways",
            notes=notes,
            help="avoid repetitions inside repetitions, as in (a+)+",
        ) from None
    message = f'variable "{name}" from {origin} is out of bounds'
    report.error("EV205", message, place, expected=_describe(variable), notes=notes)


def _parse(variable: AnyVariable, text: str) -> Value:
    match variable:
        case IntegerVariable():
            return _whole(text)
        case NumberVariable():
            if not _DECIMAL.fullmatch(text):
                raise ValueError(text)
            return int(text) if _WHOLE.fullmatch(text) else float(text)
        case BooleanVariable():
            # 1 and 0 too: a shell has no other booleans. A value in a file is not read so generously.
            return text == "1" if text in {"0", "1"} else truth(text)
        case EnumVariable():
            return next((value for value in variable.values if str(value) == text), text)
        case PortVariable():
            return "auto" if text == "auto" else _whole(text)
        case SizeVariable() if text.isdecimal():
            return _whole(text)
        case _:
            return text


def _whole(text: str) -> int:
    # int() reads more than the YAML of a default does: spaces, underscores, digits of every script.
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _fits(variable: AnyVariable, value: Any) -> bool:
    match variable:
        case EnumVariable():
            return value in variable.values
        case PortVariable():
            return value == "auto" or bool(1 <= value <= 65535)
        case StringVariable():
            return variable.pattern is None or matches(variable.pattern, value)
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
