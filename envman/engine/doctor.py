"""Everything that envman needs on a machine, looked at piece by piece: one failure never hides another."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from envman.diagnostics import EnvmanError
from envman.engine.command import ask_docker
from envman.engine.compose import MINIMUM_COMPOSE, compose_version
from envman.engine.connection import Engine, connect
from envman.engine.endpoint import Endpoint, resolve_endpoint

_LITTLE_DISK: Final = 5 * 1000**3
_PATIENCE: Final = 5.0
# Any tag of an image that every hub and mirror has.
_PROBE: Final = "/v2/library/busybox/tags/list"
_HUB: Final = "https://registry-1.docker.io/v2/"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, what was found, and what to do if it is not well."""

    name: str
    status: Literal["ok", "warn", "fail", "skip"]
    detail: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class _Machine:
    environ: Mapping[str, str]
    endpoint: Endpoint
    engine: Engine | None
    directory: Path


def examine(environ: Mapping[str, str], *, context: str | None, directory: Path) -> list[Check]:
    """Return all checks in the order in which they matter. Nothing is raised, nothing is changed."""
    try:
        endpoint = resolve_endpoint(environ, context=context)
    except EnvmanError as error:
        return [_failed("context", error)]
    engine: Engine | None = None
    try:
        engine = connect(endpoint)
        facts = engine.facts()
        found = Check(
            "engine",
            "ok",
            f"Docker {facts.version} at {endpoint.shown} ({endpoint.origin}), API {facts.api}, {facts.cpus} CPUs",
        )
    except EnvmanError as error:
        engine, found = None, _failed("engine", error)
    machine = _Machine(environ, endpoint, engine, directory)
    with ThreadPoolExecutor() as pool:
        rest = list(pool.map(lambda one: _isolated(one, machine), _CHECKS))
    return [found, *rest]


def _failed(name: str, error: EnvmanError) -> Check:
    first = error.diagnostics[0]
    return Check(name, "fail", first.message, first.help)


def _isolated(check: tuple[str, Callable[[_Machine], Check]], machine: _Machine) -> Check:
    name, function = check
    try:
        return function(machine)
    except EnvmanError as error:
        return _failed(name, error)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Check(name, "warn", f"could not be checked: {type(error).__name__}")


def _run(machine: _Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    return ask_docker(machine.endpoint, machine.environ, *arguments, patience=_PATIENCE * 2)


def _cli(machine: _Machine) -> Check:
    path = shutil.which("docker", path=machine.environ.get("PATH"))
    if path is None:
        return Check(
            "docker command", "fail", "not on PATH", "install Docker (https://docs.docker.com/engine/install/)"
        )
    return Check("docker command", "ok", path)


def _compose(machine: _Machine) -> Check:
    version = compose_version(machine.endpoint, machine.environ)
    needed = ".".join(map(str, MINIMUM_COMPOSE))
    if version is None:
        return Check("Compose", "fail", "no plugin", f"install the Compose plugin, {needed} or newer")
    parts = tuple(int(part) for part in version.split("-")[0].split(".")[:2])
    if parts < MINIMUM_COMPOSE:
        return Check("Compose", "fail", f"{version} is too old", f"upgrade it to {needed} or newer")
    return Check("Compose", "ok", version)


def _buildx(machine: _Machine) -> Check:
    done = _run(machine, "buildx", "version")
    if done.returncode != 0:
        return Check("buildx", "warn", "no plugin", "install the Buildx plugin: building needs it")
    words = done.stdout.split()
    return Check("buildx", "ok", words[1] if len(words) > 1 else done.stdout.strip())


def _same_engine(machine: _Machine) -> Check:
    if machine.engine is None:
        return _skipped("one engine")
    seen = _run(machine, "info", "--format", "{{.ID}}").stdout.strip()
    if seen != machine.engine.facts().id:
        return Check(
            "one engine",
            "fail",
            "the docker command and the SDK reach different engines",
            "check wrappers named docker on PATH",
        )
    return Check("one engine", "ok", "the docker command and the SDK reach the same engine")


def _disk(machine: _Machine) -> Check:
    places = {"project": machine.directory}
    if machine.engine is not None and machine.endpoint.is_local:
        places["engine"] = Path(machine.engine.facts().root_directory)
    free = {}
    for name, path in places.items():
        try:
            free[name] = shutil.disk_usage(path).free
        except OSError:
            continue
    detail = ", ".join(f"{count / 1000**3:.0f} GB free for the {name}" for name, count in free.items())
    if any(count < _LITTLE_DISK for count in free.values()):
        return Check("disk", "warn", detail, "make room: `docker system df` says what takes it")
    return Check("disk", "ok", detail or "not visible from here")


def _gpu(machine: _Machine) -> Check:
    if machine.engine is None:
        return _skipped("GPU runtime")
    if machine.engine.facts().gpu:
        return Check("GPU runtime", "ok", "the engine can hand out GPUs")
    if Path("/dev/nvidia0").exists() and machine.endpoint.is_local:
        return Check(
            "GPU runtime",
            "warn",
            "this machine has a GPU, the engine no runtime for it",
            "install the NVIDIA container toolkit",
        )
    return Check("GPU runtime", "skip", "none; `gpu: optional` services run without")


def _hub(machine: _Machine) -> Check:
    mirrors = machine.engine.facts().mirrors if machine.engine is not None else ()
    for address in (*(mirror.rstrip("/") + _PROBE for mirror in mirrors if machine.endpoint.is_local), _HUB):
        if _answers(address):
            return Check("hub", "ok", f"{address.split('/v2/')[0]} answers")
    return Check(
        "hub",
        "warn",
        "neither Docker Hub nor a mirror can be reached from here",
        "images that the engine lacks cannot be pulled; configure a `registry-mirrors` entry for the engine",
    )


def _answers(address: str) -> bool:
    # The engine, too, asks a mirror on loopback without its proxy.
    loopback = urllib.parse.urlsplit(address).hostname in {"127.0.0.1", "::1", "localhost"}
    direct = [urllib.request.ProxyHandler({})] if loopback else []
    try:
        with urllib.request.build_opener(*direct).open(address, timeout=_PATIENCE):
            return True
    except urllib.error.HTTPError as error:
        # 401 is how a hub greets who has not logged in.
        return error.code in {401, 403}
    except OSError:
        return False


def _proxy(machine: _Machine) -> Check:
    names = sorted({name.upper() for name in machine.environ if name.lower() in {"http_proxy", "https_proxy"}})
    engine = machine.engine.facts().proxies if machine.engine is not None else ()
    if names and not engine and machine.engine is not None:
        return Check(
            "proxy",
            "warn",
            f"{', '.join(names)} set here, none in the engine",
            "pulls may need a proxy in the engine's configuration",
        )
    return Check("proxy", "ok", f"{', '.join(names)} set, in the engine too" if names else "none needed")


def _certificates(machine: _Machine) -> Check:
    given = machine.environ.get("ENVMAN_CA_CERTIFICATES", "")
    if given:
        if os.access(given, os.R_OK):
            return Check("CA certificates", "ok", f"builds trust {given}")
        return Check(
            "CA certificates", "fail", f"{given} cannot be read", "point ENVMAN_CA_CERTIFICATES to a readable PEM file"
        )
    hinted = next(
        (name for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if machine.environ.get(name)), None
    )
    if hinted:
        return Check(
            "CA certificates",
            "warn",
            f"{hinted} is set: TLS may be intercepted here, and builds do not know the authority",
            f"if builds fail with CERTIFICATE_VERIFY_FAILED, set ENVMAN_CA_CERTIFICATES={machine.environ[hinted]}",
        )
    return Check("CA certificates", "ok", "builds trust what their base images trust")


def _ports(machine: _Machine) -> Check:
    from envman.state.listeners import can_bind
    from envman.state.ports import COUNT, FIRST

    sample = range(FIRST, FIRST + COUNT, 97)
    free = sum(can_bind(port) for port in sample)
    share = 100 * free // len(sample)
    status: Literal["ok", "warn"] = "ok" if share >= 50 else "warn"
    where = "" if machine.endpoint.is_local else " (on this machine; the engine is elsewhere)"
    return Check("ports", status, f"{share} % of {FIRST}-{FIRST + COUNT - 1} are free{where}")


def _swarm(machine: _Machine) -> Check:
    if machine.engine is None:
        return _skipped("Swarm")
    state = machine.engine.facts().swarm or "inactive"
    if state == "active" and machine.endpoint.is_local and not Path("/proc/net/ip_vs").exists():
        return Check("Swarm", "warn", "active, but the kernel has no IPVS", "publish ports with `mode: host`")
    return Check("Swarm", "ok" if state == "active" else "skip", state)


def _skipped(name: str) -> Check:
    return Check(name, "skip", "no engine to ask")


_CHECKS: Final = (
    ("docker command", _cli),
    ("Compose", _compose),
    ("buildx", _buildx),
    ("one engine", _same_engine),
    ("disk", _disk),
    ("ports", _ports),
    ("hub", _hub),
    ("proxy", _proxy),
    ("CA certificates", _certificates),
    ("GPU runtime", _gpu),
    ("Swarm", _swarm),
)
