"""Tests of `logs`."""

import io
import json
import logging
import sys

import pytest

from {{ cookiecutter.package_name }}.logs import JsonFormatter, TextFormatter, logging_configuration


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _record(**extras: object) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"msg": "scored %s", "args": ("a.csv",), "levelname": "INFO", "name": "batch", **extras}
    )


def test_people_get_text_and_machines_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in ((_Terminal(), "text"), (io.StringIO(), "json")):
        monkeypatch.setattr(sys, "stdout", stream)
        handler = logging_configuration("info")["handlers"]["stdout"]
        assert handler["formatter"] == expected
        assert logging_configuration("info", "json")["handlers"]["stdout"]["formatter"] == "json"


def test_a_line_of_text_has_extras_at_its_end() -> None:
    line = TextFormatter().format(_record(rows=3, metrics={"accuracy": 0.93333}))
    assert line[8:] == " info    scored a.csv  rows=3  metrics=accuracy 0.9333"


def test_a_traceback_follows_the_line() -> None:
    try:
        raise ValueError("no luck")
    except ValueError:
        record = _record(exc_info=sys.exc_info())
    assert TextFormatter().format(record).endswith("\nValueError: no luck")
    assert json.loads(JsonFormatter().format(record))["traceback"].endswith("no luck")
