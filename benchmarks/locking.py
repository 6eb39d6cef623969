"""What a lock costs: making it, and holding a stack to it."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.bench import COMPOSE, DOWN, ENVMAN, Bench
from benchmarks.projects import write_sleepers
from benchmarks.timing import Pair, Side

# What the shipped prod environment takes from registries.
_IMAGES: Final = ("postgres:17", "nginx:1.28", "python:3.13-slim")


@contextmanager
def lock_prod(bench: Bench) -> Iterator[Pair]:
    """Compare a lock of the shipped prod, made from nothing, with Compose's look at the digests of its images."""
    root = bench.folder / "locked"
    bench.call(*ENVMAN, "new", root.name, "--no-input", "--no-git", directory=bench.folder)
    hub = _hub()
    services = "".join(f"  s{number}: {{image: '{hub}{one}'}}\n" for number, one in enumerate(_IMAGES))
    (root / "compose.yaml").write_text(f"name: locked\nservices:\n{services}", encoding="utf-8")
    lock = root / "blueprints" / "prod.lock"
    yield Pair(
        "lock-prod",
        "lock of the shipped prod; config --resolve-image-digests of its three images",
        Side([[*ENVMAN, "lock", "prod"]], root, lambda: lock.unlink(missing_ok=True)),
        Side([[*COMPOSE, "config", "--resolve-image-digests"]], root),
        10.0,
        limit=2.0,
    )


def _hub() -> str:
    """Return the prefix under which the engine's mirror has Docker Hub's images: Compose does not look there itself."""
    form = "{{json .RegistryConfig.Mirrors}}"
    done = subprocess.run(["docker", "info", "--format", form], capture_output=True, text=True, check=True)
    mirrors = json.loads(done.stdout) or []
    return f"{mirrors[0].partition('//')[2].rstrip('/')}/library/" if mirrors else ""


@contextmanager
def up_frozen(bench: Bench) -> Iterator[Pair]:
    """Compare ``up --frozen`` with ``up``, both of six services that are made anew."""
    root = bench.folder / "up-frozen"
    write_sleepers(root, f"bench-{secrets.token_hex(3)}", ("dev",), 6)
    try:
        bench.call(*ENVMAN, "lock", "dev", directory=root)
        bench.call(*ENVMAN, "up", "dev", "--frozen", directory=root)
        up = [*ENVMAN, "up", "dev", "--recreate"]
        yield Pair(
            "up-frozen",
            "up --frozen of 6 services made anew; the same without --frozen",
            Side([[*up, "--frozen"]], root),
            Side([up], root),
            1.2,
            more=0.3,
        )
    finally:
        bench.call(*ENVMAN, "down", "dev", "--yes", directory=root)


@contextmanager
def up_frozen_idle(bench: Bench) -> Iterator[Pair]:
    """Compare ``up --frozen`` of six services that are up already with Compose's ``up`` of them."""
    root = bench.folder / "up-frozen-idle"
    write_sleepers(root, f"bench-{secrets.token_hex(3)}", ("dev",), 6)
    try:
        bench.call(*ENVMAN, "lock", "dev", directory=root)
        bench.call(*ENVMAN, "up", "dev", "--frozen", directory=root)
        bench.call(*COMPOSE, "--file", "dev.yaml", "up", "--detach", "--wait", directory=root)
        yield Pair(
            "up-frozen-idle",
            "up --frozen with nothing to do, 6 services; up --detach --wait",
            Side([[*ENVMAN, "up", "dev", "--frozen"]], root),
            Side([[*COMPOSE, "--file", "dev.yaml", "up", "--detach", "--wait"]], root),
            0.2,
        )
    finally:
        bench.call(*ENVMAN, "down", "dev", "--yes", directory=root)
        bench.call(*COMPOSE, "--file", "dev.yaml", *DOWN, directory=root)
