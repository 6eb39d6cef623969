from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import docker
import pytest

from envman.engine.connection import Engine
from envman.engine.endpoint import Endpoint
from envman.engine.streams import run_inside


def answer(request: bytes) -> bytes:
    path = request.split(b" ", 2)[1]
    if path.endswith(b"/start"):
        # Head and output in one piece, as a fast command and a busy reader make it.
        head = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        return head + b"\x01\0\0\0\0\0\0\x05early"
    body = json.dumps({"ExitCode": 0} if path.endswith(b"/json") else {"Id": "x"}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
def engine() -> Iterator[Engine]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while request := connection.recv(65536):
                connection.sendall(answer(request))
                if b"/start" in request:
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    host = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    client = docker.DockerClient(base_url=host, version="1.44")
    yield Engine(Endpoint(host, None, "DOCKER_HOST"), client)
    client.close()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


# The SDK leaves the socket of a stream to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_output_that_comes_with_the_head_of_the_answer_is_not_lost(engine: Engine) -> None:
    assert list(run_inside(engine, "c", ["cat"])) == [(1, b"early"), 0]
