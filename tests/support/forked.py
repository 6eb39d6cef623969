"""Starting envman without importing it each time: a process that has imported everything, and forks.

Half of what a start takes are imports, and the engine tests start envman some 4,000 times: they take a quarter less of
the processors this way. What runs is the same ``main``, in a process of its own with its own folder, environment and
streams. ``stacks.start`` starts the ordinary way what is started for the first time, so that its own imports are tried.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final

_LENGTH: Final = 8
# What Python itself reads when it starts.
_READ_AT_START: Final = ("PYTHON", "LC_", "LANG")


def starts_alike(environ: Mapping[str, str]) -> bool:
    """Return whether Python would start in ``environ`` as it did in this process's environment."""
    names = {name for name in (*environ, *os.environ) if name.startswith(_READ_AT_START)}
    return all(environ.get(name) == os.environ.get(name) for name in names)


class Forker:
    """Has one process for this one, and starts ``envman`` in forks of it."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            # Not a terminal, whatever the tests run on: what a fork writes goes to files.
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(number)],
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def close(self) -> None:
        """End it, once the last fork has."""
        self._socket.close()
        self._process.wait()

    def run(
        self, arguments: Sequence[str], *, stdin: str, environ: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run ``envman`` with ``arguments`` and return its status and what it wrote.

        Raises:
            TimeoutError: after ``timeout`` seconds; it is killed then.
        """
        own, theirs = socket.socketpair()
        with own, tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode())
            given.seek(0)
            order = json.dumps({"arguments": list(arguments), "environ": dict(environ), "folder": str(Path.cwd())})
            with theirs:
                fds = [theirs.fileno(), given.fileno(), out.fileno(), err.fileno()]
                with self._turn:
                    socket.send_fds(self._socket, [len(order.encode()).to_bytes(_LENGTH, "big")], fds)
                    self._socket.sendall(order.encode())
            own.settimeout(timeout)
            pid = int.from_bytes(_exactly(own, _LENGTH), "big")
            try:
                status = int.from_bytes(_exactly(own, _LENGTH), "big", signed=True)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(list(arguments), status, out.read().decode(), err.read().decode())


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ConnectionResetError("the process that forks has ended")
        received += piece
    return received


def _serve(orders: socket.socket) -> None:
    """Fork for each order until nobody is left to give one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        head, fds, _, _ = socket.recv_fds(orders, _LENGTH, 4)
        if not head:
            return
        order = json.loads(_exactly(orders, int.from_bytes(head, "big")))
        if os.fork() == 0:
            orders.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _start(order, *fds)
            return
        for fd in fds:
            os.close(fd)


def _start(order: dict[str, Any], answer: int, *streams: int) -> None:
    from envman.cli.main import main

    with socket.socket(fileno=answer) as asker:
        pid = os.fork()
        if pid:
            asker.sendall(pid.to_bytes(_LENGTH, "big"))
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            asker.sendall(status.to_bytes(_LENGTH, "big", signed=True))
            os._exit(0)
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    # It was looked up where the first of them ran.
    tempfile.tempdir = None
    sys.argv = ["envman", *order["arguments"]]
    main()


if __name__ == "__main__":
    import gc
    import pkgutil
    from importlib import import_module

    import envman

    # What is imported stays where it is: neither a collection nor a fork writes there.
    gc.disable()
    for module in pkgutil.walk_packages(envman.__path__, "envman."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    gc.freeze()
    gc.enable()
    _serve(socket.socket(fileno=int(sys.argv[1])))
