from __future__ import annotations

from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.template.record import RECORD_FILE, is_older, is_version, read_record, record_text, template_of

GOOD = record_text("t", "1.2", digest="sha256:0", answers={"a": "3.13", "b": "on: #"}, source=None, pristine="p")


def test_none_is_recorded(tmp_path: Path) -> None:
    assert template_of(tmp_path) is None


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / RECORD_FILE).write_text(GOOD)
    record = read_record(tmp_path)
    assert record is not None
    assert (record.template, record.version, record.source) == ("t", "1.2", None)
    assert record.answers == {"a": "3.13", "b": "on: #"}
    assert template_of(tmp_path) == ("t", "1.2")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"1.2"', '"newest"', "EV706"),
        ('"1.2"', '"1.2; rm"', "EV706"),
        ('template: "t"', 'template: "../t"', "EV706"),
        ('version: "1.2"\n', "", "EV107"),
        ("answers:", "answer:", "EV105"),
        ("answers:", "<<<<<<< HEAD\nanswers:", "EV100"),
    ],
)
def test_what_is_no_record(tmp_path: Path, old: str, new: str, code: str) -> None:
    assert old in GOOD
    (tmp_path / RECORD_FILE).write_text(GOOD.replace(old, new))
    with pytest.raises(EnvmanError) as caught:
        template_of(tmp_path)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == code
    assert diagnostic.span is not None
    assert diagnostic.span.source.name == RECORD_FILE


@pytest.mark.parametrize(
    ("one", "other"), [("1.0.0", "1.0.1"), ("1.9", "1.10"), ("1", "1.0.1"), ("0.9.9.9", "1"), ("2.0", "10")]
)
def test_older(one: str, other: str) -> None:
    assert is_older(one, other)
    assert not is_older(other, one)


def test_trailing_zeros_make_no_difference() -> None:
    assert not is_older("1", "1.0.0")
    assert not is_older("1.0.0", "1")


@pytest.mark.parametrize("text", ["", "v1", "1.", "1.2.3.4.5", "1.0-rc1", "1.0\n", "-1"])
def test_no_versions(text: str) -> None:
    assert not is_version(text)
