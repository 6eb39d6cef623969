"""What editors are told: every blueprint that is right passes, and what people mistype does not."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attribute_cases import Case, all_cases, read_plain

from envman.language.authoring import SHORT_FORMS, blueprint_schema
from envman.language.normalise import NORMALISERS
from envman.language.paths import PathTable
from envman.model.service import Service
from envman.model.stack import Stack

ROOT = Path(__file__).parents[2]
# The template's own, as its default answers make them; other answers are looked at in tests/template.
SHIPPED = sorted((ROOT / "blueprints").glob("*.yaml"))
SCHEMA = blueprint_schema("1.2.3")
jsonschema: Any = importlib.import_module("jsonschema")
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def mistakes(text: str) -> list[str]:
    """Return the path of each mistake that an editor would show."""
    return [".".join(map(str, one.absolute_path)) for one in VALIDATOR.iter_errors(read_plain(text))]


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$comment"].startswith("envman 1.2.3")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT))[-40:])
def test_shipped_blueprints_pass_and_point_to_it(path: Path) -> None:
    text = path.read_text()
    assert mistakes(text) == []
    assert text.startswith("# yaml-language-server: $schema=../.envman/schema.json\n")


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_whatever_compose_takes_passes(case: Case) -> None:
    assert mistakes(json.dumps(case.source)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "extends: base\nservices: {api: {ports: [{name: http, published: auto}]}}",
        "services: {api: {ports: ['${port}:80', {target: '${port}'}], read_only: '${ro}', cpus: '${cpus}'}}",
        "services: {api: {healthcheck: {interval: '${wait}', retries: '${n}'}, mem_limit: '${size:-1g}'}}",
        "services: {api: {depends_on: {db: {restart: true}}, environment: {PASSWORD: {secret: db}}}}",
        "services: {api: {ports: !reset null, command: !override [a], deploy: {replicas: !reset null}}}",
        "services: {api: {use_api_socket: '${yes}', cgroup: '${which}'}}",
        "variables: {level: {default: debug}, port: {type: port, default: auto, env: PORT}, s: {min: 1g}}",
        "volumes: {data: {retain: protected}, other: null}\nsecrets: {db: {source: generate, length: 40}}",
        "services: {a: {extends: b}, b: {extends: {service: c, file: c.yaml}}, c: {extends: !reset null}}",
        "include: [a.yaml, {path: [b.yaml, c.yaml], project_directory: b, env_file: b/.env}]",
        "x-common: &c {image: a}\nservices: {a: {<<: *c, x-mine: 1}, x-template: 5}",
    ],
)
def test_what_an_author_may_write_passes(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("service: {}", ""),
        ("services: {a: {extends: {file: b.yaml}}}", "services.a.extends"),
        ("include: [{paths: a}]", "include.0"),
        ("services: {api: {imgae: a}}", "services.api"),
        ("services: {'a b': {image: a}}", "services"),
        ("services: {api: {image: 5}}", "services.api.image"),
        ("services: {api: {image: [a]}}", "services.api.image"),
        ("services: {api: {mem_limit: lots}}", "services.api.mem_limit"),
        ("services: {api: {privileged: maybe}}", "services.api.privileged"),
        ("services: {api: {ports: 80}}", "services.api.ports"),
        ("services: {api: {ports: [{target: 80, publish: 1}]}}", "services.api.ports.0"),
        ("services: {api: {gpu: yes-please}}", "services.api.gpu"),
        ("services: {api: {healthcheck: {interval: 30}}}", "services.api.healthcheck.interval"),
        ("services: {api: {healthcheck: {interval: 30 seconds}}}", "services.api.healthcheck.interval"),
        ("services: {api: {depends_on: {db: {condition: healthy}}}}", "services.api.depends_on"),
        ("services: {api: {post_start: [{user: root}]}}", "services.api.post_start"),
        ("services: {api: {deploy: {resources: {limits: {memory: 512}}}}}", "limits.memory"),
        ("volumes: {data: {retain: forever}}", "volumes.data"),
        ("variables: {a: {type: integer}}", "variables.a.type"),
        ("variables: {a: {type: bool, min: 1}}", "variables.a"),
        ("variables: {a: {typ: bool}}", "variables.a"),
        ("variables: [a]", "variables"),
        ("abstract: perhaps", "abstract"),
    ],
)
def test_what_people_mistype_does_not(text: str, where: str) -> None:
    def places(error: Any) -> list[str]:
        below = [place for one in error.context or () for place in places(one)]
        return [".".join(map(str, error.absolute_path)), *below]

    found = [place for one in VALIDATOR.iter_errors(read_plain(text)) for place in places(one)]
    assert any(place.endswith(where) for place in found) if where else found, found
    assert found


def rows(table: PathTable[Any], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found = {path} if table.rule is not None else set()
    return found.union(*(rows(below, (*path, step)) for step, below in table.children.items()))


def test_every_short_form_that_is_normalised_may_be_written() -> None:
    normalised = rows(NORMALISERS)
    normalised -= {(kind, "*") for kind in ("networks", "volumes", "configs", "secrets")}  # their `external`
    normalised -= {(kind, "*", "ports", "*") for kind in ("services", "jobs")}  # the default protocol
    normalised = {path[:-1] if path[-2:] == ("schedule", "*") else path for path in normalised}
    written = {path for path in rows(SHORT_FORMS) if path[-1] != "external"}
    own_to_services = {path for path in written - normalised if path[0] == "jobs" or "pre_start" in path}
    assert normalised - written == set()
    assert written - own_to_services - normalised == set()


def test_every_attribute_says_what_it_is_for() -> None:
    stack = SCHEMA["properties"]
    assert [name for name in Stack.model_fields if not stack[name].get("description")] == []
    service = SCHEMA["definitions"]["Service"]["properties"]
    assert [name for name in Service.model_fields if not service[name].get("description")] == []


def test_the_command_prints_it_and_check_jsonschema_agrees(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    envman = [sys.executable, "-m", "envman", "schema", "--output", str(schema)]
    assert subprocess.run(envman, capture_output=True, text=True, check=True).stdout == f"{schema}\n"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("services: {api: {imgae: a}}\n")
    check = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema)]
    good = subprocess.run([*check, *map(str, SHIPPED)], capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stdout
    bad = subprocess.run([*check, str(wrong)], capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "imgae" in bad.stdout


@pytest.mark.parametrize("form", ["human", "json"])
def test_a_reader_that_leaves_early_is_no_error(form: str) -> None:
    envman = [sys.executable, "-m", "envman", "--format", form, "schema"]
    with subprocess.Popen(envman, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0
