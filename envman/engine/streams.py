"""The raw streams of containers and of commands in them."""

from __future__ import annotations

import socket as sockets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any, Final

from envman.engine.connection import Engine
from envman.engine.wire import Question, Stream, hang_up

STDOUT: Final = 1
_HEADER: Final = 8
_PIECE: Final = 1 << 18


def attached(api: Any, output: Question) -> Stream:
    """Return the stream of a container by the SDK's ``api``; ``output`` names it. Use it inside ``errors()``."""
    # Its own attach() would read it byte by byte.
    response = api._post(  # noqa: SLF001
        f"{api.base_url}/v{api.api_version}{output.target()}",
        headers={"Connection": "Upgrade", "Upgrade": "tcp"},
        stream=True,
    )
    api._raise_for_status(response)  # noqa: SLF001
    socket = api._get_raw_response_socket(response)  # noqa: SLF001

    def close() -> None:
        hang_up(getattr(socket, "_sock", socket))
        response.close()

    return Stream(receiver(socket), close)


def frames(receive: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield (stream, piece) until the other side closes. Source: the Engine API, "Attach to a container".

    The SDK's own reader polls before each read; on a TLS connection it can wait for bytes that were read already.
    """
    buffer = bytearray()
    stream, left = 0, 0
    while data := receive(_PIECE):
        buffer += data
        position = 0
        while position < len(buffer):
            if left:
                piece = bytes(memoryview(buffer)[position : position + left])
                position += len(piece)
                left -= len(piece)
                yield stream, piece
            elif len(buffer) - position >= _HEADER:
                stream = buffer[position]
                left = int.from_bytes(buffer[position + 4 : position + _HEADER], "big")
                position += _HEADER
            else:
                break
        del buffer[:position]


def receiver(socket: Any) -> Callable[[int], bytes]:
    """Return what reads from a ``socket`` that the SDK hands out, without losing what it has read itself."""
    inner = getattr(socket, "_sock", socket)
    if hasattr(inner, "settimeout"):
        inner.settimeout(None)
    # What came together with the head of the answer lies in the reader that took that: the SDK would lose it.
    response = getattr(socket, "_response", None)
    reader = getattr(getattr(getattr(response, "raw", None), "_fp", None), "fp", None)
    if reader is not None and hasattr(reader, "read1"):
        return reader.read1  # type: ignore[no-any-return]
    if hasattr(inner, "recv"):
        return inner.recv  # type: ignore[no-any-return]
    return socket.read  # type: ignore[no-any-return]


def run_inside(
    engine: Engine, container: str, command: list[str], *, user: str = "", stdin: Iterable[bytes] | None = None
) -> Iterator[tuple[int, bytes] | int]:
    """Run ``command`` in a running container, feed it ``stdin``; yield its output in pieces, and last its exit status.

    Raises:
        ValueError: where it is to be fed over TLS, where the end of its input cannot be told.
    """
    import ssl

    api = engine.api
    with engine.errors():
        made = api.exec_create(container, command, stdin=stdin is not None, user=user)["Id"]
        socket = api.exec_start(made, socket=True)
        inner = getattr(socket, "_sock", socket)
        feeder: Thread | None = None
        if stdin is not None:
            if isinstance(inner, ssl.SSLSocket):
                raise ValueError("a command cannot be fed over TLS")
            inner.settimeout(None)
            feeder = Thread(target=_feed, args=(inner, stdin), daemon=True)
            feeder.start()
        yield from frames(receiver(socket))
        if feeder is not None:
            feeder.join()
        socket.close()
        # What the SDK hands out is a file on top of it, and the connection would keep it open.
        inner.close()
        yield int(api.exec_inspect(made)["ExitCode"])


def _feed(socket: sockets.socket, pieces: Iterable[bytes]) -> None:
    # A command may end before it has read everything: its exit status says whether that is right.
    with suppress(OSError):
        for piece in pieces:
            socket.sendall(piece)
    with suppress(OSError):
        socket.shutdown(sockets.SHUT_WR)
