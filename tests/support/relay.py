"""A socket that leads to the engine until it is cut: for those who talk through it, the engine is stopped then."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest


def engine_socket() -> str:
    """Return the path of the engine's socket; skip the test where the engine has none on this machine."""
    host = os.environ.get("DOCKER_HOST")
    if not host:
        shown = subprocess.run(
            ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],
            capture_output=True,
            text=True,
            check=True,
        )
        host = shown.stdout.strip()
    if not host.startswith("unix://"):
        pytest.skip("the engine is not behind a Unix socket")
    return host.removeprefix("unix://")


class Relay:
    """Passes bytes on between its own socket and the engine's, and keeps the requests that go through it.

    With ``tcp`` its own socket is a port on loopback: an engine that does not share this machine's files, to envman.
    """

    def __init__(self, *, tcp: bool = False) -> None:
        self._engine = engine_socket()
        # Paths of sockets are short, those of pytest's folders are not.
        self._folder = Path(tempfile.mkdtemp(prefix="relay"))
        self.path = self._folder / "docker.sock"
        self.requests: list[str] = []
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        self._listener.bind(("127.0.0.1", 0) if tcp else str(self.path))
        self._listener.listen()
        self.host = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}" if tcp else f"unix://{self.path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._engine)
            with self._lock:
                self._open += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                first = data[:2000].split(b"\r\n", 1)[0]
                if first.endswith(b" HTTP/1.1"):
                    self.requests.append(first.decode().removesuffix(" HTTP/1.1"))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # A connection without a relay in it would be gone for both.
            for one in (source, target):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """End every conversation, and take part in no other."""
        self.path.unlink(missing_ok=True)
        # Closing alone would leave accept() waiting.
        for one in (self._listener, *self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        shutil.rmtree(self._folder)
