"""The engine's API over its Unix socket: several questions at once, one order after another, nothing to import.

The Docker SDK's import takes longer than a listing of everything that a project has on an engine, or than starting a
container, and it asks one question after the other. Here all questions are sent before the first answer is read, so
that the engine works on them together. HTTP/1.0 keeps it short: an answer ends where its connection does, and an engine
sends it in one piece.
Source: https://docs.docker.com/reference/api/engine/ (paths, parameters, and the words in which a version is refused).
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Final, NamedTuple

# API 1.44 is Docker 25: the first whose health checks have `start_interval`.
OLDEST_API: Final = (1, 44)
TIMEOUT: Final = 60.0
_CHUNK: Final = 1 << 16
# 304 is what the engine says where a container runs already, or has stopped already.
_DONE: Final = frozenset({200, 201, 204, 304})
_UPGRADED: Final = frozenset({101, 200})
# Connections open at the same time: an engine has its share of open files to keep for others.
_AT_ONCE: Final = 32
_TOO_OLD_FOR_ENGINE: Final = re.compile(r"client version \S+ is too old\. Minimum supported API version is (\d+\.\d+)")
_TOO_NEW_FOR_ENGINE: Final = re.compile(r"client version \S+ is too new\. Maximum supported API version is (\d+\.\d+)")


class Question(NamedTuple):
    """A path of the API below its version, and parameters; filters are a mapping to one value or more."""

    path: str
    parameters: Mapping[str, Any] = {}

    def target(self) -> str:
        """Return path and parameters as one string, quoted."""
        from urllib.parse import quote, urlencode

        values = {
            name: json.dumps(_listed(value)) if isinstance(value, Mapping) else str(value)
            for name, value in self.parameters.items()
        }
        return quote(self.path, safe="/:@") + (f"?{urlencode(values)}" if values else "")


class RefusedError(Exception):
    """The engine's refusal, in its own words."""

    def __init__(self, status: int, explanation: str) -> None:
        super().__init__(explanation)
        self.status = status
        self.explanation = explanation


class Reply(NamedTuple):
    """What the engine says to an order."""

    status: int
    body: bytes

    @property
    def is_done(self) -> bool:
        """Whether it is so now, or was before."""
        return self.status in _DONE

    def data(self) -> Any:
        """Return what was sent with it.

        Raises:
            ConnectionResetError: where it is cut off.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise ConnectionResetError("the answer is cut off") from None

    def refusal(self) -> RefusedError:
        """Return what it says where it is not done."""
        return RefusedError(self.status, _explanation(self.body))


class Stream(NamedTuple):
    """A connection that carries the output of a container: ``receive`` up to so many bytes, none at its end."""

    receive: Callable[[int], bytes]
    close: Callable[[], None]


class OldEngineError(Exception):
    """The engine speaks only older versions of its API; the argument is its newest."""


class Wire:
    """Asks the engine behind the Unix socket at ``path``. ``answered`` says whether it ever did."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.api = ".".join(map(str, OLDEST_API))
        self.answered = False

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        """Return the answers to ``questions`` in their order; None to a question about something that is not there.

        Raises:
            RefusedError: what the engine refuses otherwise.
            OldEngineError: an engine that does not speak ``OLDEST_API``.
            OSError: an engine that does not answer.
        """
        answers: list[Any] = []
        for first in range(0, len(questions), _AT_ONCE):
            answers += self._ask(questions[first : first + _AT_ONCE])
        return answers

    def _ask(self, questions: Sequence[Question]) -> list[Any]:
        connections: list[socket.socket] = []
        spoken = self.api
        try:
            for question in questions:
                connections.append(self._send(question, TIMEOUT))  # noqa: PERF401 - all are closed, if one fails
            return [self._answer(*one, spoken) for one in zip(questions, connections, strict=True)]
        finally:
            for connection in connections:
                connection.close()

    def order(self, question: Question, method: str, body: Any, patience: float | None) -> Reply:
        """Have the engine do what ``question`` names, with ``body`` as JSON unless it is None; return what it says.

        It may take ``patience`` seconds; None is as long as it wants.

        Raises:
            OldEngineError: an engine that does not speak ``OLDEST_API``.
            OSError: an engine that does not answer.
        """
        spoken = self.api
        with self._send(question, patience, method, body) as connection:
            reply = Reply(*_received(connection))
        self.answered = True
        if reply.is_done:
            return reply
        if self._turns_to(reply.body, spoken):
            return self.order(question, method, body, patience)
        _refuse_version(reply.body)
        return reply

    def attach(self, question: Question) -> Stream:
        """Return the stream that the engine makes of the connection.

        Raises:
            RefusedError, OldEngineError, OSError: as ``ask``.
        """
        spoken = self.api
        with ExitStack() as stack:
            connection = stack.enter_context(self._send(question, TIMEOUT, "POST", upgrade=True))
            reader = stack.enter_context(connection.makefile("rb"))
            status = _status(reader.readline())
            length = -1
            while line := reader.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            if status in _UPGRADED:
                self.answered = True
                connection.settimeout(None)
                # Whoever waits for more of it in another thread holds the reader: first there has to be no more.
                stack.callback(hang_up, connection)
                return Stream(reader.read1, stack.pop_all().close)
            # Such a connection stays open: its end would not come.
            body = reader.read(length)
        if not self._turns_to(body, spoken):
            self._refuse(status, body)
        return self.attach(question)

    def lines(self, question: Question, patience: float | None = None) -> Iterator[dict[str, Any]]:
        """Yield what the engine sends on and on, a line of JSON each, until it ends or the iterator is closed.

        Silence for ``patience`` seconds ends it, too.

        Raises:
            RefusedError, OldEngineError, OSError: as ``ask``.
        """
        with self._send(question, None) as connection, connection.makefile("rb") as stream:
            status = _status(stream.readline())
            while stream.readline().strip():
                pass
            if status != 200:
                self._refuse(status, stream.read())
            self.answered = True
            connection.settimeout(patience)
            try:
                for line in stream:
                    yield json.loads(line)
            except TimeoutError:
                return

    def _send(
        self,
        question: Question,
        timeout: float | None,
        method: str = "GET",
        body: Any = None,
        *,
        upgrade: bool = False,
    ) -> socket.socket:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} /v{self.api}{question.target()} HTTP/1.{int(upgrade)}", "Host: docker"]
        if data:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        if upgrade:
            lines += ["Connection: Upgrade", "Upgrade: tcp"]
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(timeout)
            connection.connect(self.path)
            connection.sendall("\r\n".join((*lines, "", "")).encode() + data)
        except BaseException:
            connection.close()
            raise
        return connection

    def _answer(self, question: Question, connection: socket.socket, spoken: str) -> Any:
        status, body = _received(connection)
        if status == 200:
            self.answered = True
            return Reply(status, body).data()
        if status == 404:
            self.answered = True
            return None
        if self._turns_to(body, spoken):
            return self.ask([question])[0]
        return self._refuse(status, body)

    def _turns_to(self, body: bytes, spoken: str) -> bool:
        """Whether an engine that refused version ``spoken`` says which it wants: that is taken from now on."""
        accepted = _TOO_OLD_FOR_ENGINE.search(_explanation(body))
        if accepted is None or accepted[1] == spoken:
            return False
        self.api = accepted[1]
        return True

    def _refuse(self, status: int, body: bytes) -> None:
        self.answered = True
        _refuse_version(body)
        raise RefusedError(status, _explanation(body))


def _refuse_version(body: bytes) -> None:
    newest = _TOO_NEW_FOR_ENGINE.search(_explanation(body))
    if newest:
        raise OldEngineError(newest[1])


def hang_up(connection: Any) -> None:
    """End a connection for whoever reads from it; closing it would wait for them."""
    # One that the other side ended, and what the SDK has in the place of a socket, has no more to be waited for.
    with suppress(OSError, AttributeError):
        connection.shutdown(socket.SHUT_RDWR)


def _listed(filters: Mapping[str, Any]) -> dict[str, list[str]]:
    return {key: [value] if isinstance(value, str) else list(value) for key, value in filters.items()}


def _received(connection: socket.socket) -> tuple[int, bytes]:
    received = bytearray()
    while chunk := connection.recv(_CHUNK):
        received += chunk
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    return _status(head), body


def _status(head: bytes) -> int:
    match = re.match(rb"HTTP/1\.\d (\d{3})", head)
    if match is None:
        raise ConnectionResetError("the answer is not HTTP")
    return int(match[1])


def _explanation(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, TypeError, KeyError):
        return body.decode("utf-8", "replace").strip()
