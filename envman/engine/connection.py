"""A connected engine, and the one place where its errors become diagnostics."""

from __future__ import annotations

import errno
import re
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.endpoint import Endpoint
from envman.engine.wire import OLDEST_API, TIMEOUT, OldEngineError, Question, RefusedError, Reply, Stream, Wire

if TYPE_CHECKING:
    import docker

_UNIX: Final = "unix://"


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
    """An engine, reached the first time that something is asked of it.

    ``ask`` and ``events`` look, ``tell``, ``post`` and ``order`` change something, ``attach`` listens; ``api``, the
    Docker SDK's, does the rest. Behind a Unix socket these need no SDK, elsewhere (TCP, TLS, SSH) it is the SDK that
    asks. Threads may share an engine.
    """

    def __init__(self, endpoint: Endpoint, client: docker.DockerClient | None = None) -> None:
        self.endpoint = endpoint
        self._client = client
        self._connecting = threading.Lock()
        direct = client is None and endpoint.host.startswith(_UNIX)
        self._wire = Wire(endpoint.host.removeprefix(_UNIX)) if direct else None

    @property
    def client(self) -> docker.DockerClient:
        """The SDK's client, connected.

        Raises:
            EnvmanError: EV401, EV402, EV406 where it cannot be.
        """
        with self._connecting:
            if self._client is None:
                self._client = _connected(self.endpoint)
            return self._client

    @property
    def api(self) -> Any:
        """The SDK's low-level API: dictionaries as the engine sends them. Use it inside ``errors()``."""
        return self.client.api

    def ask(self, *questions: Question) -> list[Any]:
        """Return the answers to ``questions``, which the engine gets together; None for what is not there.

        Raises:
            EnvmanError: EV401, EV402, EV406, EV408 for the engine, EV410 for what it refuses.
        """
        with self.errors():
            if self._wire is not None:
                return self._wire.ask(questions)
            return [self._ask_sdk(one) for one in questions]

    def tell(self, order: Question, *, patience: float | None = TIMEOUT) -> bool:
        """Have the engine do ``order``, and return once it is done; False where what it is about is not there.

        What is so already is done. It may take ``patience`` seconds; None is as long as it wants.

        Raises:
            EnvmanError: EV401, EV402, EV406, EV408 for the engine, EV410 for what it refuses.
        """
        with self.errors():
            reply = self.order(order, patience=patience)
            if not reply.is_done and reply.status != 404:
                raise reply.refusal()
            return reply.is_done

    def post(self, path: str, body: Any = None, *, patience: float | None = TIMEOUT) -> Any:
        """Post ``body`` as JSON to ``path``, and return what the engine answers once that is done.

        Raises:
            EnvmanError: EV401, EV402, EV406, EV408 for the engine, EV410 for what it refuses.
        """
        with self.errors():
            reply = self.order(Question(path), body=body, patience=patience)
            if not reply.is_done:
                raise reply.refusal()
            return reply.data()

    def order(
        self, order: Question, *, method: str = "POST", body: Any = None, patience: float | None = TIMEOUT
    ) -> Reply:
        """Have the engine do ``order``, with ``body`` as JSON, and return what it says, a refusal too.

        Raises:
            EnvmanError: EV401, EV402, EV406, EV408 for the engine.
        """
        with self.errors():
            if self._wire is not None:
                return self._wire.order(order, method, body, patience)
            return self._order_sdk(order, method, body, patience)

    def attach(self, container: str) -> Stream:
        """Return what ``container`` writes from now on; it need not have started. Close it.

        Raises:
            EnvmanError: EV401, EV402, EV406, EV408 for the engine, EV410 for what it refuses.
        """
        output = Question(f"/containers/{container}/attach", {"stdout": 1, "stderr": 1, "stream": 1})
        with self.errors():
            if self._wire is not None:
                return self._wire.attach(output)

            from envman.engine.streams import attached

            return attached(self.api, output)

    def _ask_sdk(self, question: Question) -> Any:
        reply = self._order_sdk(question, "GET", None, TIMEOUT)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise reply.refusal()
        return reply.data()

    def _order_sdk(self, order: Question, method: str, body: Any, patience: float | None) -> Reply:
        api = self.api
        url = f"{api.base_url}/v{api.api_version}{order.target()}"
        answer = api.request(method, url, json=body, timeout=patience)
        return Reply(answer.status_code, answer.content)

    def events(
        self, filters: Mapping[str, Any], *, patience: float | None = None, **bounds: str
    ) -> Generator[dict[str, Any], None, None]:
        """Yield the engine's events; ``since`` and ``until`` are its Unix seconds. Close it to end it.

        The engine ends the stream at ``until`` by its own clock; if somebody sets that back, silence for ``patience``
        seconds ends it.

        Raises:
            EnvmanError: as ``ask``.
        """
        with self.errors():
            if self._wire is not None:
                yield from self._wire.lines(Question("/events", {"filters": filters, **bounds}), patience)
                return
            stream = self.api.events(filters=filters, decode=True, **bounds)
            ended = threading.Event()

            def end() -> None:
                ended.set()
                # The engine may have closed its side already, and the SDK takes that for an error.
                with suppress(OSError):
                    stream.close()

            guard = threading.Timer(patience or 0, end)
            guard.daemon = True
            if patience is not None:
                guard.start()
            try:
                yield from stream
            except Exception:
                # The SDK takes a stream that is closed under it for a broken one.
                if not ended.is_set():
                    raise
            finally:
                guard.cancel()
                end()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what goes wrong with the engine inside into a diagnostic."""
        try:
            yield
        except Exception as error:
            connected = self._client is not None or (self._wire is not None and self._wire.answered)
            found = diagnostic_of(self.endpoint, error, connected=connected)
            if found is None:
                raise
            raise found from None

    @cached_property
    def _facts(self) -> EngineFacts:
        info: dict[str, Any]
        info, version = self.ask(Question("/info"), Question("/version"))
        runtimes = tuple(sorted(info.get("Runtimes") or {}))
        devices = [str(one.get("ID", "")) for one in info.get("DiscoveredDevices") or ()]
        options = " ".join(info.get("SecurityOptions") or ())
        registry = info.get("RegistryConfig") or {}
        return EngineFacts(
            id=str(info.get("ID", "")),
            name=str(info.get("Name", "")),
            version=str(info.get("ServerVersion", "")),
            api=str(version.get("ApiVersion", "")),
            operating_system=str(info.get("OperatingSystem", "")),
            architecture=str(info.get("Architecture", "")),
            cpus=int(info.get("NCPU", 0)),
            memory=int(info.get("MemTotal", 0)),
            runtimes=runtimes,
            gpu=not {"amd", "nvidia"}.isdisjoint(runtimes) or any("gpu" in device for device in devices),
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
        shown = str(self.ask(Question("/info"))[0]["SystemTime"])
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
    """Return the engine at ``endpoint``. It is reached when it is first asked, and what is wrong is said then."""
    return Engine(endpoint)


def _connected(endpoint: Endpoint) -> docker.DockerClient:
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
            timeout=int(TIMEOUT),
            tls=tls,
            use_ssh_client=endpoint.host.startswith("ssh://"),
        )
        api = str(client.api.api_version)
    if tuple(int(part) for part in re.findall(r"\d+", api)[:2]) < OLDEST_API:
        raise _too_old(endpoint, api)
    return client


def _too_old(endpoint: Endpoint, api: str) -> EnvmanError:
    return fail(
        "EV406",
        f"the engine at {endpoint.shown} speaks API {api}",
        expected=f"API {'.'.join(map(str, OLDEST_API))} (Docker 25) or newer",
        help="upgrade Docker on that machine",
    )


@contextmanager
def engine_errors(endpoint: Endpoint, *, connected: bool) -> Iterator[None]:
    """Turn whatever goes wrong with the engine inside into a diagnostic. ``connected``: it has answered before."""
    try:
        yield
    except Exception as error:
        found = diagnostic_of(endpoint, error, connected=connected)
        if found is None:
            raise
        raise found from None


def diagnostic_of(endpoint: Endpoint, error: Exception, *, connected: bool) -> EnvmanError | None:
    """Return what ``error`` is to a user, or None where it has nothing to do with the engine."""
    if isinstance(error, OldEngineError):
        return _too_old(endpoint, str(error))
    if isinstance(error, RefusedError) or _is_of_sdk(error, "docker.errors", "APIError"):
        explanation = str(getattr(error, "explanation", "") or error)
        return fail("EV410", f"the engine refused: {explanation.rstrip('.')}", help="see the engine's own message")
    if (
        isinstance(error, OSError)  # also everything that requests raises
        or _is_of_sdk(error, "docker.errors", "DockerException")
        or _is_of_sdk(error, "urllib3.exceptions", "HTTPError")
    ):
        return _unreachable(endpoint, error, connected=connected)
    return None


def _is_of_sdk(error: Exception, module: str, name: str) -> bool:
    """Return whether ``error`` is of a class of the SDK's; where that is not loaded, it is not."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, name))


def _unreachable(endpoint: Endpoint, error: BaseException, *, connected: bool) -> EnvmanError:
    number = _errno_of(error)
    where = f"{endpoint.shown} ({endpoint.origin})"
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
