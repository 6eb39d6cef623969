"""Values that look secret: found in a stack's data, and taken out of it.

A variable of a container becomes a reference to a secret; any other text (a command, an option of a driver) becomes a
variable of the blueprint without a value. The values themselves stay behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from envman.capture.values import identifier
from envman.model.confidential import is_secret_option, looks_secret, secret_in, token_form
from envman.render.document import Reference

Path: TypeAlias = tuple[str | int, ...]
# Below these a text is a command line, whose words say what the next one is.
_COMMANDS: Final = frozenset({"command", "entrypoint", "test"})
# Below these stands what people choose; what a secret's name would mean there is what it means anywhere.
_TABLES: Final = frozenset({"labels", "annotations", "options", "driver_opts"})
_SECTIONS: Final = ("services", "volumes", "networks")
# A value as short or plain as these stands in many places by chance.
_TELLING: Final = 8
_LONG: Final = 16


@dataclass(frozen=True, slots=True)
class Suspect:
    """A value that looks secret: where, why, and what may be shown of it. ``value`` is in no text of it."""

    path: Path
    why: str
    value: str = field(repr=False)

    @property
    def where(self) -> str:
        """The place as people read it: ``api POSTGRES_PASSWORD``, ``cache command``."""
        section, name, *rest = map(str, self.path)
        words = [one for one in rest if not one.isdigit() and one != "environment"]
        return " ".join(([] if section == "services" else [section[:-1]]) + [name, ".".join(words)])

    @property
    def shown(self) -> str:
        """The value, masked."""
        return outline(self.value)

    @property
    def is_variable(self) -> bool:
        """Whether it is a variable of a container, which can name a secret."""
        return len(self.path) == 4 and self.path[0] == "services" and self.path[2] == "environment"


def find_suspects(data: dict[str, Any]) -> list[Suspect]:
    """Return every value in a stack's ``data`` that looks secret, and every text that holds such a value."""
    found = {one.path: one for one in _by_themselves(data)}
    telling = {one.value: one.where for one in found.values() if one.is_variable and is_telling(one.value)}
    for path, text in _texts(data):
        if path not in found:
            held = next((where for value, where in telling.items() if value in text), None)
            if held is not None:
                found[path] = Suspect(path, f"it holds the value of {held}", text)
    return sorted(found.values(), key=lambda one: tuple(map(str, one.path)))


def outline(text: str) -> str:
    """Return what may be shown of a secret: its length; of an address where it leads (its user may be a token)."""
    match = re.match(r"([a-z][a-z0-9+.-]*://)[^\s/@]*@([^\s/?#]*)", text, re.IGNORECASE)
    return f"{match[1]}***@{match[2]}" if match is not None else f"*** ({len(text)} characters)"


def is_telling(value: str) -> bool:
    """Whether a text that holds ``value`` surely means it: `postgres` may be a password, and is a word."""
    return len(value) >= _LONG or (len(value) >= _TELLING and re.search(r"\d", value) is not None)


def _by_themselves(data: dict[str, Any]) -> Iterator[Suspect]:
    before: tuple[Path, str] = ((), "")
    for path, text in _texts(data):
        name = str(path[-1])
        why = None
        if path[-2] == "environment" or (path[-2] in _TABLES and not isinstance(path[-1], int)):
            why = token_form(text) or ("its name" if looks_secret(name, text) else None)
            if why is None and path[-2] in _TABLES:
                why = secret_in(text)
        elif _COMMANDS & set(map(str, path)):
            why = secret_in(text)
            if why is None and before[0] == path[:-1] and re.match(r"--?[A-Za-z]", before[1]) and "=" not in before[1]:
                why = f"what {before[1]} is set to" if is_secret_option(before[1], text) else None
        else:
            why = token_form(text)
        before = (path[:-1], text)
        if why is not None:
            yield Suspect(path, why, text)


def _texts(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for section in _SECTIONS:
        yield from _below(data.get(section) or {}, (section,))


def _below(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        # A name or an image is none, and an address in an image's name has no password.
        if len(path) > 2 and not isinstance(value, Reference):
            yield path, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _below(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _below(one, (*path, index))


def without(data: dict[str, Any], suspects: Iterable[Suspect]) -> dict[str, Any]:
    """Return ``data`` with references in the place of ``suspects``, and with what they refer to declared."""
    found: dict[str, Any] = _copied(data)
    secrets: dict[str, Any] = found.setdefault("secrets", {})
    variables: dict[str, Any] = {}
    names: dict[str, str] = {}
    for one in suspects:
        if one.is_variable:
            if one.value not in names:
                key = _free(one, secrets)
                secrets[key] = {"source": "env", "variable": identifier(key).upper()}
                names[one.value] = key
            _put(found, one.path, {"secret": names[one.value]})
        else:
            wanted = identifier("_".join(str(step) for step in one.path[1:] if not isinstance(step, int))) + "_secret"
            name = next(each for each in (wanted, *(f"{wanted}_{n}" for n in range(2, 1000))) if each not in variables)
            variables[name] = {
                "type": "string",
                "env": name.upper(),
                "description": f"Looks secret ({one.why}): left behind",
            }
            _put(found, one.path, Reference(f"${{{name}}}"))
    if not secrets:
        del found["secrets"]
    return {**({"variables": variables} if variables else {}), **found}


def _free(one: Suspect, secrets: dict[str, Any]) -> str:
    wanted = identifier(str(one.path[3]))
    longer = identifier(f"{one.path[1]}_{wanted}")
    return next(each for each in (wanted, longer, *(f"{longer}_{n}" for n in range(2, 1000))) if each not in secrets)


def _put(data: dict[str, Any], path: Sequence[str | int], value: Any) -> None:
    node: Any = data
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_copied(value) for value in data]
    return data
