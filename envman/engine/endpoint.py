"""Where the engine is: resolved once, in the Docker CLI's own order, and passed explicitly from then on.

Source: https://docs.docker.com/reference/cli/docker/ (``--host`` over ``DOCKER_HOST`` over ``--context`` and
``DOCKER_CONTEXT`` over ``currentContext`` in the CLI's configuration). The Docker SDK knows only ``DOCKER_HOST``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from envman.diagnostics.diagnostic import fail, near_match
from envman.model.confidential import masked
from envman.model.variable import STEERING

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"
_DEFAULT_CONTEXT: Final = "default"


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates for an engine reached over TCP."""

    ca: str | None
    cert: str | None
    key: str | None
    verify: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address, the context it came from (if any) and, in words, what decided."""

    host: str
    context: str | None
    origin: str
    tls: Tls | None = None

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's files, so that binds and file secrets work."""
        return self.host.startswith(("unix://", "npipe://"))

    @property
    def shown(self) -> str:
        """The address as messages have it: without a password."""
        return str(masked(self.host))

    def arguments(self) -> list[str]:
        """Return the Docker CLI's global options for this endpoint."""
        options = ["--host", self.host]
        if self.tls is not None:
            options.append("--tlsverify" if self.tls.verify else "--tls")
            for name, value in (("--tlscacert", self.tls.ca), ("--tlscert", self.tls.cert), ("--tlskey", self.tls.key)):
                options += [name, value] if value else []
        return options


def resolve_endpoint(environ: Mapping[str, str], *, context: str | None = None, host: str | None = None) -> Endpoint:
    """Return the endpoint that ``environ`` and ``context`` or ``host`` (the options of that name) mean.

    Raises:
        EnvmanError: EV407 for a context that does not exist.
    """
    if host is not None:
        # As the CLI has it: an address alone is one of TCP.
        return Endpoint(host if "://" in host else f"tcp://{host}", None, "--host", _tls_of_environment(environ))
    if context is not None:
        return _of_context(environ, context, "--context")
    if environ.get("DOCKER_HOST"):
        return Endpoint(environ["DOCKER_HOST"], None, "DOCKER_HOST", _tls_of_environment(environ))
    if environ.get("DOCKER_CONTEXT"):
        return _of_context(environ, environ["DOCKER_CONTEXT"], "DOCKER_CONTEXT")
    current = _read(cli_folder(environ) / "config.json").get("currentContext")
    if current:
        return _of_context(environ, str(current), "the current Docker context")
    return Endpoint(DEFAULT_HOST, None, "the default socket")


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` for a docker process, without what could change what a Compose file or an option means."""
    return {name: value for name, value in environ.items() if not name.startswith(STEERING)}


def cli_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the Docker CLI's own configuration."""
    configured = environ.get("DOCKER_CONFIG")
    return Path(configured) if configured else Path(environ.get("HOME") or Path.home()) / ".docker"


def _tls_of_environment(environ: Mapping[str, str]) -> Tls | None:
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not environ.get("DOCKER_TLS"):
        return None
    folder = Path(environ.get("DOCKER_CERT_PATH") or cli_folder(environ))
    return _tls(folder, verify=verify)


def _tls(folder: Path, *, verify: bool) -> Tls:
    ca, certificate, key = (_existing(folder / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    return Tls(ca, certificate, key, verify=verify)


def _existing(path: Path) -> str | None:
    return str(path) if path.is_file() else None


def _of_context(environ: Mapping[str, str], name: str, origin: str) -> Endpoint:
    if name == _DEFAULT_CONTEXT:
        if environ.get("DOCKER_HOST"):
            return Endpoint(environ["DOCKER_HOST"], None, "DOCKER_HOST", _tls_of_environment(environ))
        return Endpoint(DEFAULT_HOST, name, origin)
    contexts = cli_folder(environ) / "contexts"
    identity = hashlib.sha256(os.fsencode(name)).hexdigest()
    described = _read(contexts / "meta" / identity / "meta.json")
    docker = (described.get("Endpoints") or {}).get("docker") or {}
    if not docker.get("Host"):
        known = [_DEFAULT_CONTEXT, *sorted(_names(contexts / "meta"))]
        raise fail(
            "EV407",
            f'there is no Docker context "{name}" ({origin})',
            expected=near_match(name, known) or f"one of {', '.join(known)}",
            help="`docker context ls` lists them, `docker context use NAME` chooses one",
        )
    folder = contexts / "tls" / identity / "docker"
    tls = None
    if folder.is_dir():
        tls = _tls(folder, verify=not docker.get("SkipTLSVerify"))
    return Endpoint(str(docker["Host"]), name, origin, tls)


def _names(folder: Path) -> list[str]:
    found = [_read(path).get("Name") for path in folder.glob("*/meta.json")]
    return [str(name) for name in found if name]


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
