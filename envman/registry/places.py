"""The registry map: where images come from on machines that may not pull from everywhere. Pure.

``docker.io/library: registry.example.com/hub`` says that whatever lies below the first name is pulled from below the
second: ``postgres:17`` from ``registry.example.com/hub/postgres:17``. A digest stays what it is, so a lock fits on both
sides of a map.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from envman.registry.reference import HUB, Reference, parse_reference

Places: TypeAlias = Mapping[str, str]

_HOST: Final = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?"
_PART: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PREFIX: Final = re.compile(rf"(?P<host>{_HOST})(?P<path>(?:/{_PART})*)")


def is_prefix(text: str) -> bool:
    """Return whether ``text`` can stand in a map: a registry, and the first parts of a path in it, if any.

    The registry has to be spelled out (``docker.io/library``, not ``library``): a map has no defaults to know.
    """
    match = _PREFIX.fullmatch(text)
    return match is not None and (re.search(r"[.:\[]", match["host"]) is not None or match["host"] == "localhost")


def mapped(reference: Reference, places: Places) -> Reference:
    """Return the name by which ``reference`` is pulled under the map ``places``; the longest prefix wins, once."""
    rule = rule_of(reference, places)
    if rule is None:
        return reference
    host, _, path = (places[rule] + reference.repository[len(rule) :]).partition("/")
    return replace(reference, host=host, path=path)


def rule_of(reference: Reference, places: Places) -> str | None:
    """Return the prefix in ``places`` that decides where ``reference`` comes from, or None."""
    # A whole repository cannot become a registry: nothing would be left to ask it for.
    fitting = [
        one
        for one, target in places.items()
        if reference.repository.startswith(f"{one}/") or (reference.repository == one and "/" in target)
    ]
    return max(fitting, key=len, default=None)


def normal(prefix: str) -> str:
    """Return ``prefix`` as names are compared: ``index.docker.io`` is ``docker.io``."""
    host, slash, path = prefix.partition("/")
    return f"{HUB if host == 'index.docker.io' else host}{slash}{path}"


def moved(name: str, places: Places) -> Reference | None:
    """Return where the image that a blueprint calls ``name`` is pulled from, or None where that is what it says."""
    reference = parse_reference(name)
    if reference is None:
        return None
    place = mapped(reference, places)
    return None if place == reference else place
