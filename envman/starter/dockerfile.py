"""As much of a Dockerfile as a first blueprint needs: the ports of its last stage.

Source: https://docs.docker.com/reference/dockerfile/ (parser directives, EXPOSE, ARG, ENV, FROM ... AS).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_ESCAPE: Final = re.compile(r"#\s*escape\s*=\s*(\S)\s*", re.IGNORECASE)
_HERE: Final = re.compile(r"<<-?([\"']?)([A-Za-z_]\w*)\1")
_VARIABLE: Final = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::-([^}]*))?\})")
_PORTS: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp))?", re.IGNORECASE)
_ASSIGNED: Final = re.compile(r"(?<!\w)([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)")
_MOST_PORTS: Final = 20
_LAST_PORT: Final = 65535


@dataclass(slots=True)
class _Stage:
    ports: list[tuple[int, str]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)


def exposed_ports(text: str) -> list[tuple[int, str]]:
    """Return the ports, with ``tcp`` or ``udp``, that an image of this Dockerfile's last stage exposes, in order.

    What a base image exposes is not known, nor a port from a variable that has no default.
    """
    globals_: dict[str, str] = {}
    stages: dict[str, _Stage] = {}
    stage: _Stage | None = None
    for word, rest in _instructions(text):
        if word == "FROM":
            parts = [part for part in rest.split() if not part.startswith("--")]
            base = stages.get(_filled(parts[0], globals_).lower()) if parts else None
            stage = _Stage(list(base.ports), dict(base.values)) if base else _Stage()
            if len(parts) == 3 and parts[1].upper() == "AS":
                stages[parts[2].lower()] = stage
        elif word in {"ARG", "ENV"}:
            values = globals_ if stage is None else stage.values
            values.update(_assigned(rest, values, globals_ if word == "ARG" else {}))
        elif word == "EXPOSE" and stage is not None:
            for part in _filled(rest, stage.values).split():
                stage.ports += [port for port in _ports(part) if port not in stage.ports]
    return stage.ports[:_MOST_PORTS] if stage else []


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction's word and the rest of its line, without comments, continuations and here-documents."""
    lines = text.splitlines()
    directive = _ESCAPE.fullmatch(lines[0].strip()) if lines else None
    escape = directive[1] if directive else "\\"
    held = ""
    here: list[str] = []
    for raw in lines:
        if here:
            if raw.strip() == here[0]:
                del here[0]
            continue
        one = raw.strip()
        if not one or one.startswith("#"):
            continue
        if one.endswith(escape):
            held += one.removesuffix(escape) + " "
            continue
        word, _, rest = (held + one).partition(" ")
        held = ""
        if word.upper() in {"RUN", "COPY", "ADD"}:
            here = [match[2] for match in _HERE.finditer(rest)]
        yield word.upper(), rest.strip()


def _assigned(rest: str, values: dict[str, str], inherited: dict[str, str]) -> dict[str, str]:
    found = {name: _filled(value.strip("\"'"), values) for name, value in _ASSIGNED.findall(rest)}
    words = rest.split()
    if not found and words:
        # `ARG NAME` takes what stands before the first FROM; `ENV NAME VALUE` is the old form.
        value = inherited.get(words[0]) if len(words) == 1 else " ".join(words[1:])
        return {} if value is None else {words[0]: value}
    return found


def _filled(text: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2]) or match[3] or "", text)


def _ports(part: str) -> list[tuple[int, str]]:
    match = _PORTS.fullmatch(part)
    if match is None:
        return []
    first, last = int(match[1]), int(match[2] or match[1])
    protocol = (match[3] or "tcp").lower()
    good = 0 < first <= last <= min(_LAST_PORT, first + _MOST_PORTS - 1)
    return [(port, protocol) for port in range(first, last + 1)] if good else []
