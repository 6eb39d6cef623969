"""Every JSON document that a test has a command write is held to the schema that envman publishes for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from envman.output.results import RESULTS, result_schema


def check_result(arguments: Sequence[str], out: str) -> None:
    """Fail where ``out``, which envman wrote when called with ``arguments``, is not what their command results in."""
    command = command_of(arguments)
    if command is None or not out.startswith('{\n  "exit_status":'):
        return
    problems = [f"{one.json_path}: {one.message}" for one in _validator(command).iter_errors(json.loads(out))]
    assert not problems, f"{command}: {problems}"


def command_of(arguments: Sequence[str]) -> str | None:
    """Return the command of ``RESULTS`` that ``arguments`` call, if there is one."""
    for index, word in enumerate(arguments):
        both = " ".join(arguments[index : index + 2])
        if both in RESULTS or word in RESULTS:
            return both if both in RESULTS else word
        if word == "bundle":
            return "bundle create"
    return None


@cache
def _validator(command: str) -> Draft202012Validator:
    schema = result_schema(command)
    _close(schema)
    return Draft202012Validator(schema)


def _close(part: Any) -> None:
    """Let objects have only what the schema names: others may read more, and nothing is to be written unnamed."""
    if isinstance(part, list):
        for one in part:
            _close(one)
    elif isinstance(part, dict):
        if "properties" in part and part.get("type") == "object":
            part["additionalProperties"] = False
        for one in part.values():
            _close(one)
