"""Which values are taken as secrets: by `--yes`, by answers, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envman.capture.suspects import Suspect
from envman.cli import capture
from envman.cli.invocation import Invocation
from envman.diagnostics import EnvmanError

SUSPECTS = [Suspect(("services", name, "environment", "DB_PASSWORD"), "its name", "hunter2") for name in "abc"]


def answered(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    given: Iterator[str] = iter(answers)
    monkeypatch.setattr(capture, "can_ask", lambda _: True)
    monkeypatch.setattr(capture, "question", lambda _: next(given))
    return [one.where[0] for one in capture._chosen(Invocation(), SUSPECTS, yes=False)]


@pytest.mark.parametrize(
    ("answers", "taken"), [(["", "y", "n"], "ab"), (["n", "all"], "bc"), (["no", "n", "n"], ""), (["a"], "abc")]
)
def test_each_is_asked_about(monkeypatch: pytest.MonkeyPatch, answers: list[str], taken: str) -> None:
    assert "".join(answered(monkeypatch, *answers)) == taken


def test_yes_takes_all() -> None:
    assert capture._chosen(Invocation(), SUSPECTS, yes=True) == SUSPECTS


def test_without_a_terminal_nothing_is_guessed_and_no_value_shown() -> None:
    with pytest.raises(EnvmanError) as error:
        capture._chosen(Invocation(), SUSPECTS, yes=False)

    [found] = error.value.diagnostics
    assert found.code == "EV606"
    assert "hunter2" not in repr(found)
    assert [one.text for one in found.notes] == [f"{name} DB_PASSWORD = *** (7 characters): its name" for name in "abc"]
