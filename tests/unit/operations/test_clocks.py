"""A clock that jumps, or differs from the engine's, changes neither what is waited for nor how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from environments import load
from stand_ins import container

from envman.diagnostics import EnvmanError
from envman.engine import observe
from envman.engine.connection import Engine
from envman.engine.endpoint import Endpoint
from envman.engine.wire import Question
from envman.operations.progress import Silent
from envman.operations.wait import StackWatch
from envman.plan.observed import ContainerState, Observed

TEXT = "services: {api: {image: b}}\n"
ENGINE = Endpoint("ssh://gpu-box", None, "DOCKER_HOST")
DAY = 86400.0


class Staged(StackWatch):
    """A watch that sees one thing after another, the last one for ever."""

    seen: tuple[tuple[ContainerState, ...], ...] = ()

    def observe(self) -> Observed:
        first, *rest = self.seen
        self.seen = tuple(rest) or (first,)
        return Observed(first)


class Told(Engine):
    """An engine whose time is known; ``asked`` are the paths that somebody wanted to read."""

    def __init__(self, **api: Any) -> None:
        super().__init__(ENGINE, SimpleNamespace(api=SimpleNamespace(**api)))  # type: ignore[arg-type]
        self.asked: list[str] = []

    def ask(self, *questions: Question) -> list[Any]:
        self.asked += [one.path for one in questions]
        return [{"SystemTime": "2026-01-02T03:04:05.123456789Z"} for _ in questions]


def engine(**api: Any) -> Told:
    return Told(**api)


def watch(root: Path, since: float, *seen: tuple[ContainerState, ...]) -> Staged:
    workspace: Any = SimpleNamespace(engine=engine())
    staged = Staged(workspace, load(root, dev=TEXT), ["api"], Silent(), since)
    staged.seen = seen
    return staged


def test_the_engines_time_goes_on_whatever_happens_to_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    one = engine()
    first = one.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= one.now() - first < 5
    assert abs(first - 1767323045.123) < 5
    assert one.asked == ["/info"]


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_clock_that_jumps_while_a_stack_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    real, jumped = time.time, threading.Event()

    def change(*_: object, **__: object) -> None:
        jumped.set()

    monkeypatch.setattr(time, "time", lambda: real() + (jump if jumped.is_set() else 0.0))
    monkeypatch.setattr(observe, "wait_for_change", change)
    staged = watch(tmp_path, 0.0, (container(health="starting"),), (container(health="healthy"),))
    began = time.monotonic()
    staged.follow(began + 20)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_the_time_that_a_stack_is_given_is_what_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    real = time.time
    monkeypatch.setattr(observe, "wait_for_change", lambda *_, **__: None)
    monkeypatch.setattr(observe, "service_logs", lambda *_, **__: "")
    staged = watch(tmp_path, 0.0, (container(health="starting"),))
    began = time.monotonic()
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    with pytest.raises(EnvmanError) as caught:
        staged.follow(began + 0.3)
    assert caught.value.diagnostics[0].code == "EV605"
    assert 0.3 <= time.monotonic() - began < 5


@pytest.mark.parametrize(("ago", "waits"), [(60.0, True), (-1.0, False)])
def test_what_exited_before_is_told_by_the_engines_own_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ago: float, waits: bool
) -> None:
    # This machine is a day ahead; by its clock everything on the engine is from before.
    monkeypatch.setattr(observe, "wait_for_change", lambda *_, **__: None)
    monkeypatch.setattr(observe, "service_logs", lambda *_, **__: "")
    since = engine().now()
    exited = container(state="exited", exit_code=1, started_at=since - ago)
    staged = watch(tmp_path, since, (exited,), (container(health="healthy"),))
    polls = iter([None, *[0] * 100])
    handle: Any = SimpleNamespace(poll=lambda: next(polls))
    if waits:
        staged.follow(time.monotonic() + 20, handle=handle)
        return
    with pytest.raises(EnvmanError) as caught:
        staged.follow(time.monotonic() + 20, handle=handle)
    assert caught.value.diagnostics[0].code == "EV603"


class Endless:
    """A stream of events that the engine does not end."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Endless:
        return self

    def __next__(self) -> object:
        assert self.closed.wait(20)
        raise StopIteration

    def close(self) -> None:
        self.closed.set()


def test_a_stream_that_the_engine_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "_GRACE", 0.1)
    stream = Endless()
    one = engine(events=lambda **_: stream)
    began = time.monotonic()
    observe.wait_for_change(one, "churn-dev", since=0.0, timeout=0.1)
    assert stream.closed.is_set()
    assert time.monotonic() - began < 5


def test_events_are_asked_for_from_the_engines_own_time_on(monkeypatch: pytest.MonkeyPatch) -> None:
    told = engine()
    bounds: dict[str, str] = {}

    def events(_: object, **given: str) -> Iterator[dict[str, Any]]:
        bounds.update(given)
        return iter(())

    monkeypatch.setattr(told, "events", events)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    before = told.now()
    assert list(observe.container_events(told, "label")) == []
    assert before <= float(bounds["since"]) <= before + 60
