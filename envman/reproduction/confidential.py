"""Rules on values that stay with production: secrets, certificates, and what stands in plain values but is secret."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from envman.model.confidential import is_secret_name, looks_secret, passwords_in, without_secrets
from envman.reproduction.draft import Draft, Token
from envman.source.scalars import text_of
from envman.source.tree import Scalar, node_at

_NO_VALUE: Final = frozenset({"", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null"})
# A shorter one is likelier to be a part of other words than a secret that is repeated.
_LONG_ENOUGH: Final = 6
_CERTIFICATE: Final = re.compile(r"(?i)(?:^|[_.-])(?:certificate|cert|crt|fullchain|chain|pem)s?$")
_KEY: Final = re.compile(r"(?i)(?:^|[_.-])(?:private[_.-]?key|key)$")


class _Found(NamedTuple):
    service: str
    variable: str
    value: str
    passwords: tuple[str, ...]


def plain_values(draft: Draft) -> None:
    """Variables that hold a secret as it is: each gets a secret of the copy, the same one wherever the value is.

    A value that also stands in a command or a health check gets a fixed text in both places, so that they still agree.
    """
    found = list(_found(draft))
    values = list(dict.fromkeys(one for entry in found for one in (entry.passwords or (entry.value,))))
    repeated = _elsewhere(draft, values)
    names: dict[tuple[str | Token, ...], str] = {}
    for entry in found:
        recipe = _recipe(entry, repeated)
        environment = draft.section("services")[entry.service].setdefault("environment", {})
        draft.say("secrets", f"service {entry.service}", f"environment.{entry.variable}", "production's", "generated")
        if all(isinstance(one, str) for one in recipe):
            environment[entry.variable] = "".join(map(str, recipe))
            continue
        if recipe not in names:
            stem = re.sub(r"[^a-z0-9_]", "_", entry.variable.lower())
            names[recipe] = draft.free("secrets", f"copied_{stem}")
            draft.section("secrets")[names[recipe]] = {"source": "generate"}
            draft.recipes[names[recipe]] = recipe
        environment[entry.variable] = {"secret": names[recipe]}


def _found(draft: Draft) -> Iterator[_Found]:
    for name, service in draft.services():
        own = service.get("environment") or {}
        for file in service.get("env_file") or ():
            for variable, value in draft.machine.env_files.get(str(file.get("path")), {}).items():
                if variable not in own and _is_secret(draft, (), variable, value):
                    yield _entry(name, variable, value)
        for variable, value in own.items():
            if isinstance(value, dict) or value is None:
                continue
            text = text_of(value)
            if _is_secret(draft, ("services", name, "environment", variable), variable, text):
                yield _entry(name, variable, text)


def _entry(service: str, variable: str, value: str) -> _Found:
    return _Found(service, variable, value, tuple(one["password"] for one in passwords_in(value)))


def _is_secret(draft: Draft, path: tuple[str, ...], variable: str, value: str) -> bool:
    if value.lower() in _NO_VALUE:
        return False
    if passwords_in(value) or looks_secret(variable, value):
        return True
    node = node_at(draft.environment.tree, path) if path else None
    return isinstance(node, Scalar) and any(_is_hidden(draft, one) for one in node.variables)


def _is_hidden(draft: Draft, variable: str) -> bool:
    known = draft.environment.scope.get(variable)
    return is_secret_name(variable) or (known is not None and known.confidential)


def _recipe(entry: _Found, repeated: dict[str, str]) -> tuple[str | Token, ...]:
    def part(value: str) -> str | Token:
        return repeated.get(value) or Token(hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest())

    if not entry.passwords:
        return (part(entry.value),)
    parts: list[str | Token] = []
    at = 0
    for match in passwords_in(entry.value):
        parts += [entry.value[at : match.start("password")], part(match["password"])]
        at = match.end("password")
    return tuple(one for one in (*parts, entry.value[at:]) if one != "")


def _elsewhere(draft: Draft, values: list[str]) -> dict[str, str]:
    """Put a fixed text in the place of ``values`` outside of variables, and return it by value."""
    used: dict[str, str] = {}
    long = [one for one in values if len(one) >= _LONG_ENOUGH]
    # What an interpolated variable brought is a secret wherever it stands.
    brought = [
        str(one.value)
        for name, one in draft.environment.scope.items()
        if name in draft.environment.used_variables
        and _is_hidden(draft, name)
        and len(str(one.value or "")) >= _LONG_ENOUGH
    ]
    wanted = sorted(dict.fromkeys([*long, *brought]), key=len, reverse=True)

    def walk(node: Any, subject: str, attribute: str) -> Any:
        if isinstance(node, dict):
            return {key: walk(one, subject, attribute or key) for key, one in node.items()}
        if isinstance(node, list):
            return [walk(one, subject, attribute) for one in node]
        if not isinstance(node, str):
            return node
        text = without_secrets(node, lambda secret: _fixed(used, secret))
        for value in wanted:
            if value in text:
                text = text.replace(value, _fixed(used, value))
        if text != node:
            draft.say("secrets", subject, attribute, "production's", "a fixed text in the place of a secret")
        return text

    for name, service in draft.services():
        for key in [one for one in service if one not in {"environment", "env_file", "image", "networks"}]:
            service[key] = walk(service[key], f"service {name}", key)
    for kind in ("networks", "volumes", "configs"):
        section = draft.section(kind)
        for name in section:
            section[name] = walk(section[name], f"{kind[:-1]} {name}", "")
    return used


def _fixed(used: dict[str, str], value: str) -> str:
    return used.setdefault(value, f"substitute-{len(used) + 1}")


def declared(draft: Draft) -> None:
    """Secrets of the blueprint: values of the copy's own; certificates are self-signed."""
    used = _used(draft)
    section = draft.section("secrets")
    for name in [one for one in section if one not in used]:
        # Only builds used it, and a copy builds nothing.
        del section[name]
    pairs = _certificates(draft, section)
    keys = {key for key, _ in pairs.values()}
    for name, entry in list(section.items()):
        if name in draft.recipes:
            continue
        if not entry.get("source"):
            # Compose's own kinds are mounted from somewhere else.
            for service, target in used[name]:
                draft.say("secrets", f"service {service}", f"volumes.{target}", "a file of production", "a secret")
        wanted = draft.settings.secrets.get(name)
        kept = {key: one for key, one in entry.items() if key in {"length", "labels"}}
        if wanted is not None:
            own = {"variable": wanted.variable, "path": wanted.path}
            chosen = {key: one for key, one in own.items() if one is not None}
            length = {"length": wanted.length} if wanted.source == "generate" else {}
            section[name] = {**kept, "source": wanted.source, **chosen, **length}
            where = wanted.variable or wanted.path or ""
            draft.say("secrets", f"secret {name}", "content", "production's", f"{wanted.source} {where}".strip())
            continue
        section[name] = {**kept, "source": "generate"}
        if name in pairs or name in keys:
            draft.say("certificates", f"secret {name}", "content", "production's", "self-signed")
        else:
            draft.say("secrets", f"secret {name}", "content", "production's", "generated")
    draft.certificates.update(pairs)


def _used(draft: Draft) -> dict[str, list[tuple[str, str]]]:
    """Return the secrets that containers get, with the services and where they are mounted there."""
    used: dict[str, list[tuple[str, str]]] = {}
    for name, service in draft.services():
        for grant in service.get("secrets") or ():
            target = str(grant.get("target") or grant["source"])
            target = target if target.startswith("/") else f"/run/secrets/{target}"
            used.setdefault(grant["source"], []).append((name, target))
        for value in (service.get("environment") or {}).values():
            if isinstance(value, dict) and "secret" in value:
                used.setdefault(value["secret"], [])
    return used


def _certificates(draft: Draft, section: dict[str, Any]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the secrets that hold certificates: those declared, and those whose names come in pairs."""
    wanted = {
        name: (one.key, tuple(one.names))
        for name, one in draft.settings.certificates.items()
        if name in section and one.key in section
    }
    keys = {_KEY.sub("", name): name for name in section if _KEY.search(name)}
    for name in section:
        stem = _CERTIFICATE.sub("", name)
        if name not in wanted and stem != name and stem in keys and name not in draft.settings.secrets:
            wanted[name] = (keys[stem], ())
    return wanted
