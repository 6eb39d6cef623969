"""Switches, compared with `stop` of the one environment and `up` of the other."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from benchmarks.bench import COMPOSE, DOWN, ENVMAN, Bench
from benchmarks.projects import write_checked
from benchmarks.timing import Pair, Side

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
