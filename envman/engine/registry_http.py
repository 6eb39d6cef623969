"""What is said to one registry: the way that works, being let in, trying again.

Source: https://github.com/opencontainers/distribution-spec (requests, statuses), RFC 6585 and 9110 for 429.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.credentials import Credential
from envman.engine.registry_access import Site, Way, is_loopback, split_address
from envman.engine.registry_login import Login
from envman.engine.registry_problems import (
    away,
    is_of_tls,
    is_passing,
    is_untrusted,
    login_refused,
    no_login,
    not_allowed,
    of_connection,
    too_many,
)
from envman.engine.registry_transport import Transport, explanation, retry_after
from envman.registry.challenge import preferred, read_challenges

if TYPE_CHECKING:
    import urllib3

_PAUSES: Final = (0.2, 0.8)
# A registry that says when to come back is waited for this long; beyond, the user decides.
_PATIENCE: Final = 3.0
_REDIRECTS: Final = 5
_TRIED_AGAIN: Final = {500, 502, 503, 504}
_MOVED: Final = {301, 302, 303, 307, 308}
# What the one who asks has to judge; all else is refused here.
_ANSWERS: Final = {401, 404, 405, 416}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: ``target`` is the path below the site. A ``body`` that is an iterator can be sent only once."""

    method: str
    target: str
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] | None = None

    @property
    def once(self) -> bool:
        """Whether it cannot be sent again."""
        return self.body is not None and not isinstance(self.body, bytes)

    def deed(self) -> str:
        """Return in words what is to be done."""
        path = urlsplit(self.target).path.removeprefix("/v2/")
        repository = path.rpartition("/blobs/")[0] or path.rpartition("/manifests/")[0]
        return f"{'read' if self.method in {'GET', 'HEAD'} else 'write'} {repository}" if repository else "in"


class _Again(Exception):  # noqa: N818 - no error, but another attempt
    def __init__(self, pause: float = 0) -> None:
        super().__init__()
        self.pause = pause


class Conversation:
    """What is said to ``site`` on behalf of the registry ``host``. Thread-safe; what fails to begin fails once."""

    def __init__(self, host: str, site: Site, transport: Transport, *, credential: Credential | None = None) -> None:
        self.host = site.address if site.mirror else host
        self.site = site
        self.login = Login(self.host, self.name, transport, credential)
        self._transport = transport
        self._lock = threading.Lock()
        self._way: Way | None = None
        self._failed: EnvmanError | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return f"the mirror {self.host}" if self.site.mirror else self.host

    def ask(self, request: Request) -> urllib3.BaseHTTPResponse:
        """Return the answer to ``request``, its body to be read; its status is 2xx, 404, 405 or 416.

        Raises:
            EnvmanError: EV420, EV422 to EV425, EV429, EV430.
        """
        way = self._begin()
        refused = False
        pauses = [0.0] if request.once else [*_PAUSES, 0.0]
        while pauses:
            pause = pauses.pop(0)
            try:
                response = self._send(request, way, last=not pauses)
            except _Again as again:
                time.sleep(max(again.pause, pause))
                continue
            if response.status != 401:
                return response
            challenge = preferred(read_challenges(response.headers.getlist("WWW-Authenticate")))
            response.drain_conn()
            if refused or request.once:
                break
            # Not a failure: the token has ended, or the registry has only said now what it wants.
            refused = True
            self.login.begin_again(challenge)
            pauses = pauses or [0.0]
        raise self._not_let_in(request)

    def _send(self, request: Request, way: Way, *, last: bool) -> urllib3.BaseHTTPResponse:
        headers = {**request.headers, **self.login.headers(request.scopes)}
        response = self._followed(request, headers, way, last=last)
        status = response.status
        if status in _TRIED_AGAIN and not last:
            response.drain_conn()
            raise _Again
        if status == 429:
            after = retry_after(response.headers.get("Retry-After"))
            response.drain_conn()
            if not last and after is not None and after <= _PATIENCE:
                raise _Again(after)
            raise too_many(self.name, self.host, after, self.login.credential)
        if status in _ANSWERS or 200 <= status < 300:
            return response
        said = explanation(response)
        if status >= 500:
            raise away(self.name, f"it answers with status {status}{said}")
        if status == 403 and self.login.credential is None:
            raise self._not_let_in(request)
        if status == 403 and "expired" in said.lower():
            raise login_refused(self.name, self.host, self.login.credential)
        raise fail(
            "EV430",
            f"{self.name} refuses to {request.deed()}: status {status}{said}",
            help="ask whoever runs the registry for the right to do this, or use another login",
        )

    def _followed(
        self, request: Request, headers: Mapping[str, str], way: Way, *, last: bool
    ) -> urllib3.BaseHTTPResponse:
        home = f"{way.scheme}://{self.site.address}"
        url = urljoin(home, request.target)
        for _ in range(_REDIRECTS):
            own = _origin(url) == _origin(home)
            parts = urlsplit(url)
            if parts.scheme != "https" and not own and (way.scheme == "https" or not is_loopback(parts.netloc)):
                break
            # The store of blobs that a registry sends one to has no business with its login.
            sent = headers if own else {key: value for key, value in headers.items() if key != "Authorization"}
            response = self._sent(request, url, sent, verify=way.verify or not own, last=last)
            where = response.headers.get("Location")
            if response.status not in _MOVED or not where or request.method not in {"GET", "HEAD"}:
                return response
            response.drain_conn()
            url = urljoin(url, where)
        raise fail(
            "EV425",
            f"{self.name} sends one on to where nobody should follow",
            help="is the registry's address right? a redirection leads away from TLS, or in a circle",
        )

    def _sent(
        self, request: Request, url: str, headers: Mapping[str, str], *, verify: bool, last: bool
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._transport.send(request.method, url, headers, request.body, verify=verify)
        except EnvmanError:
            raise
        except Exception as error:
            found = self.problem(error)
            if found is None:
                raise
            if last or not is_passing(error):
                raise found from None
            raise _Again from None

    def _begin(self) -> Way:
        """Find out how the site is talked to, and what it wants to know first."""
        with self._lock:
            if self._failed is not None:
                raise self._failed
            if self._way is None:
                try:
                    self._way = self._found_way()
                except EnvmanError as error:
                    self._failed = error
                    raise
            return self._way

    def _found_way(self) -> Way:
        first: EnvmanError | None = None
        tls = False
        for way in self.site.ways:
            if tls and way.scheme == "http":
                continue
            try:
                self._greet(way)
            except _Unspoken as unspoken:
                first = first or unspoken.problem
                # Who shows a certificate speaks TLS, and would not understand anything else.
                tls = tls or unspoken.tls
            else:
                if way.scheme == "http" or not way.verify:
                    self.login.insecure = self.site.address
                return way
        assert first is not None  # there is at least one way
        raise first

    def _greet(self, way: Way) -> None:
        greeting = Request("GET", f"{way.scheme}://{self.site.address}/v2/")
        for pause in (*_PAUSES, None):
            try:
                response = self._transport.send(greeting.method, greeting.target, {}, verify=way.verify)
            except EnvmanError:
                raise
            except Exception as error:
                found = self.problem(error)
                if found is None:
                    raise
                if is_of_tls(error):
                    raise _Unspoken(found, tls=is_untrusted(error)) from None
                if pause is None or not is_passing(error):
                    raise found from None
            else:
                if pause is None or response.status not in _TRIED_AGAIN:
                    self._judge(response)
                    return
                response.drain_conn()
            time.sleep(pause)

    def _judge(self, response: urllib3.BaseHTTPResponse) -> None:
        challenges = read_challenges(response.headers.getlist("WWW-Authenticate"))
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        said = explanation(response)
        if response.status == 401 and challenges:
            self.login.challenge = preferred(challenges)
            return
        if response.status == 429:
            after = retry_after(response.headers.get("Retry-After"))
            raise too_many(self.name, self.host, after, self.login.credential)
        if response.status >= 500:
            raise away(self.name, f"it answers with status {response.status}{said}")
        named = "docker-distribution-api-version" in response.headers
        if response.status not in {200, 403} or ("html" in kind and not named):
            raise fail(
                "EV425",
                f"{self.name} is no registry: it answers GET /v2/ with status {response.status}"
                + (f" and {kind}" if kind else ""),
                help="is the address right? the first part of an image's name is its registry's",
            )

    def check_login(self) -> bool:
        """Ask for nothing but to be let in; return whether the registry wants to know who asks at all.

        Raises:
            EnvmanError: EV422 where the login is refused, else as ``ask``.
        """
        self.ask(Request("GET", "/v2/")).drain_conn()
        return self.login.challenge is not None

    def _not_let_in(self, request: Request) -> EnvmanError:
        credential = self.login.credential
        if credential is None:
            return no_login(self.name, self.host, request.deed())
        basic = self.login.challenge is not None and self.login.challenge.scheme == "basic"
        if basic or request.target == "/v2/":
            return login_refused(self.name, self.host, credential)
        return not_allowed(self.name, self.host, request.deed(), credential)

    def problem(self, error: Exception) -> EnvmanError | None:
        """Return what ``error``, of a connection, is to a user; None where it is no such thing."""
        return of_connection(error, self.name, self.site.address)


class _Unspoken(Exception):  # noqa: N818 - another way is tried
    def __init__(self, problem: EnvmanError, *, tls: bool) -> None:
        super().__init__()
        self.problem = problem
        self.tls = tls


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    host, port = split_address(parts.netloc.rpartition("@")[2])
    return parts.scheme, host.lower(), port or (443 if parts.scheme == "https" else 80)
