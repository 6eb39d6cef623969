"""What is compared with what, and how far envman may be behind."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.bench import COMPOSE, DOWN, ENVMAN, Bench
from benchmarks.locking import lock_prod, up_frozen, up_frozen_idle
from benchmarks.projects import ENVIRONMENTS, write_services, write_shipped, write_sleepers
from benchmarks.snapshots import snapshot_api, snapshot_large, snapshot_many
from benchmarks.switching import switch_beside, switch_gap, switch_port
from benchmarks.timing import Pair, Side


@contextmanager
def render_cold(bench: Bench) -> Iterator[Pair]:
    """Compare a render of 8 services, with nothing cached."""
    with _render(bench, "render-8-cold", "render, 8 services, nothing cached", 8, 1.7, cold=True) as pair:
        yield pair


@contextmanager
def render_unchanged(bench: Bench) -> Iterator[Pair]:
    """Compare a render of 8 services, with input that has not changed."""
    with _render(bench, "render-8-unchanged", "render, 8 services, unchanged input", 8, 1.0, cold=False) as pair:
        yield pair


@contextmanager
def render_many(bench: Bench) -> Iterator[Pair]:
    """Compare a render of 1,000 services, with nothing cached."""
    title = "render, 1,000 services, nothing cached"
    with _render(bench, "render-1000-cold", title, 1000, 0.5, cold=True, memory=300) as pair:
        yield pair


@contextmanager
def _render(
    bench: Bench, name: str, title: str, services: int, target: float, *, cold: bool, memory: float | None = None
) -> Iterator[Pair]:
    root = bench.folder / name
    write_services(root, "bench", services)
    envman = Side([[*ENVMAN, "render", "dev"]], root)
    if cold:
        envman = Side(envman.commands, root, bench.forget(root))
    yield Pair(name, title, envman, Side([[*COMPOSE, "config"]], root), target, memory)


@contextmanager
def check_shipped(bench: Bench) -> Iterator[Pair]:
    """Compare a check of the four shipped environments with Compose's reading of their four renders."""
    root = bench.folder / "check"
    write_shipped(root, "bench")
    commands = []
    for environment in ENVIRONMENTS:
        file = f"{environment}.yml"
        bench.call(*ENVMAN, "render", environment, "--output", file, directory=root)
        commands.append([*COMPOSE, "--file", file, "config"])
    title = "check, the four shipped environments; config of the four"
    yield Pair("check-4", title, Side([[*ENVMAN, "check"]], root, bench.forget(root)), Side(commands, root), 1.0)


@contextmanager
def help_text(bench: Bench) -> Iterator[Pair]:
    """Compare the two help texts."""
    yield Pair(
        "help",
        "--help",
        Side([[*ENVMAN, "--help"]], bench.folder),
        Side([[*COMPOSE, "--help"]], bench.folder),
        1.5,
    )


@contextmanager
def up_idle(bench: Bench) -> Iterator[Pair]:
    """Compare ``up`` of six services that are up already."""
    title = "up with nothing to do, 6 services; up --detach --wait"
    with _running(bench, "up-idle", ("dev",), 6) as root:
        yield Pair(
            "up-idle",
            title,
            Side([[*ENVMAN, "up", "dev"]], root),
            Side([[*COMPOSE, "--file", "dev.yaml", "up", "--detach", "--wait"]], root),
            0.2,
        )


@contextmanager
def status(bench: Bench) -> Iterator[Pair]:
    """Compare the status of four environments with four ``ps``."""
    with _running(bench, "status-4", ENVIRONMENTS, 2) as root:
        yield Pair(
            "status-4",
            "status, four environments; ps of the four",
            Side([[*ENVMAN, "status"]], root),
            Side([[*COMPOSE, "--file", f"{environment}.yaml", "ps"] for environment in ENVIRONMENTS], root),
            1.0,
        )


@contextmanager
def _running(bench: Bench, name: str, environments: tuple[str, ...], services: int) -> Iterator[Path]:
    root = bench.folder / name
    write_sleepers(root, f"bench-{secrets.token_hex(3)}", environments, services)
    try:
        for environment in environments:
            bench.call(*ENVMAN, "up", environment, directory=root)
            bench.call(*COMPOSE, "--file", f"{environment}.yaml", "up", "--detach", "--wait", directory=root)
        yield root
    finally:
        for environment in environments:
            bench.call(*ENVMAN, "down", environment, "--yes", directory=root)
            bench.call(*COMPOSE, "--file", f"{environment}.yaml", *DOWN, directory=root)


WITHOUT_ENGINE: Final = {
    "render-8-cold": render_cold,
    "render-8-unchanged": render_unchanged,
    "render-1000-cold": render_many,
    "check-4": check_shipped,
    "help": help_text,
}
WITH_ENGINE: Final = {
    "up-idle": up_idle,
    "status-4": status,
    "lock-prod": lock_prod,
    "up-frozen": up_frozen,
    "up-frozen-idle": up_frozen_idle,
    "switch": switch_beside,
    "switch-port": switch_port,
    "switch-gap": switch_gap,
    "snapshot-many": snapshot_many,
    "snapshot-large": snapshot_large,
    "snapshot-api": snapshot_api,
}
