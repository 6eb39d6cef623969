"""References as Compose reads them, and their spelling in a blueprint."""

from __future__ import annotations

import pytest

from envman.language.references import expanded, literal, references, rewritten


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", []),
        ("$A ${B}", [("A", ""), ("B", "")]),
        ("$$A $${B} $1 $. $", []),
        ("${A:-${B-${C:?d}}}", [("A", ":-"), ("B", "-"), ("C", ":?")]),
        ('${A:-{"x": {}}}', [("A", ":-")]),
        ("${A:+b}${C+d}", [("A", ":+"), ("C", "+")]),
        ("${not closed", []),
        ("${1} ${A!b}", []),
    ],
)
def test_finds_every_reference(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.name, one.operator) for one in references(text)] == found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("5$", "5$$"),
        ("$1 and $$2", "$$1 and $$2"),
        ("$A/${A}/$B", "${A-}/${A-}/$B"),
        ("${C:-$A$}", "${C:-${A-}$$}"),
        ("${A:-x}", "${A:-x}"),
        ("${broken", "${broken"),
    ],
)
def test_spells_them_for_a_blueprint(text: str, written: str) -> None:
    assert rewritten(text, {"A"}) == written


@pytest.mark.parametrize(("text", "value"), [("a", "a"), ("a$$b", "a$b"), ("5$", "5$"), ("$A", None), ("${", None)])
def test_knows_a_text_without_references(text: str, value: str | None) -> None:
    assert literal(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("$A-${B:-c}", "1-c"), ("$NOTHING.", "."), ("${NOTHING-x}$$", "x$"), ("${NOTHING?}", None), ("$", "$")],
)
def test_expands_as_compose_does(text: str, value: str | None) -> None:
    assert expanded(text, {"A": "1"}) == value
