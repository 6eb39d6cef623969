"""A name without a value takes what `.env` says of it, unless the process has the name."""

from __future__ import annotations

from pathlib import Path

from environments import load

BLUEPRINT = """\
    services:
      web:
        image: x
        environment: {A: null, B: , C: "", OTHER: }
        build: {context: ., args: [A, D=4]}
      list: {image: x, environment: [A, E]}
    """


def test_names_without_a_value(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=2\nC=3\nD=5\nE=$A-$P\n")
    (tmp_path / ".env.dev").write_text("B=two\n")
    services = load(tmp_path, process={"P": "p"}, dev=BLUEPRINT).data["services"]
    assert services["web"]["environment"] == {"A": "1", "B": "two", "C": "", "OTHER": None}
    assert services["web"]["build"]["args"] == {"A": "1", "D": "4"}
    assert services["list"]["environment"] == {"A": "1", "E": "1-p"}


def test_the_process_is_left_to_compose(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    services = load(tmp_path, process={"A": "process"}, dev=BLUEPRINT).data["services"]
    assert services["web"]["environment"]["A"] is None


def test_the_value_knows_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# of the project\nA=1\n")
    environment = load(tmp_path, dev=BLUEPRINT)
    assert environment.origin(("services", "web", "environment", "A")) == ".env:2:1"
