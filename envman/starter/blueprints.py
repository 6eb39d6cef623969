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
    if found.dockerfile is None:
        service = """\
  # An example, to be replaced by your own service. Attributes have Compose's names and meaning.
  web:
    image: nginx:1.28
    # build: .                      # instead of `image`, once there is a Dockerfile
"""
    elif found.dockerfile == "Dockerfile":
        service = "  app:\n    build: .\n"
    else:
        service = f"  app:\n    build: {{context: ., dockerfile: {quote(found.dockerfile)}}}\n"
    return f"""\
{_SCHEMA}# What all environments have in common; each extends it in a file of its own.
abstract: true

variables:
  log_level: {{type: enum, values: [debug, info, warning, error], default: info, env: LOG_LEVEL}}

services:
{service}    environment:
      LOG_LEVEL: "${{log_level}}"
    # volumes: ["data:/data"]
    # secrets: [api_key]            # the file /run/secrets/api_key
    # depends_on: {{db: {{condition: service_healthy}}}}

# volumes:
#   data: {{retain: keep}}            # ephemeral | keep | protected
# secrets:
#   api_key: {{source: generate}}     # generate | env (variable:) | file (path:)
"""


def _service(found: Found) -> str:
    return "web" if found.dockerfile is None else "app"


def _environment(name: str, found: Found, *, like_prod: bool) -> str:
    ports = found.ports if found.dockerfile is not None else ((80, "tcp"),)
    lines = [f"extends: {'prod' if like_prod else BASE}", f"description: {_DESCRIPTIONS.get(name, name)}"]
    if name == "prod":
        lines += ["# Deleting its data wants the environment's name typed.", "protected: true"]
    if name == "local":
        lines += ["", "variables:", "  log_level: {default: debug}"]
    if like_prod:
        # Extends prod, ports and all: published ports are automatic, so that both can run on one machine.
        return _SCHEMA + "\n".join(lines) + "\n"
    settings = ["    restart: unless-stopped"] if name in {"prod", "staging"} else []
    if ports:
        settings += ["    ports:", *[f"      - {_port(port, protocol, ports)}" for port, protocol in ports]]
    elif not settings:
        settings = ["    # ports: [{name: http, target: 8000, published: auto}]"]
        lines += ["", "# services:", f"#   {_service(found)}:", "#" + settings[0].replace("# ", "", 1)]
        return _SCHEMA + "\n".join(lines) + "\n"
    return _SCHEMA + "\n".join([*lines, "", "services:", f"  {_service(found)}:", *settings]) + "\n"


def _port(port: int, protocol: str, ports: Sequence[tuple[int, str]]) -> str:
    name = "http" if len(ports) == 1 and protocol == "tcp" else f"{protocol}-{port}"
    kind = "" if protocol == "tcp" else f", protocol: {protocol}"
    return f"{{name: {name}, target: {port}{kind}, published: auto}}"
