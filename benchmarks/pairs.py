"""What is compared with what, and how far envman may be behind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.projects import ENVIRONMENTS, write_checked, write_services, write_shipped, write_sleepers
from benchmarks.timing import Pair, Side

_SCRIPT: Final = Path(sys.executable).with_name("envman")
# What a user starts: the installed script where there is one.
ENVMAN: Final = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "envman"]
COMPOSE: Final = ["docker", "compose"]
# What would change the meaning of a command, or keep Python from having the bytecode that an installation has.
_DROPPED: Final = ("COMPOSE_", "ENVMAN_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
DOWN: Final = ["down", "--timeout", "0"]


class Bench:
    """A folder for the projects of one run, and the environment that all processes get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.environ: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)},
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(self.cache),
            "NO_COLOR": "1",
        }

    def call(self, *command: str, directory: Path) -> None:
        """Run a command that is not timed."""
        done = subprocess.run(
            command, cwd=directory, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()}")

    def forget(self, root: Path) -> Callable[[], None]:
        """Return what removes everything that envman could know of ``root`` from a run before."""

        def prepare() -> None:
            shutil.rmtree(self.cache, ignore_errors=True)
            shutil.rmtree(root / ".envman" / "dev", ignore_errors=True)

        return prepare


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


SIX: Final = 6
_BOTH: Final = ("one", "two")


@contextmanager
def switch_beside(bench: Bench) -> Iterator[Pair]:
    """Compare a switch there and back of stacks that can overlap."""
    title = "switch, 6 services; stop of the one, up --detach --wait of the other"
    with _switching(bench, "switch", title, 1.1, shared=False) as pair:
        yield pair


@contextmanager
def switch_port(bench: Bench) -> Iterator[Pair]:
    """Compare a switch there and back of stacks that publish one host port."""
    with _switching(bench, "switch-port", "the same, with one host port in both", 1.1, shared=True) as pair:
        yield pair


@contextmanager
def switch_gap(bench: Bench) -> Iterator[Pair]:
    """Compare how long neither of two stacks served that publish one host port."""
    with _switching(bench, "switch-gap", "time without service, one host port in both", 0.8, shared=True) as pair:
        told = [[*ENVMAN, "--format", "json", *command[len(ENVMAN) :]] for command in pair.envman.commands]
        yield replace(pair, envman=replace(pair.envman, commands=told, read=_gap))


def _gap(output: str) -> float:
    return float(json.loads(output)["result"]["gap_seconds"])


@contextmanager
def _switching(bench: Bench, name: str, title: str, target: float, *, shared: bool) -> Iterator[Pair]:
    root = bench.folder / name
    ports = (_free_port(), _free_port()) if shared else None
    write_checked(root, f"bench-{secrets.token_hex(3)}", _BOTH, SIX, ports)
    try:
        bench.call(*ENVMAN, "up", "one", directory=root)
        bench.call(*COMPOSE, "--file", "one.yaml", "up", "--detach", "--wait", directory=root)
        envman, compose = [], []
        for source, other in (_BOTH, reversed(_BOTH)):
            envman.append([*ENVMAN, "switch", other])
            compose.append([*COMPOSE, "--file", f"{source}.yaml", "stop"])
            compose.append([*COMPOSE, "--file", f"{other}.yaml", "up", "--detach", "--wait"])
        yield Pair(name, title, Side(envman, root), Side(compose, root), target)
    finally:
        for environment in _BOTH:
            bench.call(*ENVMAN, "down", environment, "--yes", directory=root)
            bench.call(*COMPOSE, "--file", f"{environment}.yaml", *DOWN, directory=root)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
    "switch": switch_beside,
    "switch-port": switch_port,
    "switch-gap": switch_gap,
}
