"""Pushing images. The SDK does it, because python-on-whales does not say which digest an image got."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.connection import Engine
from envman.registry.reference import Reference

# distribution's codes, the engine's own words, and those of ECR and GCR for a token that has expired.
_NO_LOGIN: Final = re.compile(
    r"unauthorized|no basic auth credentials|authentication required|authorization (?:token|failed)|denied|forbidden"
    r"|\b40[13]\b|incorrect username or password",
    re.IGNORECASE,
)
_AWAY: Final = re.compile(
    r"connection refused|no such host|i/o timeout|timeout|no route to host|connection reset|network is unreachable"
    r"|context deadline exceeded|server gave HTTP response to HTTPS client|x509|certificate|\bEOF\b|\b50[234]\b"
    r"|server misbehaving|temporary failure in name resolution",
    re.IGNORECASE,
)
_SHOWN: Final = ("Pushing", "Pushed", "Layer already exists", "Mounted")


def push_image(engine: Engine, reference: Reference, show: Callable[[str], None]) -> str:
    """Push ``reference`` and return the digest that its registry gave it; ``show`` gets a line for each layer.

    The credentials are those of `docker login`, from the Docker CLI's configuration.

    Raises:
        EnvmanError: EV620 the registry does not let us, EV621 it cannot be reached, EV626 anything else that it says;
            EV623 where the engine has no such image; EV4xx for the engine.
    """
    digest, problem = "", ""
    try:
        with engine.errors():
            # The mirrors and the configuration are read by the SDK when its client is made.
            lines = engine.api.push(reference.familiar_repository, tag=reference.tag, stream=True, decode=True)
            for line in lines:
                problem = _problem(line) or problem
                digest = str((line.get("aux") or {}).get("Digest") or digest)
                if line.get("id") and str(line.get("status", "")).startswith(_SHOWN):
                    shown = f"{line['id']} {line['status']}"
                    show(shown)
    except EnvmanError as error:
        problem = _refused(error, reference)
    if problem or not digest:
        raise _diagnosed(reference, problem or "the engine did not say which digest it got")
    return digest


def _problem(line: dict[str, Any]) -> str:
    detail = line.get("errorDetail")
    return str((detail or {}).get("message") or line.get("error") or "") if isinstance(detail, dict | None) else ""


def _refused(error: EnvmanError, reference: Reference) -> str:
    """Return the engine's words where it refused the push itself; raise everything else again."""
    first = error.diagnostics[0]
    said = first.message.removeprefix("the engine refused: ")
    if first.code == "EV410":
        if "does not exist locally" in said or "No such image" in said or "tag does not exist" in said:
            raise fail(
                "EV623", f"the engine has no image {reference.familiar}", help="`envman build` makes it"
            ) from None
        return said
    raise error


def _diagnosed(reference: Reference, said: str) -> EnvmanError:
    name, host = reference.familiar, reference.host
    if _NO_LOGIN.search(said):
        return fail(
            "EV620",
            f"{host} does not let you push {name}",
            expected="a login that may write to this repository",
            help=f"`envman login {host}` (again, where it has expired); the registry's own words are below",
            detail=said,
        )
    if _AWAY.search(said):
        return fail(
            "EV621",
            f"the registry {host} cannot be reached to push {name}",
            help="check the address, and that the engine, which does the pushing, reaches it and trusts its "
            "certificate; then the same command again: layers that arrived are not sent twice",
            detail=said,
        )
    return fail("EV626", f"{name} could not be pushed", help="the registry's own words are below", detail=said)
