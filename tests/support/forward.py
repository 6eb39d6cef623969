"""A port of this machine's loopback that a private engine finds on its own: a registry has one name on both sides.

The two are in different network namespaces, so what is said goes through a Unix socket, which has none.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from private_engine import PrivateEngine
from stacks import await_true


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _join(near: socket.socket, far: socket.socket) -> None:
    """Carry what either side says to the other until both have ended."""
    with near, far:
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()


def serve(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Join every connection to ``listener`` with one of ``connect``, until it is closed."""
    with contextlib.suppress(OSError):
        while True:
            near, _ = listener.accept()
            try:
                far = connect()
            except OSError:
                near.close()
                continue
            threading.Thread(target=_join, args=(near, far), daemon=True).start()


def _to_port(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port))


def _to_path(path: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        made.connect(path)
    except OSError:
        made.close()
        raise
    return made


class Forward:
    """While it is entered, ``127.0.0.1:port`` in the namespace of ``engine`` leads to the same one outside."""

    def __init__(self, engine: PrivateEngine, port: int) -> None:
        self._engine, self._port = engine, port
        self._path = engine.folder / f"forward-{port}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._engine.open_loopback()
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=serve, args=(self._listener, lambda: _to_port(self._port)), daemon=True).start()
        self._process = subprocess.Popen(
            self._engine.inside(sys.executable, __file__, str(self._port), str(self._path)),
            cwd=Path(__file__).parent,
        )
        probe = self._engine.inside(
            sys.executable, "-c", f"import socket; socket.create_connection(('127.0.0.1', {self._port}))"
        )
        await_true(lambda: subprocess.run(probe, capture_output=True, check=False).returncode == 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        self._listener.close()


if __name__ == "__main__":
    inner = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    serve(inner, lambda: _to_path(sys.argv[2]))
