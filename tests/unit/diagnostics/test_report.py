"""Diagnostics as text for people, lines for editors, JSON for programs."""

from __future__ import annotations

import json
import re

import pytest

from envman.diagnostics import Diagnostic, EnvmanError, Note, Report, Source, Span
from envman.diagnostics.diagnostic import MOST_ERRORS, near_match
from envman.output.diagnostics import as_data, as_json, human
from envman.output.style import Style

PROD = Source("blueprints/prod.yaml", 'services:\n  web:\n    ports:\n      - "x:y"\n')
BASE = Source("blueprints/base.yaml", "a: 1\n")
PORT = Diagnostic(
    "EV103",
    "not a port mapping",
    Span(PROD, 4, 9, 4, 14),
    'expected "HOST:CONTAINER"'.removeprefix("expected "),
    (Note("overrides", Span(BASE, 12, 9, 12, 14)),),
    'write "8080:80"',
)


def test_json_keeps_what_it_is_given_and_drives_no_terminal() -> None:
    message = "a\x1b[31m\x9b\u2028\ud800 名"
    text = as_json(as_data(Diagnostic("EV105", message)))
    assert json.loads(text)["message"] == message
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    assert "名" in text


def test_a_long_quotation_is_cut() -> None:
    told = human([Diagnostic("EV105", "x" * 100_000, help="y" * 100_000)], Style(colour=False))
    assert len(told) < 2000


def test_a_report_is_in_order_and_none_twice() -> None:
    first, second = Span(BASE, 1, 1, 1, 2), Span(PROD, 2, 3, 2, 6)
    report = Report()
    for span in (second, None, first, second, first):
        report.error("EV105", "unknown", span)
    assert [one.span for one in report] == [first, second, None]


def test_a_report_ends_where_nobody_reads_on() -> None:
    report = Report()
    for number in range(MOST_ERRORS):
        report.error("EV105", f"unknown {number}")
    with pytest.raises(EnvmanError) as caught:
        report.error("EV105", "one too many")
    assert len(caught.value.diagnostics) == MOST_ERRORS + 1
    # Who goes on with the next environment still collects.
    report.extend(caught.value.diagnostics)
    assert list(report) == list(caught.value.diagnostics)
    assert report.errors[-1].code == "EV114"


def test_near_matches_of_many_names() -> None:
    many = [f"name{number}" for number in range(900)]
    assert near_match("servces", [*many, "services"]) == 'did you mean "services"?'
    assert near_match("x" * 100_000, many) == ""


def test_warnings_have_no_limit() -> None:
    report = Report()
    for number in range(2 * MOST_ERRORS):
        report.warning("EV314", f"no tag {number}")
    report.error("EV105", "unknown")
    assert len(report.warnings) == 2 * MOST_ERRORS
    assert [one.code for one in report.errors] == ["EV105"]


def test_one_place_has_one_warning_of_a_kind() -> None:
    anchor = Span(BASE, 1, 1, 1, 2)
    report = Report()
    for service in ("api", "worker"):
        report.warning("EV314", f"{service} has no tag", anchor)
        report.error("EV105", f"unknown in {service}", anchor)
    assert [one.message for one in report.warnings] == ["api has no tag"]
    assert len(report.errors) == 2
