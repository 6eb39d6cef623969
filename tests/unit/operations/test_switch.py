"""How a switch ends badly, and who may work beside one that was interrupted, without an engine."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from environments import load

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.operations import switch
from envman.operations.options import UpOptions
from envman.operations.progress import Silent
from envman.operations.signals import interrupted_once
from envman.operations.transaction import STOPPING, Transaction
from envman.operations.turn import take_turn
from envman.state.journal import SwitchEntry, interrupted_switch, record

ENTRY = SwitchEntry("switch", "staging", STOPPING, "dev", containers={"1": "healthy"})


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, text: str) -> None:
        self.said.append(text)

    warning = notice


def workspace(state: Path, *, away: bool = False) -> Any:
    def ping(*questions: object) -> None:
        if away:
            raise fail("EV408", "the engine went away")

    engine = SimpleNamespace(ask=ping)
    checkout = SimpleNamespace(state=state, notice="")
    return SimpleNamespace(engine=engine, checkout=checkout, project=SimpleNamespace(name="churn"))


def ended(
    root: Path, monkeypatch: pytest.MonkeyPatch, second: EnvmanError | None = None, *, away: bool = False
) -> list[str]:
    """Return the codes that a switch ends with whose target was unhealthy."""
    dev = load(root, dev="services: {api: {image: x}}", staging="services: {api: {image: x}}")
    staging = load(root, "staging")

    def take_back(*arguments: object, **options: object) -> None:
        if second is not None:
            raise second

    monkeypatch.setattr(Transaction, "take_back", take_back)
    record(root, ENTRY)
    transaction = Transaction(workspace(root, away=away), ENTRY, Silent())
    first = fail("EV604", "api is unhealthy")
    with pytest.raises(EnvmanError) as caught:
        switch._end_badly(transaction, staging, dev, UpOptions(), first, touched=True)
    return [one.code for one in caught.value.diagnostics]


def test_a_switch_that_was_taken_back_says_why_and_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(tmp_path, monkeypatch) == ["EV609", "EV604"]
    assert interrupted_switch(tmp_path) is None


def test_one_that_cannot_be_taken_back_tells_both_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(tmp_path, monkeypatch, fail("EV603", "db exited")) == ["EV613", "EV604", "EV603"]
    assert interrupted_switch(tmp_path) is None


def test_without_an_engine_it_stays_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(tmp_path, monkeypatch, fail("EV408", "away")) == ["EV631", "EV604", "EV408"]
    assert ended(tmp_path, monkeypatch, away=True) == ["EV631", "EV604"]
    assert interrupted_switch(tmp_path) is not None


@pytest.mark.parametrize("what", ["envman up dev", "envman run staging job", "envman switch prod"])
def test_commands_on_either_environment_are_refused(tmp_path: Path, what: str) -> None:
    record(tmp_path, ENTRY)
    with pytest.raises(EnvmanError, match="EV631"), take_turn(workspace(tmp_path), what, Silent(), patience=0):
        pass
    assert interrupted_switch(tmp_path) is not None


@pytest.mark.parametrize("what", ["envman up prod", "envman build dev"])
def test_commands_that_do_no_harm_are_told_and_go_on(tmp_path: Path, what: str) -> None:
    record(tmp_path, ENTRY)
    heard = Heard()
    with take_turn(workspace(tmp_path), what, heard, patience=0):
        pass
    (said,) = heard.said
    assert said.startswith("`switch staging` from dev was interrupted (stopping the other)")
    assert interrupted_switch(tmp_path) is not None


def undo(done: list[str]) -> None:
    """Be interrupted, and again while that is dealt with."""
    with interrupted_once():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")
            raise


def finish(done: list[str]) -> None:
    """Be interrupted where nothing may be."""
    with interrupted_once() as interrupts:
        interrupts.defer()
        signal.raise_signal(signal.SIGHUP)
        done.append("all of it")


@pytest.mark.parametrize("work", [undo, finish])
def test_a_signal_interrupts_once_and_nothing_that_must_be_done(work: Callable[[list[str]], None]) -> None:
    before = signal.getsignal(signal.SIGHUP)
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        work(done)
    assert done == ["all of it"]
    assert signal.getsignal(signal.SIGHUP) is before


def test_a_signal_that_is_to_be_ignored_interrupts_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_once() as interrupts:
            signal.raise_signal(signal.SIGHUP)
        assert not interrupts.kept
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
