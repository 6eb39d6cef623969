"""The user's logins, where the Docker CLI keeps them: read, never copied anywhere.

Source: https://docs.docker.com/reference/cli/docker/login/ (``auths``, ``credsStore``, ``credHelpers``) and
https://github.com/docker/docker-credential-helpers (a helper's protocol). The Docker SDK's own reader is not used: its
import takes longer than a look into a registry, it warns where a helper is missing and fails on a broken entry.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.endpoint import cli_folder
from envman.registry.reference import HUB

HUB_KEY: Final = "https://index.docker.io/v1/"
_HUB_HOSTS: Final = {HUB, "index.docker.io", "registry-1.docker.io"}
# What a helper calls the user where its secret is a token and no password.
_TOKEN_USER: Final = "<token>"  # noqa: S105 - the word of the protocol
_TIMEOUT: Final = 30


@dataclass(frozen=True, slots=True)
class Credential:
    """A login: a password, or an identity ``token`` to get tokens for. ``origin`` says where it was found."""

    username: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    origin: str = ""

    @property
    def basic(self) -> str:
        """The value of the header ``Authorization``. It is a secret."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")


def credential_key(host: str) -> str:
    """Return what the CLI files the login to ``host`` under."""
    return HUB_KEY if host in _HUB_HOSTS else host


def find_credential(host: str, environ: Mapping[str, str]) -> Credential | None:
    """Return the user's login to the registry ``host``, or None.

    Raises:
        EnvmanError: EV429 for a configuration or a helper that cannot be read.
    """
    path = cli_folder(environ) / "config.json"
    try:
        configuration = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = "it is not JSON" if isinstance(error, ValueError) else error.strerror or "it cannot be read"
        raise fail(
            "EV429", f"the Docker configuration {path} cannot be read: {reason}", help="mend it, or log in again"
        ) from None
    if not isinstance(configuration, dict):
        return None
    helper = _mapping(configuration, "credHelpers").get(credential_key(host)) or configuration.get("credsStore")
    found = _of_helper(str(helper), host, environ) if helper else None
    return found or _of_file(_mapping(configuration, "auths"), host, str(path))


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _of_file(auths: Mapping[str, Any], host: str, path: str) -> Credential | None:
    for key in sorted(auths, key=lambda one: one != credential_key(host)):
        entry = auths[key]
        name = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
        if not isinstance(entry, dict) or credential_key(name) != credential_key(host):
            continue
        user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
        if entry.get("auth"):
            try:
                user, _, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
            except ValueError:
                again = f"log in again: {login_command(host)}"
                raise fail("EV429", f"the login to {host} in {path} cannot be read", help=again) from None
            password = password.strip("\0")
        token = str(entry.get("identitytoken") or "")
        if token or user:
            return Credential(user, password, token, path)
    return None


def _of_helper(helper: str, host: str, environ: Mapping[str, str]) -> Credential | None:
    program = f"docker-credential-{helper}"
    done = run_helper(program, "get", credential_key(host), environ)
    if done.returncode != 0:
        # It is on its standard output that a helper says why; "not found" is part of its protocol.
        if b"not found" in done.stdout.lower() or b"no credentials" in done.stdout.lower():
            return None
        raise _helper_failed(program, f"it ended with status {done.returncode}")
    try:
        answer = json.loads(done.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, TypeError, KeyError):
        raise _helper_failed(program, "its answer is not what a helper says") from None
    if not user and not secret:
        return None
    if user == _TOKEN_USER:
        return Credential("", token=secret, origin=program)
    return Credential(user, secret, origin=program)


def run_helper(program: str, action: str, words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run a credential helper. Raises EV429 where it is not installed or does not end."""
    try:
        return subprocess.run(
            [program, action],
            input=words.encode(),
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired:
        raise _helper_failed(program, f"it did not answer within {_TIMEOUT} s") from None
    except OSError:
        raise _helper_failed(program, "it is not installed") from None


def _helper_failed(program: str, reason: str) -> EnvmanError:
    return fail(
        "EV429",
        f"the credential helper {program} failed: {reason}",
        help="install or unlock it, or take it out of `credsStore` and `credHelpers` in Docker's config.json",
    )


def login_command(host: str) -> str:
    """Return the command that logs in to ``host``."""
    return "`envman login`" if credential_key(host) == HUB_KEY else f"`envman login {host}`"
