from __future__ import annotations

from envman.language.paths import PathTable


def rule(table: PathTable[str], path: str) -> str | None:
    found: PathTable[str] | None = table
    for step in path.split("."):
        found = found.below(step) if found is not None else None
    return found.rule if found is not None else None


def test_a_star_stands_for_any_one_step() -> None:
    table = PathTable({"services.*.ports": "ports"})
    assert rule(table, "services.api.ports") == "ports"
    assert rule(table, "services.api") is None
    assert rule(table, "services.api.ports.0") is None
    assert rule(table, "services.a.b.ports") is None


def test_a_named_step_goes_before_a_star() -> None:
    table = PathTable({"a.*": "any", "a.b": "b"})
    assert rule(table, "a.b") == "b"
    assert rule(table, "a.c") == "any"


def test_a_rule_may_stand_above_another() -> None:
    table = PathTable({"a": "above", "a.*.c": "below"})
    assert rule(table, "a") == "above"
    assert rule(table, "a.x.c") == "below"


def test_an_empty_table_has_no_rule() -> None:
    assert PathTable[str]().below("a") is None
