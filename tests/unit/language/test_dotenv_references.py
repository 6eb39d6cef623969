"""Values of `.env` files that refer to others, as Compose expands them."""

from __future__ import annotations

from pathlib import Path

import pytest

from envman.diagnostics import Report
from envman.project import read_values


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=$A/${A}", "1/1"),
        ('X="${A}\\n$NOTHING."', "1\n."),
        ("X='$A'", "$A"),
        ("X=${NOTHING:-$A}", "1"),
        ("X=$LATER", ""),
        ("X=$P", "process"),
        ('X="\\$A $$A $A"', "$A $A 1"),
        ("X=5$", "5$"),
    ],
)
def test_references(line: str, value: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A=1\nP=file\n{line}\nLATER=1\n")
    found = read_values(tmp_path, "dev", {"P": "process"}, Report())
    assert found["X"][0] == value


def test_the_environments_file_sees_the_projects(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / ".env.dev").write_text("B=${A}b\n")
    assert read_values(tmp_path, "dev", {}, Report())["B"][0] == "1b"


def test_what_compose_refuses_is_not_used(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("X=${A:?needed}\n")
    report = Report()
    assert read_values(tmp_path, "dev", {}, report) == {}
    assert [one.code for one in report.warnings] == ["EV113"]
