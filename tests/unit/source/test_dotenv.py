from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trees import told, where

from envman.diagnostics import Report, Source
from envman.source.dotenv import dotenv_line, parse_dotenv, read_dotenv


def parse(text: str) -> tuple[dict[str, str], list[str]]:
    report = Report()
    found = parse_dotenv(Source(".env", text, confidential=True), report)
    return {name: value for name, (value, _) in found.items()}, told(report)


# Each of these is what Compose 2.40 reads.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n", {"A": "1"}),
        ("A=1", {"A": "1"}),
        ("A = 1\n", {"A": "1"}),
        ("A: 1\n", {"A": "1"}),
        ("export A=1\n", {"A": "1"}),
        ("export  A=1\n", {"A": "1"}),
        ("exportA=1\n", {"exportA": "1"}),
        ("A=1 # c\n", {"A": "1"}),
        ("A=1# c\n", {"A": "1# c"}),
        ("A=#x\n", {"A": "#x"}),
        ("A= #x\n", {"A": "#x"}),
        ("A='x # y' # c\n", {"A": "x # y"}),
        ('A="x" # c\n', {"A": "x"}),
        ('A="x\\ny"\n', {"A": "x\ny"}),
        ("A='x\\ny'\n", {"A": "x\\ny"}),
        ("A=a\\nb\n", {"A": "a\\nb"}),
        ('A="a\nb"\nB=2\n', {"A": "a\nb", "B": "2"}),
        ("A='multi\nline'\nB=2\n", {"A": "multi\nline", "B": "2"}),
        ("A='it\\'s'\n", {"A": "it's"}),
        ('A="\\"q\\""\n', {"A": '"q"'}),
        ('A="a\\tb\\\\c\\$d"\n', {"A": "a\tb\\c$d"}),
        ("A='$B'\n", {"A": "$B"}),
        ('A="$$B"\n', {"A": "$B"}),
        ("A=\n", {"A": ""}),
        ("A=''\n", {"A": ""}),
        ('A="" \n', {"A": ""}),
        ("A\n", {}),
        ("A=x=y\n", {"A": "x=y"}),
        ("A=  x y  \n", {"A": "x y"}),
        ("A=a'b'c\n", {"A": "a'b'c"}),
        ("A=`x`\n", {"A": "`x`"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("A.B=1\nA-B=2\n1A=3\nÉ=4\nA[0]=5\n", {"A.B": "1", "A-B": "2", "1A": "3", "É": "4", "A[0]": "5"}),
        ("a=1\r\nb='2'\r\nc=\"3\"\r\n", {"a": "1", "b": "2", "c": "3"}),
        ("A=1\n\n# c\n  B=2\n", {"A": "1", "B": "2"}),
        ("A=x\x85y\u2028z\x0cw\n", {"A": "x\x85y\u2028z\x0cw"}),
        ("A=5$\nB=a$ b\n", {"A": "5$", "B": "a$ b"}),
        ("", {}),
    ],
)
def test_what_compose_reads(text: str, expected: dict[str, str]) -> None:
    assert parse(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A b=1\n", "EV113 1:1-6 not a NAME=value line"),
        ("=x\n", "EV113 1:1-3 a value without a name is not used"),
        ('B=1\nA="x\n', "EV113 2:1-5 a quote is never closed"),
        ("A=$B\n", "EV113 1:1-5 A refers to another variable and is not used"),
        ('A="x${B}"\n', "EV113 1:1-10 A refers to another variable and is not used"),
    ],
)
def test_what_is_not_used(text: str, expected: str) -> None:
    found, problems = parse(text + "C=3\n")
    assert problems == [expected]
    assert found["C"] == "3"
    assert "A" not in found


def test_lines_are_counted_past_values_of_many_lines() -> None:
    report = Report()
    found = parse_dotenv(Source(".env", "A='x\ny\nz'\n\nB=1\nC=\"\n\"\nD=2"), report)
    assert {name: where(span) for name, (_, span) in found.items()} == {
        "A": "1:1-5",
        "B": "5:1-4",
        "C": "6:1-4",
        "D": "8:1-4",
    }


def test_a_line_is_never_quoted_in_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("not a line\nA=1\n")
    report = Report()
    assert read_dotenv(tmp_path / ".env", root=tmp_path, report=report)["A"][0] == "1"
    (one,) = report
    assert one.span is not None
    assert one.span.source.confidential
    assert "not a line" not in f"{one.message}{one.expected}{one.help}"


def test_no_file_is_no_value(tmp_path: Path) -> None:
    assert read_dotenv(tmp_path / ".env", root=tmp_path, report=Report()) == {}


def test_text_after_a_closing_quote_is_a_line_of_its_own() -> None:
    found, problems = parse("A='x'B=2\n")
    assert found == {"A": "x", "B": "2"}
    assert problems == ["EV113 1:1-9 text follows the closing quote: Compose reads it as a line of its own"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    ["A='\n" * 300_000, 'A="' + "x\n" * 500_000, "A=" + "$" * 1_000_000, "A='" + "\\'" * 500_000, "A=''" * 200_000],
)
def test_hostile_text_ends_soon(text: str) -> None:
    parse(text)


@given(st.text(st.characters(exclude_characters="'\\\r", exclude_categories=["Cs"])))
def test_single_quotes_keep_everything(value: str) -> None:
    assert parse(f"A='{value}'\nB=1\n") == ({"A": value, "B": "1"}, [])


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    "value",
    ["x", "", "a b", "a # b", "it's", 'say "x"', "back\\slash", "$A ${B} $$", "two\nlines", "ends \\", "'\\$x\""],
)
def test_a_value_reads_back_as_it_was(value: str) -> None:
    found = parse_dotenv(Source(".env.dev", dotenv_line("X", value) + "\nY=1\n"), Report())
    assert {name: text for name, (text, _) in found.items()} == {"X": value, "Y": "1"}
