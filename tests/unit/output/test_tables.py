from __future__ import annotations

import pytest

from envman.output.tables import Cell, age, size, table
from envman.output.width import columns


def test_columns_are_as_wide_as_they_need() -> None:
    assert table(["A", "LONGER", "C"], [["aaa", "b", "c"], ["", "bb", ""]]).splitlines() == [
        "A    LONGER  C",
        "aaa  b       c",
        "     bb",
    ]


def test_a_table_without_rows_is_its_headings() -> None:
    assert table(["A", "B"], []) == "A  B"


def test_wide_characters_take_two_columns() -> None:
    lines = table(["NAME", "X"], [["名前名", "1"], ["ab", "2"], ["e\N{COMBINING ACUTE ACCENT}", "3"]]).splitlines()
    assert {columns(line[: line.rindex(cell)]) for line, cell in zip(lines, "X123", strict=True)} == {8}


def test_a_cell_stays_in_its_row() -> None:
    assert table(["A", "B"], [["a\nb\x1b[2J", "c"]]).splitlines()[1:] == ["a\\nb\\x1b[2J  c"]


HEADINGS = ["NAME", "STATE", "EMPTY", "URLS"]
ROWS: list[list[Cell]] = [
    ["api", "running", "", ["http http://localhost:24500", "http://localhost:24501"]],
    ["a-long-name", "unhealthy", "", []],
]


def test_a_table_as_wide_as_the_terminal() -> None:
    assert table(HEADINGS, ROWS).splitlines()[1:] == [
        "api          running           http http://localhost:24500  http://localhost:24501",
        "a-long-name  unhealthy",
    ]
    assert table(HEADINGS, ROWS, 76).splitlines() == [
        "NAME         STATE      URLS",
        "api          running    http http://localhost:24500  http://localhost:24501",
        "a-long-name  unhealthy",
    ]
    assert table(HEADINGS, ROWS, 40).splitlines() == [
        "NAME         STATE",
        "api          running",
        "    http http://localhost:24500",
        "    http://localhost:24501",
        "a-long-name  unhealthy",
    ]
    assert table(HEADINGS, ROWS, 20).splitlines() == [
        "api",
        "    STATE  running",
        "    URLS   http http://localhost:24500",
        "           http://localhost:24501",
        "a-long-name",
        "    STATE  unhealthy",
    ]


@pytest.mark.parametrize("width", range(1, 120))
def test_no_value_is_cut_or_broken_at_any_width(width: int) -> None:
    text = table(HEADINGS, ROWS, width)
    for value in ("running", "a-long-name", "unhealthy", "http http://localhost:24500", "http://localhost:24501"):
        assert value in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86399, "23 h"),
        (86400, "1 d"),
        (864000, "10 d"),
    ],
)
def test_an_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (141_000_000, "141 MB"),
        (999_960_000, "1.0 GB"),
        (1_500_000_000, "1.5 GB"),
        (2_000_000_000_000, "2.0 TB"),
    ],
)
def test_a_size(count: float, text: str) -> None:
    assert size(count) == text
