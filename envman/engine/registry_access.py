"""How registries are reached: by which addresses, whom they are trusted by, through which proxy; as the engine does it.

Sources: https://docs.docker.com/reference/cli/dockerd/ (mirrors, insecure registries),
https://docs.docker.com/engine/security/certificates/ (``certs.d``), and the engine's ``GET /info``.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from envman.diagnostics.diagnostic import fail
from envman.engine.endpoint import cli_folder
from envman.registry.reference import HUB

if TYPE_CHECKING:
    import ssl

    from envman.engine.connection import Engine

_HUB_ADDRESS: Final = "registry-1.docker.io"
_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_CERTIFICATES: Final = Path("/etc/docker/certs.d")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to talk to a site: over TLS, checked or not, or in the clear."""

    scheme: str
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """A registry's address, the ways to try in their order, and whether it only mirrors another."""

    address: str
    ways: tuple[Way, ...]
    mirror: bool = False


@dataclass
class Access:
    """What decides how a registry is reached.

    ``mirrors`` are asked before Docker Hub; ``insecure`` are names and ``networks`` addresses that the engine talks to
    without proof. ``certificates`` are the folders in which Docker looks for a registry's own CA.
    """

    environ: Mapping[str, str]
    mirrors: tuple[str, ...] = ()
    insecure: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    certificates: tuple[Path, ...] = ()
    _contexts: dict[tuple[str, bool], ssl.SSLContext] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine | None, environ: Mapping[str, str]) -> Access:
        """Return how ``engine`` reaches registries; without one, only what is this machine's own needs no proof."""
        configured: dict[str, Any] = {}
        if engine is not None:
            from envman.engine.wire import Question

            configured = engine.ask(Question("/info"))[0].get("RegistryConfig") or {}
        indices = configured.get("IndexConfigs") or {}
        home = Path(environ.get("HOME") or "/nonexistent")
        own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "docker" / "certs.d"
        return cls(
            environ,
            mirrors=tuple((indices.get(HUB) or {}).get("Mirrors") or configured.get("Mirrors") or ()),
            insecure=frozenset(name for name, one in indices.items() if one.get("Secure") is False),
            networks=tuple(configured.get("InsecureRegistryCIDRs") or ()),
            certificates=(_CERTIFICATES, own, cli_folder(environ) / "certs.d"),
        )

    def sites(self, host: str) -> list[Site]:
        """Return where images of the registry ``host`` may be read, in the engine's order; the last is it itself."""
        if host != HUB:
            return [Site(host, self._ways(host))]
        mirrors = []
        for mirror in self.mirrors:
            scheme, _, rest = mirror.partition("://")
            address = rest.strip("/")
            ways = (Way("http"),) if scheme == "http" else tuple(w for w in self._ways(address) if w.scheme == "https")
            mirrors.append(Site(address, ways, mirror=True))
        return [*mirrors, Site(_HUB_ADDRESS, (Way("https"),))]

    def _ways(self, address: str) -> tuple[Way, ...]:
        if self._is_insecure(address):
            return (Way("https"), Way("https", verify=False), Way("http"))
        # What is on this machine alone is heard by nobody else, whatever an engine elsewhere thinks of it.
        return (Way("https"), Way("http")) if is_loopback(address) else (Way("https"),)

    def _is_insecure(self, address: str) -> bool:
        if address in self.insecure:
            return True
        networks = [ipaddress.ip_network(one) for one in self.networks if _is_network(one)]
        return bool(networks) and any(one in network for one in _addresses(address) for network in networks)

    @cached_property
    def _proxies(self) -> dict[str, str]:
        named = {}
        for kind in ("http", "https", "no"):
            value = self.environ.get(f"{kind}_proxy") or self.environ.get(f"{kind}_proxy".upper())
            if value:
                named[kind] = value
        return named

    def proxy(self, scheme: str, address: str) -> str | None:
        """Return the proxy's URL for ``address``, or None; this machine is never reached through one."""
        found = self._proxies.get(scheme)
        if not found or is_loopback(address) or _is_excepted(address, self._proxies.get("no", "")):
            return None
        return found if "://" in found else f"http://{found}"

    def context(self, address: str, *, verify: bool) -> ssl.SSLContext:
        """Return whom to trust at ``address``: the system, ``SSL_CERT_FILE``, and Docker's ``certs.d``.

        Raises:
            EnvmanError: EV424 for a file of certificates that cannot be read.
        """
        import ssl

        key = (address, verify)
        if key not in self._contexts:
            context = ssl.create_default_context()
            if not verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            given = self.environ.get("SSL_CERT_FILE")
            for path in [Path(given)] if given else []:
                _load(context.load_verify_locations, path)
            for folder in self.certificates:
                self._load_folder(context, folder / address)
            self._contexts[key] = context
        return self._contexts[key]

    @staticmethod
    def _load_folder(context: ssl.SSLContext, folder: Path) -> None:
        for path in sorted(folder.glob("*.crt")):
            _load(context.load_verify_locations, path)
        for path in sorted(folder.glob("*.cert")):
            _load(context.load_cert_chain, path, path.with_suffix(".key"))


def _load(load: Any, path: Path, *more: Path) -> None:
    try:
        load(path, *more)
    except OSError as error:  # what OpenSSL raises is one, too
        reason = error.strerror if error.errno and error.strerror else "it holds no certificates in PEM form"
        raise fail("EV424", f"the certificates in {path} cannot be used: {reason}", help="mend or remove it") from None


def _is_excepted(address: str, exceptions: str) -> bool:
    """Return whether ``NO_PROXY`` names ``address``: itself, with its port, a domain above it, or everything."""
    host, _ = split_address(address)
    for word in (one.strip().lower() for one in exceptions.split(",")):
        name = word.removeprefix("*").lstrip(".")
        if word == "*" or (name and (name in {address.lower(), host.lower()} or host.lower().endswith(f".{name}"))):
            return True
    return False


def split_address(address: str) -> tuple[str, int | None]:
    """Return the host and the port, if it names one, of ``address``."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and not host.endswith(":") and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return address.strip("[]"), None


def is_loopback(address: str) -> bool:
    """Return whether ``address`` is this machine's own, by its name."""
    host, _ = split_address(address)
    if host == "localhost":
        return True
    networks = [ipaddress.ip_network(one) for one in _LOOPBACK]
    return _is_address(host) and any(ipaddress.ip_address(host) in one for one in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _addresses(address: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    host, port = split_address(address)
    if _is_address(host):
        return [ipaddress.ip_address(host)]
    try:
        found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(one[4][0]) for one in found if _is_address(str(one[4][0]))]
