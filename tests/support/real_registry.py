"""A real registry on loopback: Debian's ``docker-registry``, plain, with a login, with TLS from a CA of its own.

    with RealRegistry() as registry:
        digest = registry.push(tiny_image("one"), "team/model", "1")
        registry.name("team/model", "1")  # 127.0.0.1:PORT/team/model:1

Images are put over HTTP, so no engine is needed; ``push_from_engine`` is for those that have to run.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import ctypes.util
import gzip
import hashlib
import http.client
import io
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from daemons import ends_with_us

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Image:
    """What one platform gets: its manifest, and the blobs by digest. ``id`` is its ID in an engine."""

    media_type: str
    manifest: bytes
    blobs: Mapping[str, bytes]
    platform: Mapping[str, str]

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def id(self) -> str:
        return str(json.loads(self.manifest)["config"]["digest"])

    def described(self) -> dict[str, Any]:
        return {
            "mediaType": self.media_type,
            "size": len(self.manifest),
            "digest": self.digest,
            "platform": dict(self.platform),
        }


@dataclass(frozen=True)
class Index:
    """An image of several platforms."""

    images: tuple[Image, ...]
    manifest: bytes = field(default=b"")
    media_type: str = INDEX

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)


def tiny_image(content: str, *, platform: str = "linux/amd64", labels: Mapping[str, str] | None = None) -> Image:
    """Return an image of two layers; the same words are the same image."""
    system, architecture, *variant = platform.split("/")
    layers = [_layer(f"first/{content}"), _layer(f"second/{content}")]
    packed = [gzip.compress(layer, mtime=0) for layer in layers]
    about = {"architecture": architecture, "os": system, **({"variant": variant[0]} if variant else {})}
    config = json.dumps(
        {
            **about,
            "created": "2026-01-02T03:04:05Z",
            "config": {"Cmd": ["/first"], "Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
            "history": [{"created": "2026-01-02T03:04:05Z", "created_by": "a test"} for _ in layers],
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": len(config), "digest": digest_of(config)},
            "layers": [{"mediaType": LAYER, "size": len(one), "digest": digest_of(one)} for one in packed],
        }
    ).encode()
    return Image(MANIFEST, manifest, {digest_of(one): one for one in [config, *packed]}, about)


def tiny_index(content: str, *platforms: str, attested: bool = False) -> Index:
    """Return an image of several platforms, as BuildKit makes it: ``attested`` with a provenance beside each."""
    images = [tiny_image(content, platform=platform) for platform in platforms or ("linux/amd64", "linux/arm64")]
    described = [image.described() for image in images]
    if attested:
        for image in list(images):
            proof = tiny_image(f"{content}/attestation/{image.digest}", platform="unknown/unknown")
            images.append(proof)
            described.append(
                {
                    **proof.described(),
                    "annotations": {
                        "vnd.docker.reference.digest": image.digest,
                        "vnd.docker.reference.type": "attestation-manifest",
                    },
                }
            )
    manifest = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": described}).encode()
    return Index(tuple(images), manifest)


def _layer(content: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(content.split("/", 1)[0])
        entry.size = len(content.encode())
        tar.addfile(entry, io.BytesIO(content.encode()))
    return packed.getvalue()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class RealRegistry:
    """The registry, its storage in a folder of its own. Only the process that it started is ended."""

    def __init__(self, *, login: tuple[str, str] | None = None, tls: bool = False, host: str = "127.0.0.1") -> None:
        for program in ("docker-registry", *(["openssl"] if tls else [])):
            if shutil.which(program) is None:
                pytest.skip(f"a real registry needs {program}")
        self.folder = Path(tempfile.mkdtemp(prefix="registry"))
        self.login = login
        self.host = host
        self.port = 0
        self.ca = self.folder / "ca.pem" if tls else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def name(self, repository: str, tag: str = "latest") -> str:
        return f"{self.address}/{repository}:{tag}"

    def push(self, image: Image | Index, repository: str, tag: str | None = None) -> str:
        """Put ``image``; return its digest."""
        if isinstance(image, Index):
            for one in image.images:
                self.push(one, repository)
        else:
            for digest, blob in image.blobs.items():
                self._put_blob(repository, digest, blob)
        target = f"/v2/{repository}/manifests/{tag or image.digest}"
        answer = self.request("PUT", target, image.manifest, {"Content-Type": image.media_type})
        assert answer.status == 201, answer.body
        return image.digest

    def push_from_engine(self, image: str, repository: str, tag: str = "latest") -> str:
        """Push what the engine has as ``image``; return its digest. The engine keeps no other name of it."""
        name = self.name(repository, tag)
        with self.docker_config() as config:
            environment = {**os.environ, "DOCKER_CONFIG": str(config)}
            for arguments in (["tag", image, name], ["push", "--quiet", name], ["rmi", "--no-prune", name]):
                done = subprocess.run(
                    ["docker", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
                )
                assert done.returncode == 0, done.stderr
        return self.digest(repository, tag)

    def forget_on_engine(self) -> None:
        """Take from the engine every name that leads here; no other name of the same images goes with them."""
        listing = ["docker", "images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}"]
        shown = subprocess.run(listing, capture_output=True, text=True, check=True)
        ours = set()
        for repository, tag, digest in map(str.split, shown.stdout.splitlines()):
            if repository.startswith(f"{self.address}/"):
                ours |= {f"{repository}:{tag}", f"{repository}@{digest}"}
        names = sorted(one for one in ours if not one.endswith("<none>"))
        if names:
            subprocess.run(["docker", "rmi", "--force", *names], capture_output=True, check=False)

    def digest(self, repository: str, tag: str) -> str:
        answer = self.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": _ACCEPT})
        assert answer.status == 200, answer
        return answer.headers["docker-content-digest"]

    def has(self, repository: str, reference: str) -> bool:
        """Return whether the tag or digest is there."""
        return (
            self.request("HEAD", f"/v2/{repository}/manifests/{reference}", headers={"Accept": _ACCEPT}).status == 200
        )

    def delete(self, repository: str, digest: str) -> None:
        """Delete the manifest, and so every tag that leads to it."""
        answer = self.request("DELETE", f"/v2/{repository}/manifests/{digest}")
        assert answer.status == 202, answer.body

    def tags(self, repository: str) -> list[str]:
        return sorted(json.loads(self.request("GET", f"/v2/{repository}/tags/list").body).get("tags") or [])

    def set_login(self, user: str, password: str) -> None:
        """Let nobody else in from now on: logins that were made before have expired."""
        self.login = (user, password)
        (self.folder / "htpasswd").write_text(f"{user}:{_bcrypt(password)}\n")
        # The registry reads the file again when its time has changed, and some file systems count whole seconds.
        later = time.time() + 2
        os.utime(self.folder / "htpasswd", (later, later))

    @contextlib.contextmanager
    def docker_config(self) -> Iterator[Path]:
        """Yield a folder for ``DOCKER_CONFIG`` that is logged in here."""
        with tempfile.TemporaryDirectory(prefix="docker") as folder:
            (Path(folder) / "config.json").write_text(json.dumps(self.logged_in()))
            yield Path(folder)

    def logged_in(self) -> dict[str, Any]:
        """Return the content of a ``config.json`` that is logged in here."""
        if self.login is None:
            return {}
        return {"auths": {self.address: {"auth": base64.b64encode(":".join(self.login).encode()).decode()}}}

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask the registry something, logged in."""
        sent = dict(headers or {})
        if self.login is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        connection: http.client.HTTPConnection
        if self.ca is None:
            connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        else:
            trusted = ssl.create_default_context(cafile=str(self.ca))
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=30, context=trusted)
        try:
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def _put_blob(self, repository: str, digest: str, blob: bytes) -> None:
        begun = self.request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        assert begun.status == 202, begun.body
        where = begun.headers["location"].split("//", 1)[-1]
        target = "/" + where.split("/", 1)[1]
        joint = "&" if "?" in target else "?"
        done = self.request(
            "PUT", f"{target}{joint}digest={digest}", blob, {"Content-Type": "application/octet-stream"}
        )
        assert done.status == 201, done.body

    def start(self) -> None:
        """Start the registry, again on the same port, and wait until it answers."""
        for _ in range(5):
            self.port = self.port or _free_port(self.host)
            (self.folder / "registry.yml").write_text(json.dumps(self._configuration()))
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    ends_with_us("docker-registry", "serve", str(self.folder / "registry.yml")),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")},
                )  # fmt: skip
            if self._answers_soon(self._process):
                return
            # Somebody else took the port between the look and the start.
            self.port = 0
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def _answers_soon(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + 30
        while process.poll() is None:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            try:
                if self.request("GET", "/v2/").status in {200, 401} and process.poll() is None:
                    return True
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self) -> None:
        """End the registry: it is away, its port and its content stay its own."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    def _configuration(self) -> dict[str, Any]:
        http_: dict[str, Any] = {"addr": self.address, "secret": "for tests"}
        if self.ca is not None:
            http_["tls"] = {"certificate": str(self.folder / "cert.pem"), "key": str(self.folder / "key.pem")}
        configuration: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}, "delete": {"enabled": True}},
            "http": http_,
        }
        if self.login is not None:
            configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(self.folder / "htpasswd")}}
        return configuration

    def __enter__(self) -> Self:
        try:
            if self.login is not None:
                self.set_login(*self.login)
            if self.ca is not None:
                _make_certificates(self.folder, self.host)
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


_ACCEPT = f"{MANIFEST}, {INDEX}, {DOCKER_MANIFEST}, {DOCKER_INDEX}"


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _bcrypt(password: str) -> str:
    """Return the only kind of hash that the registry takes; Debian's libcrypt makes it."""
    library = ctypes.util.find_library("crypt")
    if library is None:
        pytest.skip("a registry with a login needs libcrypt")
    crypt = ctypes.CDLL(library).crypt
    crypt.restype = ctypes.c_char_p
    made = crypt(password.encode(), b"$2b$04$abcdefghijklmnopqrstuu")
    if not made or not made.startswith(b"$2b$"):
        pytest.skip("a registry with a login needs a libcrypt that knows bcrypt")
    return bytes(made).decode()


def _make_certificates(folder: Path, host: str) -> None:
    """Make a CA and a certificate from it: ``ca.pem``, ``cert.pem``, ``key.pem``."""
    (folder / "names").write_text(f"subjectAltName=IP:{host},DNS:localhost\nextendedKeyUsage=serverAuth\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for arguments in (
        ["req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=a private CA",
         "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        ["req", *curve, "-keyout", "key.pem", "-out", "request.pem", "-subj", f"/CN={host}"],
        ["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
         "-extfile", "names", "-out", "cert.pem"],
    ):  # fmt: skip
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
