"""Production's environment to a copy of it: a whole blueprint of its own, in which nothing is left to be resolved."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from envman.diagnostics.diagnostic import fail
from envman.diagnostics.visible import visible
from envman.model.environment import Environment
from envman.render.document import escape
from envman.reproduction.confidential import declared, plain_values
from envman.reproduction.draft import Draft, Images, Machine, Substitution, Token
from envman.reproduction.endpoints import TALKING
from envman.reproduction.fitting import fit, processors
from envman.reproduction.places import PLACES
from envman.source.writer import write_yaml

_SCHEMA: Final = "# yaml-language-server: $schema=../.envman/schema.json\n"
_MARK: Final = "# Written by `envman reproduce {source}`, which writes it anew; changed by hand it is left alone.\n"
_SEAL: Final = re.compile(r"^# seal: ([0-9a-f]{32})\n", re.MULTILINE)
# They say how something is built, developed or orchestrated, not what runs.
_NOT_IN_A_COPY: Final = ("build", "develop", "extends", "pull_policy", "tag")
# Endpoints come before containers' names go, and secrets before a command is looked at for endpoints.
_ORDER: Final[tuple[Callable[[Draft], None], ...]] = (plain_values, declared, *PLACES, *TALKING, processors, fit)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of ``source``: its blueprint as data, and what was substituted.

    ``recipes`` and ``certificates`` as in ``Draft``; ``left_out`` says in words what a copy does not have at all.
    """

    source: str
    data: dict[str, Any]
    substitutions: tuple[Substitution, ...]
    recipes: Mapping[str, tuple[str | Token, ...]]
    certificates: Mapping[str, tuple[str, tuple[str, ...]]]
    left_out: tuple[str, ...] = ()


def make_copy(environment: Environment, images: Images, machine: Machine, *, fit: bool = False) -> Copy:
    """Return the copy of ``environment``.

    Raises:
        EnvmanError: EV662 for a service that no container runs.
    """
    draft = Draft(environment, machine, images, fit)
    left_out = _prepare(draft)
    for rule in _ORDER:
        rule(draft)
    header = {"description": f"A copy of {environment.name}, made by `envman reproduce`"}
    sections = {key: value for key, value in draft.data.items() if value not in ({}, [], None)}
    return Copy(
        environment.name,
        {**header, **sections},
        tuple(draft.substitutions),
        draft.recipes,
        {name: (key, names or _names_for(draft, name)) for name, (key, names) in draft.certificates.items()},
        tuple(left_out),
    )


def _names_for(draft: Draft, secret: str) -> tuple[str, ...]:
    """Return the names of the services that have a certificate: their own, their aliases, and this machine's."""
    names: dict[str, None] = {}
    for name, service in draft.services():
        if any(grant["source"] == secret for grant in service.get("secrets") or ()):
            names[name] = None
            for attachment in (service.get("networks") or {}).values():
                names.update(dict.fromkeys((attachment or {}).get("aliases") or ()))
    return (*names, "localhost", "127.0.0.1")


def _prepare(draft: Draft) -> list[str]:
    """Leave out what says nothing of what runs, and put the locked images in."""
    data = draft.data
    left_out = []
    for key in [one for one in data if one.startswith("x-")]:
        del data[key]
    for key in ("include", "reproduce"):
        data.pop(key, None)
    if data.pop("jobs", None):
        left_out.append("jobs: what triggers them runs in production")
    for kind in ("services", "networks", "volumes", "configs", "secrets"):
        section = draft.section(kind)
        for key in [one for one in section if one.startswith("x-")]:
            del section[key]
    built = {name for name, one in draft.environment.stack.services.items() if one.build is not None}
    for name, service in draft.services():
        if service.get("provider"):
            raise fail(
                "EV662",
                f"{name} is made by a provider, which no copy can be made of",
                draft.environment.key_span("services", name, "provider"),
                expected="a container",
            )
        for key in (*_NOT_IN_A_COPY, *(one for one in service if one.startswith("x-"))):
            service.pop(key, None)
        image = draft.images.built.get(name) if name in built else draft.images.named.get(str(service.get("image")))
        if image is not None:
            service["image"] = image
            if image.startswith("sha256:"):
                # No registry has it under this name.
                service["pull_policy"] = "never"
        for hook in service.get("pre_start") or ():
            if hook.get("image") in draft.images.named:
                hook["image"] = draft.images.named[hook["image"]]
        for mount in service.get("volumes") or ():
            if mount.get("type") == "image" and mount.get("source") in draft.images.named:
                mount["source"] = draft.images.named[mount["source"]]
    return left_out


def blueprint_text(made: Copy) -> str:
    """Return the blueprint of a copy: what was substituted as comments, then everything as it is."""
    body = write_yaml(escape(made.data))
    width = max((len(_place(one)) for one in made.substitutions), default=0)
    lines = [
        f"#   {_place(one):<{width}}  {visible(one.was)} -> {visible(one.now)}  ({one.rule})\n"
        for one in made.substitutions
    ]
    left_out = [f"#   left out: {visible(one)}\n" for one in made.left_out]
    content = "".join(("# Substituted, by the rules in brackets:\n", *lines, *left_out, body))
    mark = _MARK.format(source=made.source)
    return f"{_SCHEMA}{mark}# seal: {_digest(content)}\n{content}"


def _place(one: Substitution) -> str:
    return f"{one.subject}: {one.attribute}" if one.attribute else one.subject


def is_own(text: str) -> bool:
    """Whether ``text`` is a blueprint as ``blueprint_text`` wrote it, so that it may be written anew."""
    match = _SEAL.search(text)
    return match is not None and _digest(text[match.end() :]) == match[1]


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]
