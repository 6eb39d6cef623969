"""The text of first blueprints: a base, and an environment each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from envman.source.writer import quote

BASE: Final = "base"
STANDARD: Final = ("local", "dev", "staging", "prod")
_SCHEMA: Final = "# yaml-language-server: $schema=../.envman/schema.json\n"
_DESCRIPTIONS: Final = {
    "local": "On one machine, while writing code",
    "dev": "What the team tries things out in",
    "staging": "As prod, before prod",
    "prod": "What users use",
}


_HEAD: Final = """\
# What all environments have in common; each extends it in a file of its own.
abstract: true
"""
_EXAMPLE: Final = (
    _HEAD
    + """
variables:
  log_level: {type: enum, values: [debug, info, warning, error], default: info, env: LOG_LEVEL}

services:
  # An example, to be replaced by a service of your own. Attributes have Compose's names and meaning.
  web:
    image: nginx:1.28
    # build: .                      # in place of `image`, once there is a Dockerfile
    environment:
      LOG_LEVEL: "${log_level}"
    ports:
      - {name: http, target: 80, host_ip: 127.0.0.1, published: auto}   # not seen from other machines
"""
)
_HINTS: Final = """\
    # volumes: ["data:/data"]
    # secrets: [api_key]            # the file /run/secrets/api_key
    # depends_on: {db: {condition: service_healthy}}

# volumes:
#   data: {retain: keep}            # ephemeral | keep | protected
# secrets:
#   api_key: {source: generate}     # generate | env (variable:) | file (path:)
"""
_PROD: Final = """\
# Deleting its data wants the environment's name typed.
protected: true

services:
  {service}:
    restart: unless-stopped
    # deploy: {{resources: {{limits: {{memory: 1g, cpus: "1", pids: 256}}}}}}"""


@dataclass(frozen=True, slots=True)
class Found:
    """What the first service is made of: a Dockerfile below the root and the ports that it exposes, or an image."""

    dockerfile: str | None
    ports: tuple[tuple[int, str], ...]


def blueprint_texts(found: Found, environments: Sequence[str]) -> dict[str, str]:
    """Return the text of each blueprint by its name: the base, then ``environments`` in their order."""
    texts = {BASE: _base(found)}
    for name in environments:
        texts[name] = _environment(name, found, like_prod=name == "staging" and "prod" in environments)
    return texts


def _base(found: Found) -> str:
    return _SCHEMA + (_EXAMPLE if found.dockerfile is None else _built(found.dockerfile, found.ports)) + _HINTS


def _built(dockerfile: str, ports: Sequence[tuple[int, str]]) -> str:
    build = "." if dockerfile == "Dockerfile" else f"{{context: ., dockerfile: {quote(dockerfile)}}}"
    if ports:
        published = ["    ports:", *[f"      - {_port(port, protocol, ports)}" for port, protocol in ports]]
    else:
        published = ["    # ports: [{name: http, target: 8000, host_ip: 127.0.0.1, published: auto}]"]
    return _HEAD + "\n".join(["", "services:", "  app:", f"    build: {build}", *published]) + "\n"


def _port(port: int, protocol: str, ports: Sequence[tuple[int, str]]) -> str:
    # On loopback: Docker's published ports pass by a host's firewall.
    name = "http" if protocol == "tcp" and len(ports) == 1 else f"{protocol}-{port}"
    kind = "" if protocol == "tcp" else f"protocol: {protocol}, "
    return f"{{name: {name}, target: {port}, {kind}host_ip: 127.0.0.1, published: auto}}"


def _environment(name: str, found: Found, *, like_prod: bool) -> str:
    lines = [f"extends: {'prod' if like_prod else BASE}"]
    if name in _DESCRIPTIONS:
        lines.append(f"description: {_DESCRIPTIONS[name]}")
    service = "web" if found.dockerfile is None else "app"
    if name == "local" and found.dockerfile is None:
        lines += ["", "variables:", "  log_level: {default: debug}"]
    elif name == "local":
        lines += ["", "# services:", f"#   {service}:", '#     volumes: ["./src:/app/src"]     # to work on it']
    elif name == "prod":
        lines += [_PROD.format(service=service)]
    return _SCHEMA + "\n".join(lines) + "\n"
