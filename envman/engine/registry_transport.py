"""HTTP for registries: connections by whom they trust, and the reading of answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.registry_access import Access
from envman.engine.registry_problems import away
from envman.registry.manifest import LARGEST

if TYPE_CHECKING:
    import ssl

    import urllib3

_CONNECT: Final = 10.0
_READ: Final = 30.0
# What may be asked at the same time; urllib3 complains of any more that come back.
_MOST: Final = 64
_LONGEST_WAIT: Final = 86_400.0


class Transport:
    """The connections of a command. Thread-safe."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._pools: dict[tuple[str, bool, str | None], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, verify: bool = True
    ) -> urllib3.BaseHTTPResponse:
        """Send one request; the answer's body is still to be read. Raises what urllib3 and sockets raise.

        Raises:
            EnvmanError: EV424 for certificates that cannot be read.
        """
        import urllib3

        parts = urlsplit(url)
        pool = self._pool(parts.scheme, parts.netloc.rpartition("@")[2], verify=verify)
        return pool.request(
            method,
            url,
            headers={"User-Agent": "envman", **headers},
            body=body,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=_CONNECT, read=_READ),
        )

    def _pool(self, scheme: str, address: str, *, verify: bool) -> urllib3.PoolManager:
        import urllib3

        proxy = self.access.proxy(scheme, address)
        key = (address if scheme == "https" else "", verify, proxy)
        with self._lock:
            if key not in self._pools:
                context = self.access.context(address, verify=verify) if scheme == "https" else None
                if not verify:
                    # The engine was told to go on here without proof, and does so on every pull.
                    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
                self._pools[key] = _manager(proxy, context)
            return self._pools[key]

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.clear()


def _manager(proxy: str | None, context: ssl.SSLContext | None) -> urllib3.PoolManager:
    import urllib3

    if proxy is None:
        return urllib3.PoolManager(maxsize=_MOST, ssl_context=context)
    parts = urlsplit(proxy)
    user, at, address = parts.netloc.rpartition("@")
    headers = urllib3.make_headers(proxy_basic_auth=user) if at else None
    return urllib3.ProxyManager(
        f"{parts.scheme}://{address}", maxsize=_MOST, ssl_context=context, proxy_headers=headers
    )


def chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield the body of ``response`` as it comes. Raises what urllib3 and sockets raise."""
    while chunk := response.read(1 << 16):
        yield chunk


def read_whole(response: urllib3.BaseHTTPResponse, name: str, bound: int = LARGEST) -> bytes:
    """Return the body of an answer of the registry ``name``.

    Raises:
        EnvmanError: EV425 where it is larger than ``bound`` bytes, EV420 where it breaks off.
    """
    import urllib3.exceptions as of_urllib3

    content = bytearray()
    try:
        for chunk in chunks(response):
            content += chunk
            if len(content) > bound:
                response.close()
                raise fail(
                    "EV425",
                    f"{name} sends more than {bound >> 20} MiB where a small document belongs",
                    help="is it a registry?",
                )
    except (of_urllib3.HTTPError, OSError):
        raise away(name, "it broke off") from None
    response.release_conn()
    return bytes(content)


def explanation(response: urllib3.BaseHTTPResponse) -> str:
    """Return what a registry says of its refusal, with a space before it, or an empty string.

    Source: the distribution specification, "Error codes".
    """
    try:
        said = json.loads(read_whole(response, "", 1 << 16))["errors"][0]
        text = str(said.get("message") or said["code"])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, EnvmanError):
        return ""
    return f' ("{" ".join(text.split())[:200]}")'


def retry_after(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that the header ``Retry-After`` asks for (RFC 9110, section 10.2.3), or None."""
    from email.utils import parsedate_to_datetime

    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), _LONGEST_WAIT)
    try:
        return min(max(parsedate_to_datetime(value).timestamp() - now(), 0.0), _LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError):
        return None
