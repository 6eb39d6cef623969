"""A named pipe that a container on this machine writes into: no daemon stands between."""

from __future__ import annotations

import fcntl
import os
import platform
import select
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

from envman.engine.connection import Engine
from envman.engine.streams import STDOUT, frames
from envman.engine.wire import Question

_STDERR: Final = 2
_PIECE: Final = 1 << 20
# Linux's number for F_SETPIPE_SZ; an unprivileged process may ask for 1 MB.
_SET_SIZE: Final = 1031
# Milliseconds, then seconds.
_LOOK_AGAIN: Final = 100
_PATIENCE: Final = 60
_PREFIX: Final = "pipe-"


def shares_kernel(engine: Engine) -> bool:
    """Return whether containers on ``engine`` run on the kernel that this process runs on.

    A wrong yes costs one failed try: the path of the pipe is not there, and the copy goes through the engine.
    """
    if not engine.endpoint.is_local or platform.system() != "Linux":
        return False
    (info,) = engine.ask(Question("/info"))
    return bool(info.get("KernelVersion") == platform.release()) and "Desktop" not in str(info.get("OperatingSystem"))


@dataclass(frozen=True, slots=True)
class Pipe:
    """A named pipe, open for reading."""

    path: Path
    descriptor: int

    @classmethod
    @contextmanager
    def made_in(cls, folder: Path) -> Iterator[Pipe]:
        """Yield a new pipe; it goes with the body."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder, ignore_cleanup_errors=True) as own:
            path = Path(own) / "tar"
            os.mkfifo(path)
            # Root in the container may be anybody here; the folder around it lets nobody else in.
            path.chmod(0o666)
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                with suppress(OSError):
                    fcntl.fcntl(descriptor, _SET_SIZE, _PIECE)
                yield cls(path, descriptor)
            finally:
                os.close(descriptor)

    @staticmethod
    def sweep(folder: Path) -> None:
        """Remove the pipes that killed commands left in ``folder``."""
        for own in folder.glob(f"{_PREFIX}*"):
            (own / "tar").unlink(missing_ok=True)
            own.rmdir()

    def frames(
        self, receive: Callable[[int], bytes], has_ended: Callable[[], bool]
    ) -> Generator[tuple[int, bytes], None, None]:
        """Yield what comes through the pipe as standard output, then what ``receive`` brings of standard error.

        ``has_ended`` says whether the writer has gone, for one that never opened the pipe.
        """
        said: list[bytes] = []
        listener = Thread(target=lambda: said.extend(piece for _, piece in frames(receive)), daemon=True)
        listener.start()
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        while True:
            if poll.poll(_LOOK_AGAIN):
                piece = os.read(self.descriptor, _PIECE)
                if not piece:
                    break
                yield STDOUT, piece
            elif has_ended():
                break
        listener.join(_PATIENCE)
        yield from ((_STDERR, piece) for piece in said)
