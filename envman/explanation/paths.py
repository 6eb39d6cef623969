"""Paths as people write them: ``services.api.ports[0].target``, ``services.api.ports.http``, ``api.image``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from envman.diagnostics import Note
from envman.diagnostics.diagnostic import fail, near_match
from envman.explanation.view import Part
from envman.source.scalars import text_of
from envman.source.tree import Mapping, Scalar, dotted

_STEP: Final = re.compile(r"""\[(?:"([^"]*)"|'([^']*)'|([^\]]*))\]|"([^"]*)"|'([^']*)'|([^.\[]+)""")
# What tells the entries of a list apart, most telling first.
_NAMES: Final = ("name", "target", "source", "path")
_FEW: Final = 12


def split_path(text: str) -> list[str]:
    """Return the steps of ``text``; a step with dots may stand in quotes or brackets."""
    return [next(filter(None, match.groups()), "") for match in _STEP.finditer(text)]


def find_part(root: Part, text: str) -> Part:
    """Return the part that ``text`` names below ``root``. A service may be named without ``services.`` before it.

    Raises:
        EnvmanError: EV012 with what is near where a step leads nowhere.
    """
    steps = split_path(text)
    if text and not steps:
        raise fail(
            "EV012", f'"{text}" is not a path', expected="names with dots between them, as in services.api.image"
        )
    services = root.children.get("services")
    if steps and steps[0] not in root.children and services is not None and steps[0] in services.children:
        steps = ["services", *steps]
    current = root
    while steps:
        found, used = _below(current, steps)
        if found is None:
            raise _removed(root, current, steps) or _nowhere(root, current, steps[0])
        current, steps = found, steps[used:]
    return current


def _below(part: Part, steps: list[str]) -> tuple[Part | None, int]:
    # Keys may hold dots (labels do): the fewest steps that make a key count.
    for used in range(1, len(steps) + 1):
        name = ".".join(steps[:used])
        child = _entry(part, name) if part.is_list else part.children.get(name)
        if child is not None:
            return child, used
    return None, 0


def _entry(part: Part, name: str) -> Part | None:
    if name.isdecimal() and int(name) in part.children:
        return part.children[int(name)]
    for attribute in _NAMES:
        for child in part.children.values():
            field = child.children.get(attribute)
            if field is not None and text_of(field.value) == name:
                return child
    return next((child for child in part.children.values() if name in _short_names(child)), None)


def _short_names(part: Part) -> tuple[str, ...]:
    """Return what else an entry goes by: a scalar's text, or the target in it; of a port the target and protocol."""
    if not part.children:
        text = text_of(part.value)
        return (text, text.partition(":")[0])
    target, protocol = part.children.get("target"), part.children.get("protocol")
    if target is None or protocol is None:
        return ()
    return (f"{text_of(target.value)}/{text_of(protocol.value)}",)


def names_of(part: Part) -> list[str]:
    """Return what may be written behind the path of ``part``."""
    if not part.is_list:
        return [str(name) for name in part.children]
    return [entry_name(child) or f"[{index}]" for index, child in part.children.items()]


def entry_name(part: Part) -> str:
    """Return the name of a list's entry, or an empty string."""
    for attribute in _NAMES:
        field = part.children.get(attribute)
        if field is not None and isinstance(field.node, Scalar) and field.value is not None:
            return text_of(field.value)
    return ""


def _removed(root: Part, part: Part, steps: list[str]) -> Exception | None:
    """Return the error for a path to what a layer removed with ``!reset``; None where no layer did."""
    services = root.children.get("services")
    for place in (part, services) if part is root and services is not None else (part,):
        removed = place.node.removed if isinstance(place.node, Mapping) else {}
        for used in range(1, len(steps) + 1):
            reset = removed.get(".".join(steps[:used]))
            if reset is not None and reset.overrides is not None:
                path = dotted((*place.path, ".".join(steps[:used])))
                notes = (Note("it removes", reset.overrides.span),)
                help_ = "without this line it is there again"
                return fail("EV012", f"{path} is removed here with !reset", reset.span, notes=notes, help=help_)
    return None


def _nowhere(root: Part, part: Part, step: str) -> Exception:
    names = names_of(part)
    where = dotted(part.path)
    if not names:
        message = f'{where} is a single value: nothing is below it, so no "{step}"'
        return fail("EV012", message, part.key, help="leave out the rest of the path")
    known: Iterable[str] = names
    services = root.children.get("services")
    if not part.path and services is not None:
        known = [*names, *map(str, services.children)]
    near = near_match(step, known)
    listed = f"one of {', '.join(names)}" if len(names) <= _FEW else f"one of {', '.join(names[:_FEW])}, ..."
    if part.is_list:
        message = f'{where} has no entry "{step}"'
    else:
        message = f'{where} has no "{step}"' if where else f'the environment has no "{step}"'
    return fail("EV012", message, expected=near or listed)
