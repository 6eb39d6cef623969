"""How one registry is told who asks: with a name and password, or with tokens that those are changed for.

Source: https://distribution.github.io/distribution/spec/auth/token/ and .../spec/auth/oauth/ (identity tokens).
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from typing import Final
from urllib.parse import urlencode, urlsplit

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.credentials import Credential, find_credential
from envman.engine.registry_access import is_loopback
from envman.engine.registry_problems import away, login_refused, of_connection, too_many
from envman.engine.registry_transport import Transport, read_whole, retry_after
from envman.registry.challenge import Challenge

# What the specification has a client assume where a token does not say how long it lasts.
_LIFETIME: Final = 60.0
_EARLY: Final = 10.0


class Login:
    """The login to the registry ``host``, and its tokens by what they allow. Thread-safe."""

    def __init__(self, host: str, name: str, transport: Transport, given: Credential | None) -> None:
        self.challenge: Challenge | None = None
        # The registry's address where that need not prove who it is.
        self.insecure: str | None = None
        self._host = host
        self._name = name
        self._transport = transport
        self._credential = given
        self._sought = given is not None
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._by_scope: defaultdict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)

    @property
    def credential(self) -> Credential | None:
        """The user's login, looked up once.

        Raises:
            EnvmanError: EV429.
        """
        with self._lock:
            if not self._sought:
                self._credential = find_credential(self._host, self._transport.access.environ)
                self._sought = True
            return self._credential

    def begin_again(self, challenge: Challenge | None) -> None:
        """Forget the tokens: the registry has refused one and says what it wants."""
        with self._lock:
            self.challenge = challenge or self.challenge
            self._tokens.clear()

    def headers(self, scopes: tuple[str, ...]) -> dict[str, str]:
        """Return the header that lets a request in, if any is wanted.

        Raises:
            EnvmanError: EV420, EV422, EV423, EV425, EV429.
        """
        challenge = self.challenge
        if challenge is None:
            return {}
        credential = self.credential
        if challenge.scheme == "basic":
            return {} if credential is None or credential.token else {"Authorization": credential.basic}
        with self._lock:
            mine = self._by_scope[scopes]
        # One asks for a token, and the others with the same wish wait for it.
        with mine:
            token, ends = self._tokens.get(scopes, ("", 0.0))
            if not token or time.monotonic() >= ends:
                token, lifetime = self._token(challenge, scopes, credential)
                self._tokens[scopes] = (token, time.monotonic() + max(lifetime - _EARLY, 1.0))
        return {"Authorization": f"Bearer {token}"}

    def _token(self, challenge: Challenge, scopes: tuple[str, ...], credential: Credential | None) -> tuple[str, float]:
        url = challenge.parameters["realm"]
        realm = urlsplit(url)
        # In the clear only where the registry itself is spoken to so: the engine was told that it may be.
        plain = realm.scheme == "http" and (is_loopback(realm.netloc) or realm.netloc == self.insecure)
        if realm.scheme != "https" and not plain:
            raise fail(
                "EV425",
                f"{self._name} wants the login to be sent in the clear, to {realm.hostname}",
                help="whoever runs the registry has to give its token service TLS",
            )
        service = challenge.parameters.get("service")
        fields = [("service", service)] if service else []
        method, headers, body = "GET", dict[str, str](), None
        if credential is not None and credential.token:
            method, headers["Content-Type"] = "POST", "application/x-www-form-urlencoded"
            fields += [("grant_type", "refresh_token"), ("client_id", "envman"), ("scope", " ".join(scopes))]
            body = urlencode([*fields, ("refresh_token", credential.token)]).encode()
        else:
            headers = {} if credential is None else {"Authorization": credential.basic}
            fields += [("scope", one) for one in scopes]
            url += ("&" if realm.query else "?") + urlencode(fields) if fields else ""
        return self._granted(method, url, headers, body, credential)

    def _granted(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, credential: Credential | None
    ) -> tuple[str, float]:
        service = f"the token service of {self._name}"
        try:
            verify = urlsplit(url).netloc != self.insecure
            response = self._transport.send(method, url, headers, body, verify=verify)
        except EnvmanError:
            raise
        except Exception as error:
            found = of_connection(error, service, urlsplit(url).netloc.rpartition("@")[2])
            if found is None:
                raise
            raise found from None
        if response.status == 429:
            after = retry_after(response.headers.get("Retry-After"))
            response.drain_conn()
            raise too_many(self._name, self._host, after, credential)
        if response.status >= 500:
            response.drain_conn()
            raise away(service, f"status {response.status}")
        content = read_whole(response, service)
        if response.status != 200:
            raise login_refused(self._name, self._host, credential)
        try:
            answer = json.loads(content)
            token = answer.get("token") or answer["access_token"]
            return str(token), float(answer.get("expires_in") or _LIFETIME)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise fail("EV425", f"{service} gives no token", help="is it one?") from None
