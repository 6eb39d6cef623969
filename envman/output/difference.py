"""How environments differ, as people, reviewers and programs read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from envman.diagnostics.visible import visible
from envman.difference.environments import Difference, Side
from envman.difference.groups import Group
from envman.output.diagnostics import place
from envman.output.explanation import shown, using_data
from envman.output.style import Style

_NOTHING = "-"


def difference_text(differences: Sequence[Difference], names: tuple[str, str], style: Style) -> str:
    """Return the differences by group, each with both sides below it."""
    lines = [style.bold(_headline(differences, names))]
    for group, members in _grouped(differences):
        lines += ["", style.bold(group)]
        for one in members:
            lines.append(f"  {label(one)}")
            lines += _sides(one, names, style)
    return "\n".join(lines) + "\n"


def difference_lines(differences: Sequence[Difference]) -> str:
    """Return a line for each difference."""
    return "\n".join(
        f"{one.group}: {label(one)}: {_cell(one, one.left)} -> {_cell(one, one.right)}" for one in differences
    )


def difference_markdown(differences: Sequence[Difference], names: tuple[str, str]) -> str:
    """Return the differences as Markdown, a table for each group, for the description of a pull request."""
    lines = [f"**{_headline(differences, names)}**"]
    for group, members in _grouped(differences):
        lines += ["", f"### {group}", "", f"| | {names[0]} | {names[1]} |", "|---|---|---|"]
        lines += [
            f"| {_code(label(one))} | {_markdown(one, one.left)} | {_markdown(one, one.right)} |" for one in members
        ]
    return "\n".join(lines) + "\n"


def difference_data(differences: Sequence[Difference], names: tuple[str, str]) -> dict[str, Any]:
    """Return the differences as plain data."""
    return {
        "left": names[0],
        "right": names[1],
        "different": bool(differences),
        "differences": [
            {
                "group": one.group.value,
                "service": one.service,
                "path": ".".join(one.path),
                "left": _side_data(one.left),
                "right": _side_data(one.right),
            }
            for one in differences
        ],
    }


def _side_data(side: Side) -> dict[str, Any]:
    return {
        "present": side.present,
        "value": side.value,
        "withheld": side.withheld,
        "unset": side.unset,
        "place": place(side.span),
        "variables": {one.name: using_data(one) for one in side.variables},
    }


def _headline(differences: Sequence[Difference], names: tuple[str, str]) -> str:
    if not differences:
        return f"{names[0]} and {names[1]} do not differ"
    count = len(differences)
    return f"{names[0]} and {names[1]} differ in {count} {'value' if count == 1 else 'values'}"


def _grouped(differences: Sequence[Difference]) -> Iterator[tuple[Group, list[Difference]]]:
    for group, members in groupby(differences, key=lambda one: one.group):
        yield group, list(members)


def label(one: Difference) -> str:
    """Return the path of a difference as it is shown: of a service, from its name on."""
    return visible(".".join(one.path[1:] if one.service is not None else one.path))


def _sides(one: Difference, names: tuple[str, str], style: Style) -> Iterator[str]:
    cells = (_cell(one, one.left), _cell(one, one.right))
    width, widest = max(map(len, names)), max(map(len, cells))
    for name, cell, side, paint in zip(names, cells, (one.left, one.right), (style.error, style.good), strict=True):
        text = cell.ljust(widest)
        yield f"    {name.ljust(width)}  {paint(text) if side.present else text}  {style.dim(_origin(side))}".rstrip()


def _cell(one: Difference, side: Side) -> str:
    if not side.present:
        return _NOTHING
    has_value = side.value not in ({}, None) or side.withheld or side.unset
    if one.group is Group.SERVICES or (not has_value and len(one.path) in {2, 4}):
        return "there"
    return shown(_short(side.value), withheld=side.withheld, unset=side.unset)


def _short(value: Any) -> Any:
    """Return an entry of a list in its short form, where that says all of it."""
    if not isinstance(value, dict):
        return value
    rest = {key: part for key, part in value.items() if part not in ({}, None)}
    if set(rest) == {"source"}:
        return rest["source"]
    if {"target", "published"} <= set(rest) <= {"name", "target", "published", "host_ip", "protocol"}:
        host = f"[{rest['host_ip']}]:" if ":" in str(rest.get("host_ip")) else f"{rest.get('host_ip') or ''}:"
        protocol = "" if rest.get("protocol", "tcp") == "tcp" else f"/{rest['protocol']}"
        return f"{host.removeprefix(':')}{rest['published']}:{rest['target']}{protocol}"
    if rest.get("type") in {"bind", "volume"} and {"source", "target"} <= set(rest):
        plain = set(rest) <= {"type", "source", "target", "read_only", "bind"}
        if plain and rest.get("bind", {"create_host_path": True}) == {"create_host_path": True}:
            return f"{rest['source']}:{rest['target']}" + (":ro" if rest.get("read_only") is True else "")
    return value


def _origin(side: Side) -> str:
    if side.span is None:
        return ""
    variables = [
        f"{one.name} has no value" if side.unset and one.value is None else f"{one.name} from {one.source}"
        for one in side.variables
        if not one.is_built_in
    ]
    return ", ".join((str(side.span), *(variables if not isinstance(side.value, dict) else ())))


def _markdown(one: Difference, side: Side) -> str:
    cell = _cell(one, side)
    if not side.present:
        return cell
    origin = _origin(side)
    return f"{_code(cell)}<br><sub>{_escaped(origin)}</sub>" if origin else _code(cell)


def _code(text: str) -> str:
    # In a table a bar ends the cell, even between backticks; a backtick inside wants a longer fence around.
    fence = "`" * (1 + max((len(run) for run in _runs(text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text.replace('|', chr(92) + '|')}{pad}{fence}"


def _runs(text: str) -> list[str]:
    return ["".join(run) for tick, run in groupby(text, key=lambda one: one == "`") if tick]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("_", "\\_").replace("*", "\\*")
