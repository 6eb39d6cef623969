"""An engine is asked in two ways, over its socket and by the SDK, and both see the same."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator

import pytest
from relay import engine_socket
from stacks import SLEEPER, Checkout

from envman.diagnostics import EnvmanError
from envman.engine.archive import Helpers
from envman.engine.connection import Engine, connect
from envman.engine.endpoint import Endpoint
from envman.engine.images import find_images
from envman.engine.observe import observe, published_ports
from envman.engine.wire import Question
from envman.snapshot.archive import measure


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def engines() -> Iterator[tuple[Engine, Engine]]:
    """The engine over its socket, and over TCP on loopback, which is the SDK's."""
    path = engine_socket()
    opened: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.socket(socket.AF_UNIX)
                far.connect(path)
                opened.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        direct = connect(Endpoint(f"unix://{path}", None, "a test"))
        sdk = connect(Endpoint(f"tcp://127.0.0.1:{listener.getsockname()[1]}", None, "a test"))
        yield direct, sdk
        sdk.client.close()
    for one in opened:
        one.close()


def test_both_see_the_same(checkout: Checkout, engines: tuple[Engine, Engine]) -> None:
    service = SLEEPER.replace("}", ", ports: ['127.0.0.1::80'], volumes: ['data:/d'], hostname: h, user: '1'}")
    checkout.write(dev=f"services: {{api: {service}}}\nvolumes: {{data: {{}}}}\n").run("up", "dev")
    project = [f"{checkout.name}-dev"]
    direct, sdk = (observe(one, project, details=True) for one in engines)
    assert len(direct.containers) == len(direct.volumes) == len(direct.networks) == 1
    assert (direct.containers, direct.volumes, direct.networks) == (sdk.containers, sdk.volumes, sdk.networks)
    references = ["busybox:1.37", "there.is/none:1"]
    assert find_images(engines[0], references) == find_images(engines[1], references)
    ports = {port: one for port, one in published_ports(engines[0]).items() if one.project == project[0]}
    assert len(ports) == 1
    assert ports.items() <= published_ports(engines[1]).items()
    assert [one.ask(Question("/containers/none/json")) for one in engines] == [[None], [None]]
    assert engines[0].facts() == engines[1].facts()


def test_both_read_a_volume_and_leave_nothing(checkout: Checkout, engines: tuple[Engine, Engine]) -> None:
    service = SLEEPER.replace("}", ", volumes: ['data:/d']}")
    checkout.write(dev=f"services: {{api: {service}}}\nvolumes: {{data: {{}}}}\n").run("up", "dev")
    checkout.run("exec", "dev", "api", "--", "sh", "-c", "echo text > /d/file")
    read = []
    for one in engines:
        helpers = Helpers(one, checkout.name)
        _, stream = helpers.read(f"{checkout.name}-dev_data", "busybox:1.37")
        read.append(measure(stream, io.BytesIO()))
        assert helpers.remove_left() == 0
    assert [one.entries for one in read] == [2, 2]
    assert read[0].finish() == read[1].finish()


def test_both_say_that_there_is_nothing_to_listen_to(engines: tuple[Engine, Engine]) -> None:
    for one in engines:
        with pytest.raises(EnvmanError, match="the engine refused: No such container: none"):
            one.attach("none")


def test_status_over_tcp(checkout: Checkout, engines: tuple[Engine, Engine]) -> None:
    checkout.write(dev=f"services: {{api: {SLEEPER}}}\n").run("up", "dev")
    host = engines[1].endpoint.host
    for arguments in (("status",), ("status", "dev"), ("diff", "dev", "running"), ("plan", "dev")):
        there = checkout.run("--format", "json", *arguments, DOCKER_HOST=host).json
        here = checkout.run("--format", "json", *arguments).json
        for one in (there, here):
            for row in one if isinstance(one, list) else ():
                row.update(since=None, usage=None)
        assert there == here
