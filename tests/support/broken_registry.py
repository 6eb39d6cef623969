"""A registry on loopback that ends in the middle of a layer, and is not itself again."""

from __future__ import annotations

import hashlib
import json
import os

from stand_in_registry import Say, StandInRegistry

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
_GOING_DOWN = b'{"errors": [{"code": "DENIED", "message": "going down"}]}'
_BYTES = {"Content-Type": "application/octet-stream"}


class BrokenRegistry(StandInRegistry):
    """Serves one image under every name; its layer breaks off half-way, and whoever asks again gets no more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.cut_off = 0

    def answer(self, method: str, path: str) -> Say:  # noqa: ARG002
        if self.cut_off and path.endswith(_digest(_LAYER)):
            return Say(403, _GOING_DOWN, {"Content-Type": "application/json"})
        if "/manifests/" in path:
            return Say(200, _MANIFEST, {"Content-Type": _KIND, "Docker-Content-Digest": _digest(_MANIFEST)})
        if path.endswith(_digest(_CONFIG)):
            return Say(200, _CONFIG, _BYTES)
        if "/blobs/" in path:
            self.cut_off += 1
            return Say(200, _LAYER, _BYTES, cut=len(_LAYER) // 2)
        return Say()
