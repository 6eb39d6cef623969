"""Logging in to registries: tried against the registry first, then kept where Docker keeps logins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.registry.places import is_prefix, normal
from envman.registry.reference import HUB

if TYPE_CHECKING:
    from envman.engine.credentials import Credential
    from envman.engine.endpoint import Endpoint
    from envman.engine.registry import Registries


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login that the registry accepts.

    ``username`` is None where it lets everybody in, "" where a token says nothing of whose it is. ``origin`` is where
    the login was found, or None where it was made now; ``plain`` says that it is kept as plain text.
    """

    registry: str
    username: str | None
    origin: str | None = None
    plain: bool = False


def registry_host(text: str | None) -> str:
    """Return the registry that ``text`` means; Docker Hub where it says nothing.

    Raises:
        EnvmanError: EV425.
    """
    host = normal((text or HUB).partition("://")[2] or text or HUB).strip("/")
    if host == "index.docker.io/v1":
        host = HUB
    if "/" in host or not is_prefix(host):
        raise fail(
            "EV425",
            f'"{text}" is not the address of a registry',
            expected="a name and perhaps a port, such as registry.example.com:5000",
            help="the first part of an image's name is its registry's",
        )
    return host


def log_in(
    endpoint: Endpoint,
    environ: Mapping[str, str],
    host: str,
    *,
    username: str | None,
    password: Callable[[], str] | None,
    ask: Callable[[str | None, EnvmanError | None], tuple[str, str]] | None,
) -> LoggedIn:
    """Log in to the registry ``host``.

    With ``username`` and ``password`` as those; otherwise the login that Docker has is tried, and where there is none,
    or the registry refuses it, ``ask`` is asked for both (it is told the name, if any, and why it is asked).

    Raises:
        EnvmanError: EV422 where the registry refuses, EV431 where there is nobody to ask, EV42x for the registry.
    """
    from envman.engine.connection import connect
    from envman.engine.credentials import Credential, find_credential
    from envman.engine.login import store_login
    from envman.engine.registry import Registries

    engine = connect(endpoint)
    try:
        engine.facts()
    except EnvmanError:
        known = Registries.of(None, environ)
    else:
        known = Registries.of(engine, environ)
    with known as registries:
        refused: EnvmanError | None = None
        if password is None and username is None:
            found = _try_known(registries, host, find_credential(host, environ))
            if isinstance(found, LoggedIn):
                return found
            refused = found
        if password is not None and username is not None:
            credential = Credential(username, password())
        elif ask is not None:
            credential = Credential(*ask(username, refused))
        else:
            raise refused or _nobody_to_ask(host)
        if not credential.username or not credential.password:
            what = "password" if credential.username else "username"
            raise fail("EV431", f"no {what} for {host}", help="an empty one lets nobody in; nothing was changed")
        if not registries.check_login(host, credential):
            return LoggedIn(host, None)
        return LoggedIn(host, credential.username, plain=store_login(endpoint, environ, host, credential))


def _try_known(registries: Registries, host: str, credential: Credential | None) -> LoggedIn | EnvmanError | None:
    """Return whom the registry lets in with ``credential``, why it does not, or None where it wants one."""
    try:
        wanted = registries.check_login(host, credential)
    except EnvmanError as error:
        if any(one.code != "EV422" for one in error.diagnostics):
            raise
        return error if credential is not None else None
    if not wanted:
        return LoggedIn(host, None)
    # A token for nothing is given to everybody by some: only who has a login is logged in.
    return LoggedIn(host, credential.username, credential.origin) if credential is not None else None


def _nobody_to_ask(host: str) -> EnvmanError:
    return fail(
        "EV431",
        f"no password for {host}, and no terminal to ask at",
        help=f"`envman login {host} --username NAME --password-stdin < FILE`, or a credential helper in Docker's "
        "config.json",
    )
