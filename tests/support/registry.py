"""A registry on loopback that ends in the middle of a layer, and is not itself again."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_LAYER = os.urandom(1 << 20)
_CONFIG = json.dumps(
    {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}
).encode()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


_KIND = "application/vnd.docker.distribution.manifest.v2+json"
_MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": _KIND,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": len(_CONFIG),
            "digest": _digest(_CONFIG),
        },
        "layers": [
            {
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": len(_LAYER),
                "digest": _digest(_LAYER),
            }
        ],
    }
).encode()


class BrokenRegistry:
    """Serves one image, whose layer breaks off half-way; whoever asks again gets no more of it."""

    def __init__(self) -> None:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                registry._answer(self)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self.cut_off = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.cut_off and request.path.endswith(_digest(_LAYER)):
            self._send(request, 403, "application/json", b'{"errors": [{"code": "DENIED", "message": "going down"}]}')
        elif "/manifests/" in request.path:
            self._send(request, 200, _KIND, _MANIFEST)
        elif request.path.endswith(_digest(_CONFIG)):
            self._send(request, 200, "application/octet-stream", _CONFIG)
        elif "/blobs/" in request.path:
            self.cut_off += 1
            self._send(request, 200, "application/octet-stream", _LAYER, cut=True)
        else:
            self._send(request, 200, "application/json", b"{}")

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, kind: str, body: bytes, *, cut: bool = False) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        if kind == _KIND:
            request.send_header("Docker-Content-Digest", _digest(body))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            request.close_connection = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
