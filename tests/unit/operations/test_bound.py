"""A port between the states of an engine, with real sockets; the process that has it bears the name of an engine's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from envman.operations import bound
from envman.operations.bound import bound_by
from envman.plan.observed import PortHolder

LISTEN = """
import pathlib, socket, sys
pathlib.Path("/proc/self/comm").write_text(sys.argv[1])
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@contextmanager
def listening(name: str) -> Iterator[tuple[int, int, Callable[[], object]]]:
    """Yield a port that a process called ``name`` has, the process's ID, and what makes it let go."""
    process = subprocess.Popen(
        [sys.executable, "-c", LISTEN, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        yield int(process.stdout.readline()), process.pid, process.communicate


def asked(port: int, published: Callable[[], list[PortHolder]]) -> str:
    return bound_by(port, "127.0.0.1", "tcp", published=published, ours={"mine"})


def never() -> list[PortHolder]:
    raise AssertionError("the engine need not be asked")


def test_a_port_that_nobody_has_can_be_had() -> None:
    with listening("docker-proxy") as (port, _, let_go):
        let_go()
        assert asked(port, never) == ""


def test_any_other_process_is_named_at_once() -> None:
    with listening("nginx") as (port, pid, _):
        assert asked(port, never) == f"process nginx (pid {pid})"


def test_what_is_being_stopped_lets_go() -> None:
    with listening("docker-proxy") as (port, _, let_go):
        looks: list[int] = []

        def published() -> list[PortHolder]:
            looks.append(port)
            if len(looks) == 2:
                let_go()
            return []

        assert asked(port, published) == ""
        assert len(looks) == 2


@pytest.mark.parametrize(("project", "said"), [("mine", ""), ("other", "container web of Compose project other")])
def test_what_is_being_started_is_told_by_the_engine(project: str, said: str) -> None:
    with listening("docker-proxy") as (port, _, _):
        answers = iter([[], [PortHolder("web", project)]])
        assert asked(port, lambda: next(answers)) == said


def test_an_engine_that_never_says_whose_it_is_is_named_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "_PATIENCE", 0.3)
    with listening("docker-proxy") as (port, pid, _):
        assert asked(port, list) == f"process docker-proxy (pid {pid})"
