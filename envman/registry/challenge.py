"""What a registry wants to be told before it answers: the header ``WWW-Authenticate``. Pure.

Source: RFC 9110 section 11 (challenges), https://distribution.github.io/distribution/spec/auth/token/ (``Bearer``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Action: TypeAlias = Literal["pull", "push"]

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*(?:,|$)')
_SCHEME: Final = re.compile(rf"\s*+(?:,\s*+)?({_WORD})(?:\s++|$|(?=,))")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in: ``scheme`` is ``bearer`` or ``basic``, the rest are its parameters."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Return the challenges in the values of ``WWW-Authenticate``; what cannot be read is left out."""
    found: list[Challenge] = []
    for header in headers:
        position = 0
        while scheme := _SCHEME.match(header, position):
            position = scheme.end()
            parameters: dict[str, str] = {}
            while parameter := _PARAMETER.match(header, position):
                quoted, bare = parameter[2], parameter[3]
                value = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                parameters[parameter[1].lower()] = value
                position = parameter.end()
            found.append(Challenge(scheme[1].lower(), parameters))
    return found


def preferred(challenges: Iterable[Challenge]) -> Challenge | None:
    """Return the way in to take: a token where one can be had, else a name and password, else None."""
    known = {one.scheme: one for one in challenges if one.scheme != "bearer" or one.parameters.get("realm")}
    return known.get("bearer") or known.get("basic")


def scope(path: str, *actions: Action) -> str:
    """Return what a token for ``actions`` in the repository ``path`` has to cover."""
    return f"repository:{path}:{','.join(actions)}"
