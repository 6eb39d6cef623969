"""The small schema that envman writes against pydantic's own: they must judge alike."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from trees import data

from envman.model.as_pydantic import pydantic_model
from envman.model.fields import Attributes
from envman.model.header import Declarations, Header, ProjectFile
from envman.model.schema import validator_of
from envman.model.stack import Stack

WHOLE = """\
    services:
      api:
        image: b
        ports: [{target: 80, published: auto, name: http}]
        volumes: [{type: bind, source: ., target: /a, bind: {create_host_path: true}}]
        environment: {A: 1, B: null, C: {secret: s}}
        depends_on: {db: {condition: service_healthy, required: false}}
        deploy: {replicas: "2", resources: {limits: {cpus: 0.5, memory: 1g, pids: 5}}}
        healthcheck: {test: [CMD, x], interval: 1s, retries: 3}
        ulimits: {nproc: 5, nofile: {soft: 1, hard: "2"}}
        gpus: all
        networks: {a: null, b: {aliases: [x], priority: 1.5}}
        build: {context: ., args: {A: 1}, provenance: mode=max}
        command: null
      db: {image: b, gpus: [{count: all}], command: [x], extends: {anything: [1]}}
    networks: {a: null, b: {ipam: {config: [{subnet: 10.0.0.0/8}]}}}
    volumes: {a: null, b: {retain: protected, external: "true"}}
    secrets: {s: {source: generate, length: 16}}
    profiles: [a]
"""
SERVICES = [
    "{image: 5}",
    "{ports: [{published: 1}]}",
    "{scale: x}",
    "{command: {a: b}}",
    "{gpus: some}",
    "{environment: {A: [1]}}",
    "{environment: {A: {secrte: s}}}",
    "{deploy: {replicas: 1.5}}",
    "{stop_grace_period: 5}",
    "{depends_on: {db: {}}}",
    "{cap_add: [1]}",
    "[]",
    "text",
]
VARIABLES = [
    "{type: int, default: 1, min: 0}",
    "{type: int, default: '1'}",
    "{type: enum, values: []}",
    "{type: enum, values: [a, 1], default: a}",
    "{type: string, min: 1}",
    "{type: other}",
    "{default: a}",
    "{type: port, default: auto}",
    "{type: port, default: 5}",
    "{type: size, default: 1m, max: 2g}",
    "{type: bool, default: null}",
]
CASES: list[tuple[type[Attributes], str]] = [
    (Stack, WHOLE),
    *((Stack, f"services: {{api: {text}}}\n") for text in SERVICES),
    *((Declarations, f"variables: {{x: {text}}}\n") for text in VARIABLES),
    *((Header, text) for text in ("extends: a\n", "extends: [a]\n", "extends: 5\n", "abstract: 'true'\n")),
    *((ProjectFile, text) for text in ("name: a\nlanguage: 1\n", "name: A\nlanguage: 1\n", "language: '1'\n")),
    *((Stack, f"secrets: {{s: {{length: {length}}}}}\n") for length in (15, 16, 1024, 1025, "x")),
]


def plain(value: Any) -> Any:
    """Return models of either kind as what they hold."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    fields = getattr(type(value), "model_fields", None)
    return value if fields is None else {name: plain(getattr(value, name)) for name in fields}


def judged(validate: Any, value: Any) -> Any:
    try:
        return plain(validate(value))
    except ValidationError as error:
        return sorted({tuple(str(step) for step in one["loc"] if isinstance(step, str))[:3] for one in error.errors()})


@pytest.mark.parametrize(("model", "text"), CASES)
def test_both_judge_alike(model: type[Attributes], text: str) -> None:
    value = data(textwrap.dedent(text))
    assert judged(validator_of(model).validate_python, value) == judged(pydantic_model(model).model_validate, value)


@pytest.mark.parametrize("text", ["{image: null}", "{ports: null}", "{healthcheck: null}", "{environment: null}"])
def test_a_written_null_is_refused_where_it_means_nothing(text: str) -> None:
    with pytest.raises(ValidationError):
        validator_of(Stack).validate_python(data(f"services: {{api: {text}}}\n"))


@pytest.mark.parametrize("text", ["{command: null}", "{entrypoint: null}", "{deploy: null}", "{develop: null}", "{}"])
def test_a_written_null_is_taken_where_it_means_something(text: str) -> None:
    assert validator_of(Stack).validate_python(data(f"services: {{api: {text}}}\n")) is not None


def test_the_shipped_blueprints_are_what_the_schema_takes() -> None:
    root = Path(__file__).parents[3] / "blueprints"
    for path in root.glob("*.yaml"):
        header = {key: value for key, value in data(path.read_text()).items() if key in Header.model_fields}
        assert judged(validator_of(Header).validate_python, header) == judged(
            pydantic_model(Header).model_validate, header
        )
