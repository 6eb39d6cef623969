"""``$NAME`` and ``${...}`` in a text as Compose reads them, and the same in the blueprint language.

Both have the same operators. Two things differ: Compose takes a ``$`` that begins no reference as it is, where a
blueprint wants ``$$``; and Compose makes an unset variable an empty string, where a blueprint wants a default.
Source: compose-go's `template` package, and what `docker compose config` made of each form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from envman.diagnostics import Source, Span
from envman.language.interpolate import Resolved, Scope, closing_brace, interpolate
from envman.source.scalars import text_of
from envman.source.tree import Scalar

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR: Final = re.compile(r":[-?+]|[-?+]")


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a variable.

    ``operator`` is empty for ``$NAME`` and ``${NAME}``; ``lone`` says that nothing else stands in the text.
    """

    name: str
    operator: str
    operand: str
    start: int
    end: int
    lone: bool = False


def references(text: str) -> Iterator[Reference]:
    """Yield every reference in ``text``, those in operands of others too. What Compose refuses is left out."""
    for reference in _outermost(text):
        yield reference
        if reference.operator:
            yield from references(reference.operand)


def _outermost(text: str) -> Iterator[Reference]:
    position = text.find("$")
    while position >= 0:
        following = text[position + 1 : position + 2]
        end = position + 1
        if following == "$":
            end = position + 2
        elif following == "{":
            closing = closing_brace(text, position + 2)
            match = _NAME.match(text, position + 2)
            if closing >= 0 and match:
                operator = _OPERATOR.match(text, match.end(), closing)
                if operator or match.end() == closing:
                    operand = text[operator.end() : closing] if operator else ""
                    end = closing + 1
                    lone = position == 0 and end == len(text)
                    yield Reference(match[0], operator[0] if operator else "", operand, position, end, lone)
        else:
            match = _NAME.match(text, position + 1)
            if match:
                end = match.end()
                yield Reference(match[0], "", "", position, end, position == 0 and end == len(text))
        position = text.find("$", end)


def rewritten(text: str, blank: Iterable[str] = ()) -> str:
    """Return ``text`` so that a blueprint means by it what Compose does.

    A ``$`` that begins no reference is doubled; a plain reference to a variable in ``blank`` gets an empty default.
    """
    if "$" not in text:
        return text
    names = frozenset(blank)
    parts: list[str] = []
    position = 0
    for reference in _outermost(text):
        parts.append(_doubled(text[position : reference.start]))
        if reference.operator:
            operand = rewritten(reference.operand, names)
            parts.append(f"${{{reference.name}{reference.operator}{operand}}}")
        elif reference.name in names:
            parts.append(f"${{{reference.name}-}}")
        else:
            parts.append(text[reference.start : reference.end])
        position = reference.end
    parts.append(_doubled(text[position:]))
    return "".join(parts)


def _doubled(text: str) -> str:
    """Double each ``$`` that is neither doubled already nor the start of a ``${`` that Compose refuses."""
    return re.sub(r"\$\$|\$(?!\{)", "$$", text)


def literal(text: str) -> str | None:
    """Return what a text without references means to Compose, or None where it has references."""
    if "$" not in text:
        return text
    if any(True for _ in _outermost(text)) or re.search(r"\$\{", text.replace("$$", "")):
        return None
    return text.replace("$$", "$")


def expanded(text: str, *values: Mapping[str, str]) -> str | None:
    """Return ``text`` with its references replaced as Compose does it, or None where it refuses one.

    The first of ``values`` that has a name gives its value; each is only asked for the names in ``text``. What has no
    value is empty, as in Compose.
    """
    names = {reference.name for reference in references(text)}
    place = Span(Source("", text), 1, 1, 1, 1)
    found = {name: next((one[name] for one in values if name in one), None) for name in names}
    scope = Scope({name: Resolved(value, "") for name, value in found.items()})
    made = interpolate(Scalar(rewritten(text, names), place), scope)
    if not isinstance(made, Scalar) or made.problem is not None:
        return None
    return text_of(made.value)
