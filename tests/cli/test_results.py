"""Results have published schemas; `support.results` holds what commands write in all other tests to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from called import Envman
from jsonschema import Draft202012Validator
from results import check_result
from typer.main import get_command

from envman.cli.app import app
from envman.output.results import RESULTS, result_schema
from envman.output.tables import timestamp

# Their standard output is another program's.
HANDED_OVER = {"run", "exec", "logs", "cp", "compose"}


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    below = getattr(command, "commands", None)
    if not below:
        yield " ".join(words)
    for name, one in (below or {}).items():
        yield from commands(one, (*words, name))


def test_every_command_has_a_result_or_hands_standard_output_over() -> None:
    assert set(commands(get_command(app))) == set(RESULTS) | HANDED_OVER


@pytest.mark.parametrize("command", sorted(RESULTS))
def test_a_schema_is_one_and_is_printed(envman: Envman, command: str) -> None:
    schema = result_schema(command)
    Draft202012Validator.check_schema(schema)
    assert json.loads(envman("schema", *command.split()).out) == schema


def test_a_result_that_is_not_described_is_an_error(envman: Envman) -> None:
    assert 'did you mean "status"?' in envman("schema", "statis", status=2).err


def test_a_document_that_is_otherwise_is_noticed() -> None:
    document = {"exit_status": 0, "diagnostics": [], "result": {"environment": "dev", "instance": None}}
    check_result(["use", "--format", "json"], json.dumps(document, indent=2))
    for wrong in ({"environment": "dev"}, {"environment": 5, "instance": None}, {**document, "more": 1}):
        with pytest.raises(AssertionError, match="use: "):
            check_result(["--format", "json", "use"], json.dumps({**document, "result": wrong}, indent=2))


def test_times_have_one_form() -> None:
    assert timestamp(0.9) == "1970-01-01T00:00:00Z"
    assert timestamp(None) is None
    output = Path(__file__).parents[2] / "envman/output"
    for path in output.rglob("*.py"):
        assert not re.search(r"isoformat\(", path.read_text()), f"{path.name} writes a time in a form of its own"
