"""What goes wrong with a registry, in words. No message holds a credential, a token, or a URL's query."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.credentials import Credential, login_command


def away(name: str, reason: str) -> EnvmanError:
    """The registry ``name`` cannot be talked to."""
    return fail(
        "EV420",
        f"{name} does not answer: {reason}",
        help="check the name and the network (`HTTPS_PROXY`); machines that may not reach it need a registry map",
    )


def login_refused(name: str, host: str, credential: Credential | None) -> EnvmanError:
    """The registry does not believe ``credential``."""
    if credential is None:
        return fail("EV422", f"{name} gives no token without a login", help=f"log in with {login_command(host)}")
    return fail(
        "EV422",
        f"{name} refuses {whose(credential)}: the password or token is wrong, or has expired",
        help=f"log in again with {login_command(host)}",
    )


def no_login(name: str, host: str, deed: str) -> EnvmanError:
    """The registry wants a login, and there is none."""
    return fail(
        "EV422",
        f"{name} lets nobody {deed} without a login, or there is no such repository",
        help=f"log in with {login_command(host)}",
    )


def not_allowed(name: str, host: str, deed: str, credential: Credential) -> EnvmanError:
    """The registry knows who asks, and does not show it."""
    return fail(
        "EV422",
        f"{name} does not let {whose(credential)} {deed}, or there is no such repository",
        help=f"check the name; another login comes with {login_command(host)}",
    )


def too_many(name: str, host: str, after: float | None, credential: Credential | None) -> EnvmanError:
    """The registry counts requests, and there were enough."""
    wait = f"; it asks to wait {after:.0f} s" if after is not None else ""
    advice = "wait" if credential is not None else f"wait, or log in with {login_command(host)}"
    return fail(
        "EV423",
        f"{name} takes no more requests for now{wait}",
        help=f"{advice}; a mirror or a registry map (`registry:` in envman.yaml) spares the registry",
    )


def whose(credential: Credential) -> str:
    """Return the login in words."""
    return f'the login of "{credential.username}"' if credential.username else "the login"


def of_connection(error: Exception, name: str, address: str) -> EnvmanError | None:
    """Return what ``error``, of a connection to ``address``, is to a user; None where it is no such thing."""
    import urllib3.exceptions as of_urllib3

    if isinstance(error, of_urllib3.LocationParseError | of_urllib3.LocationValueError | UnicodeError):
        return fail("EV425", f"{name} is no address of a registry", help="an image's name begins with its registry's")
    if isinstance(error, of_urllib3.ProxyError):
        return away(name, "the proxy does not let it through")
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return fail(
                "EV424",
                f"the certificate of {name} is not trusted: {one.verify_message or 'it does not prove who it is'}",
                help=f"put its CA's certificate into /etc/docker/certs.d/{address}/ca.crt, where Docker reads it too, "
                "or name it in SSL_CERT_FILE",
            )
    if is_of_tls(error):
        return fail("EV424", f"{name} does not speak TLS", help="is its port right?")
    if isinstance(error, of_urllib3.NameResolutionError):
        return away(name, "nobody knows that name")
    if isinstance(error, of_urllib3.NewConnectionError):
        return away(name, "nobody listens there" if "refused" in str(error) else "there is no way to it")
    if isinstance(error, of_urllib3.TimeoutError | TimeoutError):
        return away(name, "it takes too long")
    if isinstance(error, of_urllib3.HTTPError | OSError):
        return away(name, "it broke off")
    return None


def is_of_tls(error: Exception) -> bool:
    """Return whether it is TLS that did not come about."""
    from urllib3.exceptions import SSLError

    return any(isinstance(one, ssl.SSLError | SSLError) for one in _causes(error))


def is_untrusted(error: Exception) -> bool:
    """Return whether there was a certificate that nobody trusts."""
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in _causes(error))


def is_passing(error: Exception) -> bool:
    """Return whether another attempt may go better: not with nobody there, an unknown name, a wrong certificate."""
    from urllib3.exceptions import HTTPError, NewConnectionError, ProxyError

    if isinstance(error, NewConnectionError | ProxyError) or is_of_tls(error):
        return False
    return isinstance(error, HTTPError | OSError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        current = queue.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            queue += [*current.args, current.__cause__, current.__context__, getattr(current, "reason", None)]
