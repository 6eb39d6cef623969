"""A registry on loopback that says what a test wants it to: what no real one can be made to say."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Say:
    """An answer. ``cut`` ends it after that many bytes of the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass(frozen=True)
class Heard:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class StandInRegistry:
    """Answers ``METHOD PATH`` (without the query) with what it was told: several answers in turn, the last for ever."""

    def __init__(self) -> None:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stand_in._answer(self)

            do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self.answers: defaultdict[str, list[Say]] = defaultdict(list)
        self.answers["GET /v2/"] = [Say()]
        self.heard: list[Heard] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"

    def say(self, request: str, *answers: Say) -> None:
        self.answers[request] = list(answers)

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.heard]

    def answer(self, method: str, path: str) -> Say:
        known = self.answers[f"{method} {path}"]
        return known.pop(0) if len(known) > 1 else known[0] if known else Say(404, b'{"errors": []}')

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in request.headers.items()}
        with self._lock:
            self.heard.append(Heard(request.command, request.path, headers, body))
            say = self.answer(request.command, request.path.partition("?")[0])
        request.send_response(say.status)
        for name, value in say.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(say.body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(say.body[: say.cut])
        request.close_connection = say.cut is not None

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
