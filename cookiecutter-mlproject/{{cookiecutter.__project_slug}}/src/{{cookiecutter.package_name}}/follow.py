"""`serve --reload`: the service in a new process after every change of the source.

Nearly all of a start is the import of libraries. Multiprocessing's fork server imports them once;
each process is forked from it, and imports nothing but the project's own modules.
"""

import ast
import logging
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

_LOGGER = logging.getLogger(__name__)
_PAUSE_SECONDS: Final = 0.1


def follow_source(
    folder: Path, serve: Callable[[socket.socket], None], listener: socket.socket
) -> None:
    """Take the source's folder, and a function that serves on a socket; run it until told to stop.

    It runs in a process of its own, and in a new one after every change of a Python file. One that
    fails leaves its traceback in the log; the next change starts another.
    """
    # As a container's first process, Python would ignore SIGTERM: only init's own handlers count.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(sorted(libraries(folder)))

    def start() -> BaseProcess:
        process = context.Process(target=serve, args=(listener,))
        process.start()
        return process

    try:
        known = _states(folder)
        current = start()
        while True:
            time.sleep(_PAUSE_SECONDS)
            found = _states(folder)
            if changed := {path.name for path, _ in found.items() ^ known.items()}:
                known = found
                _LOGGER.info("reloading: %s changed", ", ".join(sorted(changed)))
                # It ends what it has begun to answer; new requests wait at the socket, but for one
                # that it has accepted just now and not read: that is closed.
                current.terminate()
                current = start()
    except KeyboardInterrupt:
        # Also those that have been replaced but not yet answered everything.
        for process in multiprocessing.active_children():
            process.terminate()
        for process in multiprocessing.active_children():
            process.join()


def libraries(folder: Path) -> set[str]:
    """Take the source's folder; give the modules that it imports from elsewhere."""
    modules: set[str] = set()
    for path in folder.rglob("*.py"):
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:
            continue  # the service will say so
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                modules.add(node.module)
    return modules


def _states(folder: Path) -> dict[Path, tuple[int, int]]:
    """Take a folder; give what an edit changes of each Python file, and of `table.toml`, in it.

    The files are looked at, ten times a second, because the kernel's events for changes do not
    pass every kind of mount, such as that of a folder into Docker Desktop's virtual machine.
    """
    states = {}
    for path in (*folder.rglob("*.py"), *folder.rglob("*.toml")):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # an editor was quicker
        states[path] = (state.st_mtime_ns, state.st_size)
    return states
