"""Tests of `table` and of the description that `describe` writes."""

import sys
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.describe import describe, main
from {{ cookiecutter.package_name }}.table import Category, Number, read_table

ROWS = """\
machine,hours,heat,site,serviced,note,failed
m1,3,20.5,north,True,a,0
m2,4,,south,False,b,1
m3,5,21,,True,c,0
"""


@pytest.fixture
def machines(tmp_path: Path) -> Path:
    """A table with what tables have: gaps, names, truths, and a column that names each row."""
    notes = "".join(f"m{row},1,2,north,True,n{row},0\n" for row in range(4, 60))
    file = tmp_path / "machines.csv"
    file.write_text(ROWS + notes)
    return file


def _read(text: str, folder: Path) -> dict[str, object]:
    (folder / "table.toml").write_text(text)
    return dict(read_table(folder / "table.toml"))


def test_a_table_is_described_as_it_is(machines: Path) -> None:
    text = describe(machines, "failed")
    table = _read(text, machines.parent)
    assert (table["file"], table["target"]) == ("machines.csv", "failed")
    assert table["labels"] == {"0": "0", "1": "1"}, "the rarer value is what is looked for"
    assert table["columns"] == {
        "hours": Number(kind="number", example=3),
        "heat": Number(kind="number", missing=True, example=20.5),
        "site": Category(kind="category", values=("north", "south"), missing=True, example="north"),
        "serviced": Category(kind="category", values=("False", "True"), example="True"),
    }
    assert "# Left out: machine, with 59 different values.\n" in text
    assert "# Left out: note" in text


def test_what_is_looked_for_can_be_said(machines: Path) -> None:
    assert _read(describe(machines, "failed", positive="0"), machines.parent)["labels"] == {
        "1": "1",
        "0": "0",
    }


def test_what_cannot_be_predicted_is_refused(machines: Path) -> None:
    with pytest.raises(ValueError, match="has no column failure; it has machine, "):
        describe(machines, "failure")
    with pytest.raises(ValueError, match="hours has 4 different values; two are wanted"):
        describe(machines, "hours")
    with pytest.raises(ValueError, match="failed is never maybe"):
        describe(machines, "failed", positive="maybe")


def test_the_command_writes_the_description(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], machines: Path
) -> None:
    (machines.parent / "data/raw").mkdir(parents=True)
    machines.rename(machines.parent / "data/raw/machines.csv")
    monkeypatch.chdir(machines.parent)
    monkeypatch.setattr(sys, "argv", ["describe", "machines.csv", "failed"])
    main()
    assert 'file = "machines.csv"\n' in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["describe", "none.csv", "failed"])
    with pytest.raises(SystemExit, match=r"there is no none\.csv in data/raw"):
        main()


def test_a_mistake_in_the_description_is_named(tmp_path: Path) -> None:
    text = (
        'file = "a.csv"\nquestion = "q"\ntarget = "t"\nlabels = {0 = "no", 1 = "yes"}\n'
        '[columns.a]\nkind = "number"\n'
    )
    for wrong, reason in (
        (text.replace('"number"', '"numbr"'), "number"),
        (text.replace("labels = {", 'labels = {maybe = "m", '), "two values of the target"),
    ):
        with pytest.raises(ValueError, match=reason):
            _read(wrong, tmp_path)
