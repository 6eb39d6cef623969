"""The attributes that name files of this machine, and what becomes of each file.

One list, which checks, digests, locks, bundles and imports read; tests/unit/model/test_files.py holds it against all
attributes. Source: the Compose specification, and what Compose 2.40 did with each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from envman.model.types import truth
from envman.source.places import is_elsewhere
from envman.source.tree import Path


class Use(StrEnum):
    """What becomes of a file that an attribute names."""

    CONTENT = "content"  # Compose, or the engine, makes what is in it part of a container
    VARIABLES = "variables"  # the same, and what is in it may be secret
    LABELS = "labels"  # it becomes labels (`language.handed`)
    VALUE = "value"  # it holds the value of a secret
    BUILD = "build"  # a build reads it (`source.context`)
    MOUNT = "mount"  # containers see it as it is at any time
    WATCH = "watch"  # only `docker compose watch` looks at it


class NamedFile(NamedTuple):
    """A file that an environment names: its path as written, the place of that, and what becomes of it.

    ``required``: Compose refuses every command where it is not there.
    """

    name: str
    place: Path
    use: Use
    required: bool = False


_CONTAINER: Final[dict[str, Use]] = {
    "env_file.*.path": Use.VARIABLES,
    "label_file": Use.LABELS,
    "label_file.*": Use.LABELS,
    "security_opt.*": Use.CONTENT,
    "volumes.*.source": Use.MOUNT,
}
_BUILT: Final[dict[str, Use]] = {
    "build.additional_contexts.*": Use.BUILD,
    "build.context": Use.BUILD,
    "build.dockerfile": Use.BUILD,
    "build.ssh.*": Use.BUILD,
}
FILE_ATTRIBUTES: Final[dict[tuple[str, ...], Use]] = {
    tuple(pattern.split(".")): use
    for pattern, use in {
        **{f"services.*.{one}": use for one, use in (_CONTAINER | _BUILT).items()},
        **{f"services.*.pre_start.*.{one}": use for one, use in _CONTAINER.items()},
        **{f"jobs.*.{one}": use for one, use in (_CONTAINER | _BUILT).items()},
        "services.*.develop.watch.*.path": Use.WATCH,
        "configs.*.file": Use.CONTENT,
        "secrets.*.file": Use.VALUE,
        "secrets.*.path": Use.VALUE,
        "volumes.*.driver_opts.device": Use.MOUNT,
    }.items()
}
_REQUIRED: Final = frozenset({Use.VARIABLES, Use.LABELS})


def named_files(data: Mapping[str, Any]) -> Iterator[NamedFile]:
    """Yield every file that an environment's ``data``, in the long form, names."""
    for pattern, use in FILE_ATTRIBUTES.items():
        yield from _at(data, pattern, (), use, {})


def seccomp_profile(option: str) -> str | None:
    """Return the file that a security option names: Compose reads it, and hands over what is in it."""
    name, _, value = option.replace("=", ":", 1).partition(":")
    return value if name == "seccomp" and value not in {"", "unconfined", "builtin"} and value[0] != "{" else None


def _at(node: Any, pattern: tuple[str, ...], place: Path, use: Use, parent: Mapping[str, Any]) -> Iterator[NamedFile]:
    if not pattern:
        name = _name(node, place, parent)
        if name:
            required = use in _REQUIRED and truth(parent.get("required", True))
            yield NamedFile(name, place, use, required)
        return
    step, rest = pattern[0], pattern[1:]
    if isinstance(node, Mapping):
        keys = [one for one in node if not one.startswith("x-")] if step == "*" else [step] if step in node else []
        for key in keys:
            yield from _at(node[key], rest, (*place, key), use, node)
    elif isinstance(node, list) and step == "*":
        for index, one in enumerate(node):
            yield from _at(one, rest, (*place, index), use, parent)


def _name(value: Any, place: Path, parent: Mapping[str, Any]) -> str | None:
    """Return the path in ``value``, or None where it names no file of this machine."""
    if not isinstance(value, str):
        return None
    if "build" in place and is_elsewhere(value):
        return None
    if "security_opt" in place:
        return seccomp_profile(value)
    if place[-1] == "source":
        return value if parent.get("type") == "bind" else None
    if place[-1] == "device":
        return value if "bind" in str(parent.get("o", "")).split(",") else None
    return value
