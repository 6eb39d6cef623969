"""Where a `${...}` ends: as in Compose, every brace counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import load


@pytest.mark.parametrize(
    ("text", "unset", "value"),
    [
        ('${Q:-{"x": {"y": 1}}}', '{"x": {"y": 1}}', "set"),
        ("${Q:-a}b}", "ab}", "setb}"),
        ("${Q:-{x}", "{x", "set"),
        ("${Q:-a{}b}c", "a{}bc", "setc"),
        ("${Q:-${N:-{}}}", "{}", "set"),
    ],
)
def test_braces(text: str, unset: str, value: str, tmp_path: Path) -> None:
    declared = "variables: {Q: {type: string, env: Q}, N: {type: string}}\n"
    blueprint = f"{declared}services: {{web: {{image: x, labels: {{a: '{text}'}}}}}}\n"
    for process, expected in (({}, unset), ({"Q": "set"}, value)):
        data = load(tmp_path, process=process, dev=blueprint).data
        assert data["services"]["web"]["labels"] == {"a": expected}
