"""A snapshot beside ``tar | zstd`` of the same volume.

Where this process can read the engine's own folder, ``tar`` runs there, which nothing that goes through an engine can
beat; elsewhere it runs in a container. ``BENCH_MEGABYTES`` (default: 1000) is the size of a volume.
"""

from __future__ import annotations

import io
import json
import os
import random
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.bench import ENVMAN, Bench
from benchmarks.projects import write_store
from benchmarks.timing import Pair, Side

_IMAGE: Final = "python:3.13-slim"
_MANY: Final = 50_000
_BLOCK: Final = 1 << 20
# The part of the throughput that has to be reached.
_LOCAL: Final = 0.7
_ANYWHERE: Final = 0.5
_MEMORY: Final = 150.0


@contextmanager
def snapshot_many(bench: Bench) -> Iterator[Pair]:
    """Compare a snapshot of many small files."""
    with _snapshot(bench, "snapshot-many", "snapshot, {size} MB in files of 50 KB; tar to zstd", _MANY) as pair:
        yield pair


@contextmanager
def snapshot_large(bench: Bench) -> Iterator[Pair]:
    """Compare a snapshot of one large file."""
    with _snapshot(bench, "snapshot-large", "snapshot, {size} MB in one file; tar to zstd", None) as pair:
        yield pair


@contextmanager
def snapshot_api(bench: Bench) -> Iterator[Pair]:
    """Compare a snapshot by the engine's own archive, where the image has no ``tar``, with what ``docker cp`` gets."""
    image = f"bench-{secrets.token_hex(3)}:no-tar"
    dockerfile = f"FROM {_IMAGE}\nRUN rm -f /bin/tar /usr/bin/tar\n"
    subprocess.run(["docker", "build", "--quiet", "--tag", image, "-"], input=dockerfile.encode(), check=True,
                   capture_output=True)  # fmt: skip
    title = "snapshot by the engine's archive, {size} MB in files of 50 KB; docker cp to zstd"
    try:
        with _snapshot(bench, "snapshot-api", title, _MANY, image) as pair:
            yield pair
    finally:
        subprocess.run(["docker", "rmi", image], check=True, capture_output=True)


@contextmanager
def _snapshot(
    bench: Bench, name: str, title: str, file_size: int | None, without_tar: str | None = None
) -> Iterator[Pair]:
    size = int(os.environ.get("BENCH_MEGABYTES", "1000"))
    root = bench.folder / name
    project = f"bench-{secrets.token_hex(3)}"
    write_store(root, project, without_tar or _IMAGE)
    volume = f"{project}-dev_data"
    try:
        bench.call(*ENVMAN, "up", "dev", directory=root)
        _fill(f"{project}-dev-store-1", size * _BLOCK, file_size or size * _BLOCK)
        copied = bench.folder / f"{name}.tar.zst"
        if without_tar is None:
            command, target = _tar(volume, copied)
        else:
            command, target = f"docker cp {project}-dev-store-1:/data - | zstd -q -f -o {copied}", _ANYWHERE

        def forget() -> None:
            bench.call(*ENVMAN, "snapshot", "prune", "dev", "--keep", "0", "--yes", directory=root)

        yield Pair(
            name,
            title.format(size=size),
            Side([[*ENVMAN, "snapshot", "create", "dev", "--name", "one"]], root, forget),
            Side([["sh", "-c", command]], root),
            round(1 / target, 2),
            _MEMORY,
        )
    finally:
        bench.call(*ENVMAN, "down", "dev", "--volumes", "--no-snapshot", "--yes", directory=root)


def _tar(volume: str, target: Path) -> tuple[str, float]:
    shown = subprocess.run(["docker", "volume", "inspect", volume], capture_output=True, text=True, check=True)
    folder = json.loads(shown.stdout)[0]["Mountpoint"]
    if os.access(folder, os.R_OK | os.X_OK):
        return f"tar -c -C {folder} . | zstd -q -f -o {target}", _LOCAL
    mount = f"--volume {volume}:/volume:ro"
    return f"docker run --rm --log-driver none {mount} {_IMAGE} tar -c -C /volume . | zstd -q -f -o {target}", _ANYWHERE


def _fill(container: str, size: int, file_size: int) -> None:
    """Put ``size`` bytes into the container's volume; about a third of them compress."""
    source = random.Random(1)
    noise = source.randbytes(_BLOCK)
    process = subprocess.Popen(["docker", "cp", "-", f"{container}:/data"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    with tarfile.open(fileobj=process.stdin, mode="w|") as tar:
        for number in range(size // file_size):
            info = tarfile.TarInfo(f"{number // 200}/{number}")
            info.size = file_size
            tar.addfile(info, _Content(noise, file_size, source))
    process.stdin.close()
    if process.wait() != 0:
        raise RuntimeError(f"docker cp ended with {process.returncode}")


class _Content(io.RawIOBase):
    """A file of ``size`` bytes: pieces of noise, each time from another place, and text between them."""

    def __init__(self, noise: bytes, size: int, source: random.Random) -> None:
        self._noise = noise
        self._left = size
        self._source = source

    def read(self, size: int = -1) -> bytes:
        count = self._left if size < 0 else min(size, self._left)
        self._left -= count
        made = bytearray()
        while len(made) < count:
            start = self._source.randrange(len(self._noise) - 8192)
            made += self._noise[start : start + 8192] + b"a line of text that is like others\n" * 120
        return bytes(made[:count])
