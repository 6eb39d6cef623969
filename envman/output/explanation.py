"""Where values come from, as people and programs read it."""

from __future__ import annotations

import json
from typing import Any

from envman.diagnostics import Span
from envman.diagnostics.visible import visible
from envman.explanation import Explanation, Using, Value
from envman.explanation.values import place_of
from envman.model.confidential import WITHHELD
from envman.output.diagnostics import place
from envman.output.style import Style
from envman.source.tree import Path, dotted

_WIDEST = 56


def explanation_text(explanation: Explanation, style: Style) -> str:
    """Return the values below their path, what they replaced indented below them, then the variables in them."""
    blocks = []
    if explanation.values:
        title = visible(dotted(explanation.path)) or explanation.environment
        blocks.append(f"{style.bold(title)}\n{_values(explanation, style)}")
    if explanation.variables:
        title = "variables" if explanation.values or len(explanation.path) < 2 else dotted(explanation.path)
        blocks.append(f"{style.bold(title)}\n{_variables(explanation.variables, style)}")
    return "\n\n".join(blocks) + "\n"


def explanation_lines(explanation: Explanation) -> str:
    """Return a line for each value, then each variable: ``file:line:col: path = value``, as editors parse it."""
    lines = [
        f"{one.span or one.reason}: {visible(dotted(one.path))} = "
        + shown(one.value, withheld=one.withheld, unset=one.unset)
        for one in explanation.values
    ]
    lines += [
        f"{one.source}: {one.name} = {shown(one.value, withheld=one.withheld)}"
        for one in explanation.variables.values()
    ]
    return "\n".join(lines)


def explanation_data(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain data."""
    return {
        "environment": explanation.environment,
        "path": dotted(explanation.path),
        "values": [_value_data(one) for one in explanation.values],
        "variables": {name: using_data(one) for name, one in explanation.variables.items()},
    }


def _value_data(one: Value) -> dict[str, Any]:
    return {
        "path": dotted(one.path),
        "value": one.value,
        "withheld": one.withheld,
        "unset": one.unset,
        "written": one.written or None,
        "rendered": one.rendered,
        "by": "envman" if one.span is None else "blueprint",
        "reason": one.reason or None,
        "place": place(one.span),
        "overrides": [
            {"value": earlier.value, "withheld": earlier.withheld, "place": place(earlier.span)}
            for earlier in one.earlier
        ],
        "variables": list(one.using),
    }


def using_data(one: Using) -> dict[str, Any]:
    """Return a variable with its origin as plain data."""
    return {
        "value": one.value,
        "withheld": one.withheld,
        "origin": one.origin,
        "place": place(one.span),
        "declared": place(one.declared),
        "overrides": [{"origin": origin.text, "place": place(origin.span)} for origin in one.overrides],
    }


def shown(value: Any, *, withheld: bool = False, unset: bool = False) -> str:
    """Return a value on one line, shortened in the middle where it is long."""
    if withheld or unset:
        return WITHHELD if withheld else "(unset)"
    text = visible(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 20]} ... {text[-15:]}"


def _values(explanation: Explanation, style: Style) -> str:
    rows: list[tuple[str, str, str]] = []
    for one in explanation.values:
        origin = str(one.span) if one.span is not None else one.reason
        if one.written:
            origin += f"  {visible(one.written)}"
        if one.span is not None and one.reason and one.rendered is None:
            origin += f"  ({one.reason})"
        cell = shown(one.value, withheld=one.withheld, unset=one.unset)
        rows.append((_relative(one.path, explanation.path), cell, origin))
        if one.rendered is not None:
            rows.append(("", f"rendered {shown(one.rendered)}", f"envman: {one.reason}"))
        rows.extend(
            ("", f"was {shown(earlier.value, withheld=earlier.withheld)}", str(earlier.span)) for earlier in one.earlier
        )
    names = max(len(row[0]) for row in rows)
    values = max(len(row[1]) for row in rows)
    lines = []
    for name, value, origin in rows:
        cell = value.ljust(values)
        painted = cell if name or not names else style.dim(cell)
        lines.append(f"  {name.ljust(names)}{'  ' if names else ''}{painted}  {style.dim(origin)}".rstrip())
    return "\n".join(lines)


def _relative(path: Path, base: Path) -> str:
    text = visible(dotted(path))
    return text[len(visible(dotted(base))) :].removeprefix(".") if base else text


def _variables(variables: dict[str, Using], style: Style) -> str:
    names = max(map(len, variables))
    values = [shown(one.value, withheld=one.withheld) for one in variables.values()]
    widest = max(map(len, values))
    lines = []
    for value, one in zip(values, variables.values(), strict=True):
        lines.append(f"  {one.name.ljust(names)}  {value.ljust(widest)}  {style.dim(_origin(one))}".rstrip())
    return "\n".join(lines)


def _origin(one: Using) -> str:
    """Return in words where a variable's value comes from, and what it won over."""
    if one.origin == "default" and one.span is None:
        return f"no value, declared at {one.declared}"
    text = _source(one.origin, one.span)
    if one.overrides:
        return f"{text}, over {', '.join(_source(*origin) for origin in one.overrides)}"
    return f"{text}, declared at {one.declared}" if one.declared is not None and one.origin != "default" else text


def _source(origin: str, span: Span | None) -> str:
    where = place_of(origin, span)
    return f"default at {where}" if origin == "default" else where
