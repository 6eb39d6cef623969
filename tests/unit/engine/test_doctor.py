"""The checks that need no engine of a certain kind, with what an engine would say made up."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from envman.engine import doctor
from envman.engine.connection import Engine, EngineFacts
from envman.engine.doctor import Check
from envman.engine.endpoint import Endpoint
from envman.state import listeners

FACTS = EngineFacts(
    id="ABCD",
    name="here",
    version="28.5.2",
    api="1.51",
    operating_system="Debian",
    architecture="x86_64",
    cpus=2,
    memory=1,
    runtimes=("runc",),
    gpu=False,
    storage_driver="overlay2",
    root_directory="/",
    cgroup_version="2",
    rootless=False,
    mirrors=(),
    swarm="inactive",
    proxies=(),
)
LOCAL = Endpoint("unix:///nowhere.sock", None, "DOCKER_HOST")


class FakeEngine(Engine):
    """An engine that has said what it says."""

    def __init__(self, facts: EngineFacts) -> None:
        self.said = facts

    def facts(self) -> EngineFacts:
        return self.said


def machine(tmp_path: Path, *, environ: dict[str, str] | None = None, **facts: Any) -> Any:
    return doctor._Machine(environ or {}, LOCAL, FakeEngine(replace(FACTS, **facts)), tmp_path)


def test_little_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3 * 10**9))
    assert doctor._disk(machine(tmp_path)) == Check(
        "disk",
        "warn",
        "3 GB free for the project, 3 GB free for the engine",
        "make room: `docker system df` says what takes it",
    )
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=90 * 10**9))
    assert doctor._disk(machine(tmp_path)).status == "ok"


def test_ports_that_are_taken_are_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "can_bind", lambda port: port % 10 == 0)
    found = doctor._ports(machine(tmp_path))
    assert (found.status, found.detail) == ("warn", "10 % of 20000-29999 are free")


def test_a_gpu_runtime(tmp_path: Path) -> None:
    assert doctor._gpu(machine(tmp_path, gpu=True)) == Check("GPU runtime", "ok", "the engine can hand out GPUs")
    if not Path("/dev/nvidia0").exists():
        found = doctor._gpu(machine(tmp_path))
        assert found == Check("GPU runtime", "skip", "none; `gpu: optional` services run without")


def test_a_proxy_that_the_engine_does_not_know_is_a_warning(tmp_path: Path) -> None:
    environ = {"https_proxy": "http://user:hunter2@proxy:3128", "HTTP_PROXY": "http://proxy:3128"}
    found = doctor._proxy(machine(tmp_path, environ=environ))
    assert found == Check(
        "proxy",
        "warn",
        "HTTPS_PROXY, HTTP_PROXY set here, none in the engine",
        "pulls may need a proxy in the engine's configuration",
    )
    assert "hunter2" not in repr(found)
    assert doctor._proxy(machine(tmp_path, environ=environ, proxies=("HttpProxy",))).status == "ok"
    assert doctor._proxy(machine(tmp_path)) == Check("proxy", "ok", "none needed")


def test_certificate_authorities(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()

    def found(**environ: str) -> Check:
        return doctor._certificates(machine(tmp_path, environ=environ))

    assert found() == Check("CA certificates", "ok", "builds trust what their base images trust")
    assert found(ENVMAN_CA_CERTIFICATES=str(bundle)).detail == f"builds trust {bundle}"
    assert found(ENVMAN_CA_CERTIFICATES="/gone.pem") == Check(
        "CA certificates",
        "fail",
        "/gone.pem cannot be read",
        "point ENVMAN_CA_CERTIFICATES to a readable PEM file",
    )
    hinted = found(PIP_CERT=str(bundle))
    assert hinted.status == "warn"
    assert hinted.help.endswith(f"set ENVMAN_CA_CERTIFICATES={bundle}")


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mirror on loopback, which a proxy that is set for everything must not come between."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    for name in [name for name in os.environ if name.lower() in {"no_proxy", "http_proxy", "https_proxy"}]:
        monkeypatch.delenv(name)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_mirror_that_answers_is_enough(tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_HUB", "http://127.0.0.1:1/v2/")
    assert doctor._hub(machine(tmp_path, mirrors=(f"{mirror}/",))) == Check("hub", "ok", f"{mirror} answers")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert doctor._hub(machine(tmp_path, mirrors=(f"{mirror}/",))).status == "ok"


def test_neither_hub_nor_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_HUB", "http://127.0.0.1:1/v2/")
    found = doctor._hub(machine(tmp_path, mirrors=("http://127.0.0.1:1/",)))
    assert (found.status, found.detail) == (
        "warn",
        "neither Docker Hub nor a mirror can be reached from here",
    )


def test_a_check_that_cannot_be_made_is_a_warning_and_no_traceback(tmp_path: Path) -> None:
    def broken(_: object) -> Check:
        raise PermissionError

    assert doctor._isolated(("disk", broken), machine(tmp_path)) == Check(
        "disk", "warn", "could not be checked: PermissionError"
    )
