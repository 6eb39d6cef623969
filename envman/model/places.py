"""The registry map as it stands in a file: checked, each mistake at its place."""

from __future__ import annotations

import re
from typing import Final

from envman.diagnostics import Report
from envman.registry.places import is_prefix, normal
from envman.registry.reference import HUB
from envman.source.tree import Mapping, Node, Scalar

_EXPECTED: Final = "a registry, and the first parts of a path in it: docker.io/library"


def read_places(node: Node | None, report: Report) -> dict[str, str]:
    """Return the registry map in ``node`` (a mapping of text, as bound); what is wrong with it goes to ``report``."""
    found: dict[str, str] = {}
    for key, value in node.entries.items() if isinstance(node, Mapping) else ():
        assert isinstance(node, Mapping)
        target = value.value if isinstance(value, Scalar) else None
        for text, span in ((key, node.keys[key]), (target, value.span)):
            if isinstance(text, str) and not is_prefix(text):
                report.error("EV428", f'"{text}" {_mistake(text)}', span, expected=_EXPECTED, help=_advice(text))
        if isinstance(target, str):
            if normal(key) in found:
                report.error("EV428", f"{normal(key)} is mapped twice", node.keys[key], expected="one place for each")
            found[normal(key)] = normal(target)
    return found


def _mistake(text: str) -> str:
    if "://" in text:
        return "is a URL: images' names have no scheme"
    if "@" in text or re.search(r":[^/]*$", text.partition("/")[2]):
        return "names a tag or digest: these stay what they are"
    if is_prefix(text.rstrip("/")):
        return "ends with a slash"
    if is_prefix(f"{HUB}/{text}"):
        return "names no registry"
    return "is not the beginning of an image's name"


def _advice(text: str) -> str:
    short = text.partition("://")[2] or text
    short = short.rstrip("/")
    for candidate in (short, f"{HUB}/{short}", re.sub(r"(@|:[^/]*$).*", "", short)):
        if is_prefix(candidate) and candidate != text:
            return f'write "{candidate}"'
    return ""
