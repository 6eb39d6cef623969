"""A connected engine, and the one place where its errors become diagnostics."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.endpoint import Endpoint

if TYPE_CHECKING:
    import docker

# API 1.44 is Docker 25: the first whose health checks have `start_interval`.
MINIMUM_API: Final = (1, 44)
_TIMEOUT: Final = 60


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself; ``memory`` in bytes."""

    id: str
    name: str
    version: str
    api: str
    operating_system: str
    architecture: str
    cpus: int
    memory: int
    runtimes: tuple[str, ...]
    gpu: bool
    storage_driver: str
    root_directory: str
    cgroup_version: str
    rootless: bool
    mirrors: tuple[str, ...]
    swarm: str
    proxies: tuple[str, ...]


class Engine:
    """The Docker SDK's client on an endpoint. Use ``api`` inside ``errors()``."""

    def __init__(self, endpoint: Endpoint, client: docker.DockerClient) -> None:
        self.endpoint = endpoint
        self.client = client

    @property
    def api(self) -> Any:
        """The SDK's low-level API: dictionaries as the engine sends them."""
        return self.client.api

    def errors(self) -> Any:
        """Return a context manager that turns the SDK's errors into diagnostics."""
        return engine_errors(self.endpoint, connected=True)

    @cached_property
    def _facts(self) -> EngineFacts:
        with self.errors():
            info: dict[str, Any] = self.api.info()
        runtimes = tuple(sorted(info.get("Runtimes") or {}))
        devices = [str(one.get("ID", "")) for one in info.get("DiscoveredDevices") or ()]
        options = " ".join(info.get("SecurityOptions") or ())
        registry = info.get("RegistryConfig") or {}
        return EngineFacts(
            id=str(info.get("ID", "")),
            name=str(info.get("Name", "")),
            version=str(info.get("ServerVersion", "")),
            api=str(self.api.api_version),
            operating_system=str(info.get("OperatingSystem", "")),
            architecture=str(info.get("Architecture", "")),
            cpus=int(info.get("NCPU", 0)),
            memory=int(info.get("MemTotal", 0)),
            runtimes=runtimes,
            gpu="nvidia" in runtimes or any("gpu" in device for device in devices),
            storage_driver=str(info.get("Driver", "")),
            root_directory=str(info.get("DockerRootDir", "")),
            cgroup_version=str(info.get("CgroupVersion", "")),
            rootless="rootless" in options,
            mirrors=tuple(registry.get("Mirrors") or ()),
            swarm=str((info.get("Swarm") or {}).get("LocalNodeState", "")),
            proxies=tuple(name for name in ("HttpProxy", "HttpsProxy") if info.get(name)),
        )

    @cached_property
    def _clock(self) -> tuple[float, float]:
        before = time.monotonic()
        with self.errors():
            shown = str(self.api.info()["SystemTime"])
        # Nanoseconds are more digits than datetime reads.
        told = datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", shown)).timestamp()
        return told, (before + time.monotonic()) / 2

    def now(self) -> float:
        """Return the engine's own time in Unix seconds, asked once and carried on by a clock that nobody sets.

        This machine's clock may differ from a remote engine's, or from that of a virtual machine that slept.
        """
        told, asked = self._clock
        return told + time.monotonic() - asked

    def facts(self) -> EngineFacts:
        """Return what the engine says of itself, asked once."""
        return self._facts


def connect(endpoint: Endpoint) -> Engine:
    """Return the engine at ``endpoint``.

    Raises:
        EnvmanError: EV401 where none answers, EV402 where the socket may not be used, EV406 where it is too old.
    """
    import docker
    from docker.tls import TLSConfig

    with engine_errors(endpoint, connected=False):
        tls: Any = False
        if endpoint.tls is not None:
            pair = (endpoint.tls.cert, endpoint.tls.key) if endpoint.tls.cert and endpoint.tls.key else None
            tls = TLSConfig(client_cert=pair, ca_cert=endpoint.tls.ca, verify=endpoint.tls.verify)
        client = docker.DockerClient(
            base_url=endpoint.host,
            version="auto",
            timeout=_TIMEOUT,
            tls=tls,
            use_ssh_client=endpoint.host.startswith("ssh://"),
        )
        api = str(client.api.api_version)
    if tuple(int(part) for part in re.findall(r"\d+", api)[:2]) < MINIMUM_API:
        raise fail(
            "EV406",
            f"the engine at {endpoint.host} speaks API {api}",
            expected=f"API {'.'.join(map(str, MINIMUM_API))} (Docker 25) or newer",
            help="upgrade Docker on that machine",
        )
    return Engine(endpoint, client)


@contextmanager
def engine_errors(endpoint: Endpoint, *, connected: bool) -> Iterator[None]:
    """Turn whatever the SDK raises inside into a diagnostic. ``connected``: the engine has answered before."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        explanation = str(error.explanation or error)
        raise fail(
            "EV410", f"the engine refused: {explanation.rstrip('.')}", help="see the engine's own message"
        ) from None
    except (DockerException, RequestException, HTTPError, OSError) as error:
        raise _unreachable(endpoint, error, connected=connected) from None


def _unreachable(endpoint: Endpoint, error: BaseException, *, connected: bool) -> EnvmanError:
    number = _errno_of(error)
    where = f"{endpoint.host} ({endpoint.origin})"
    if number in {errno.EACCES, errno.EPERM}:
        return fail(
            "EV402",
            f"no permission on the Docker socket {endpoint.host.removeprefix('unix://')}",
            expected="a user in the socket's group",
            help="ask for membership in the group `docker` (`usermod --append --groups docker $USER`, then log in "
            "again), or use rootless Docker",
        )
    if connected:
        return fail(
            "EV408",
            f"the engine at {where} went away",
            help="start it again, then repeat the command: it goes on from what is there",
        )
    reason = {
        errno.ENOENT: "there is no such socket",
        errno.ECONNREFUSED: "nobody listens there",
        errno.ETIMEDOUT: "it did not answer in time",
    }.get(number or 0, "it does not answer")
    if endpoint.is_local:
        advice = "start Docker (`systemctl start docker`, or Docker Desktop); `docker context ls` shows other engines"
    else:
        advice = "check that the host is up and the address right; `docker context ls` shows other engines"
    return fail("EV401", f"no Docker engine at {where}: {reason}", help=advice)


def _errno_of(error: BaseException) -> int | None:
    """Return the system's error number from anywhere inside a chain of wrapped exceptions."""
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        current = queue.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, OSError) and current.errno is not None:
            return current.errno
        if isinstance(current, BaseException):
            queue += [*current.args, current.__cause__, current.__context__, getattr(current, "reason", None)]
        elif isinstance(current, tuple | list):
            queue += current
    return None
