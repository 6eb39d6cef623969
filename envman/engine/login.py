"""Logging in and out through the Docker CLI, so that there is one place for logins: where Docker keeps them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.engine.command import ask_docker
from envman.engine.credentials import Credential, credential_key
from envman.engine.endpoint import Endpoint

_TIMEOUT: Final = 120


def store_login(endpoint: Endpoint, environ: Mapping[str, str], host: str, credential: Credential) -> bool:
    """Have the Docker CLI keep ``credential`` for the registry ``host``; return whether that is in plain text.

    The password goes through a pipe: it is in no argument and no environment.

    Raises:
        EnvmanError: EV403 without a Docker CLI, EV430 where it refuses.
    """
    arguments = ["login", "--username", credential.username, "--password-stdin", credential_key(host)]
    done = _docker(endpoint, environ, arguments, credential.password)
    if done.returncode != 0:
        said = done.stderr.strip().replace(credential.password, "(withheld)")
        raise fail(
            "EV430",
            f"{host} accepts the login, and Docker does not keep it",
            help="see Docker's own message; the engine itself has to reach the registry, too",
            detail=said[-2000:],
        )
    return "unencrypted" in done.stderr


def forget_login(endpoint: Endpoint, environ: Mapping[str, str], host: str) -> None:
    """Have the Docker CLI forget its login to the registry ``host``.

    Raises:
        EnvmanError: EV403 without a Docker CLI, EV429 where it cannot.
    """
    done = _docker(endpoint, environ, ["logout", credential_key(host)], "")
    if done.returncode != 0:
        raise fail("EV429", f"the login to {host} is not forgotten", detail=done.stderr.strip()[-2000:])


def _docker(
    endpoint: Endpoint, environ: Mapping[str, str], arguments: list[str], words: str
) -> subprocess.CompletedProcess[str]:
    try:
        return ask_docker(endpoint, environ, *arguments, words=words, patience=_TIMEOUT)
    except subprocess.TimeoutExpired:
        raise fail("EV420", f"`docker {arguments[0]}` did not end in time", help="is the engine well?") from None
